"""Weighting: the reference is carried to the target, or the method says that it cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from holdfast.core import Weigher
from holdfast.faults.worlds import worlds
from holdfast.ops.density_ratio import effective_sample_size, moment_gap
from holdfast.ops.kernels import median_distance, standardised
from holdfast.testing.laws import call
from holdfast.weighting import (
    ADASYN,
    KLIEP,
    SMOTE,
    SMOTENC,
    BorderlineSMOTE,
    DoubleWeighting,
    EditedNearestNeighbours,
    InterferenceWeights,
    KernelMeanMatching,
    LabelShiftWeights,
    LogisticRatio,
    LossWeights,
    PriorCorrection,
    ReTaSA,
    RuLSIF,
    TemperatureMix,
    TomekLinks,
    UniMax,
)

WORLDS = worlds("weighting")
FEATURE_WEIGHERS = [LogisticRatio(), LogisticRatio(learner="boosting"), KernelMeanMatching()]


def _name(method: Weigher) -> str:
    return f"{type(method).__name__}-{getattr(method, 'learner', '')}"


@pytest.mark.parametrize("method", FEATURE_WEIGHERS, ids=_name)
@pytest.mark.parametrize("name", ["tilt", "truncation"])
def test_weighted_means_meet_the_target(method: Weigher, name: str) -> None:
    evidence = WORLDS[name](0).evidence
    before = moment_gap(evidence["ref_X"], evidence["cur_X"], np.ones(len(evidence["ref_X"])))
    after = moment_gap(evidence["ref_X"], evidence["cur_X"], call(method, evidence))
    assert before > 0.3, f"the world moved by only {before:.3f} sd"
    assert after <= 0.05 + 1e-9, f"a mean is still {after:.3f} sd away, {before:.3f} before"


def test_linear_ratio_is_the_planted_tilt() -> None:
    world = WORLDS["tilt"](1)
    weights = LogisticRatio().weigh_rows(ref_X=world.evidence["ref_X"], cur_X=world.evidence["cur_X"])
    z = world.evidence["ref_X"][:, 0]
    slope = float(np.polyfit(z, np.log(weights), 1)[0])
    assert abs(slope - 0.8) < 0.25, f"log weights rise by {slope:.2f} a unit, planted 0.8"
    assert np.corrcoef(np.log(weights), np.log(world.truth))[0, 1] > 0.9


def test_boosting_follows_an_edge_better_than_a_line() -> None:
    rng = np.random.default_rng(0)
    ref_X, cur_X = rng.uniform(-1, 1, (1500, 2)), rng.uniform(-1, 1, (1500, 2))
    cur_X = cur_X[np.abs(cur_X[:, 0]) < 0.5]  # the means stay where they were
    truth = 2.0 * (np.abs(ref_X[:, 0]) < 0.5)
    error = {
        learner: float(np.abs(LogisticRatio(learner=learner).weigh_rows(ref_X=ref_X, cur_X=cur_X) - truth).mean())
        for learner in ("linear", "boosting")
    }
    assert error["boosting"] < 0.5 * error["linear"], f"mean absolute errors {error}"


def test_a_target_out_of_reach_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"cur_X column 1 cannot be reached"):
        LogisticRatio().weigh_rows(ref_X=rng.normal(size=(300, 2)), cur_X=rng.normal([0, 4.9], 0.05, (300, 2)))


def _kernel(ref_X: np.ndarray, cur_X: np.ndarray, bandwidth: float) -> np.ndarray:
    rows = standardised(ref_X, cur_X).astype(float)
    width = bandwidth * median_distance(rows, np.random.default_rng(0))
    return np.exp(-cdist(rows, rows, "sqeuclidean") / (2 * width**2))


@pytest.mark.parametrize("penalty", [0.0, 0.7])
@pytest.mark.parametrize("largest", [1.5, 50.0])
def test_kernel_mean_matching_is_as_good_as_a_general_solver(penalty: float, largest: float) -> None:
    rng = np.random.default_rng(3)
    n, m = 30, 25
    ref_X, cur_X = rng.normal(size=(n, 2)), rng.normal(0.7, 0.8, (m, 2))
    kernel = _kernel(ref_X, cur_X, 0.8)
    inner, pull = kernel[:n, :n] + penalty * np.eye(n), kernel[:n, n:].mean(axis=1)

    def objective(share: np.ndarray) -> float:
        return float(share @ inner @ share / 2 - pull @ share)

    slack = 1 - 1 / np.sqrt(n)
    reference = minimize(
        objective,
        np.full(n, 1 / n),
        jac=lambda share: inner @ share - pull,
        bounds=[(0, largest / n)] * n,
        constraints={"type": "ineq", "fun": lambda share: np.r_[share.sum() - 1 + slack, 1 + slack - share.sum()]},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    ours = KernelMeanMatching(penalty=penalty, largest=largest, bandwidth=0.8, tolerance=np.inf)
    ours = ours.weigh_rows(ref_X=ref_X, cur_X=cur_X) / n  # type: ignore[assignment]
    scale = min(pull @ ours / (ours @ inner @ ours), largest / n / ours.max())  # weights come out with mean 1
    start = objective(np.full(n, 1 / n))
    assert reference.fun < start - 0.01, "the reference solver found nothing"
    assert objective(scale * ours) <= reference.fun + 1e-4 * (start - reference.fun), (
        f"objective {objective(scale * ours):.8f}, scipy {reference.fun:.8f}, start {start:.8f}"
    )


def test_kernel_mean_matching_follows_a_change_of_spread_on_landmarks() -> None:
    rng = np.random.default_rng(4)
    ref_X, cur_X = rng.normal(size=(3000, 2)), rng.normal(0, [0.6, 1.0], (2000, 2))
    weights = KernelMeanMatching().weigh_rows(ref_X=ref_X, cur_X=cur_X)
    spread = np.sqrt((weights[:, None] * ref_X**2).mean(axis=0))
    assert abs(spread[0] - 0.6) < 0.08 and abs(spread[1] - 1.0) < 0.08, f"weighted spread {spread.round(3)}"


def test_double_weighting_with_trade_off_one_is_kernel_mean_matching() -> None:
    evidence = WORLDS["tilt"](0).evidence
    double, single = DoubleWeighting(trade_off=1.0), KernelMeanMatching()
    assert np.abs(call(double, evidence) - call(single, evidence)).max() < 0.01
    assert (double.cur_weights_ == 1).all()


def test_double_weighting_moves_towards_the_target() -> None:
    evidence = WORLDS["tilt"](0).evidence
    ref_X, cur_X = evidence["ref_X"], evidence["cur_X"]
    method = DoubleWeighting()
    weights = method.weigh_rows(ref_X=ref_X, cur_X=cur_X)
    kept = np.average(cur_X, axis=0, weights=method.cur_weights_)
    gap = np.abs(weights @ ref_X / len(ref_X) - kept) / ref_X.std(axis=0)
    assert gap.max() < 0.06, f"the two weighted means differ by {gap.max():.3f} sd"


def test_double_weighting_keeps_rows_where_supports_barely_overlap() -> None:
    rng = np.random.default_rng(0)
    ref_X, cur_X = rng.uniform(0, 1, (300, 2)), rng.uniform([0.7, 0], [1.7, 1], (300, 2))
    methods = [KernelMeanMatching(tolerance=np.inf), *(DoubleWeighting(trade_off=d, tolerance=np.inf) for d in (2, 6))]
    kept = [effective_sample_size(method.weigh_rows(ref_X=ref_X, cur_X=cur_X)) for method in methods]
    assert kept[1] > 1.05 * kept[0] and kept[2] > 1.2 * kept[0], f"effective sample sizes {np.round(kept, 1)}"
    cur_weights = methods[2].cur_weights_  # type: ignore[attr-defined]
    inside, outside = cur_weights[cur_X[:, 0] < 1].mean(), cur_weights[cur_X[:, 0] > 1.3].mean()
    assert inside > outside + 0.1, f"target rows inside the overlap weigh {inside:.2f}, outside {outside:.2f}"


def test_double_weighting_stays_within_its_bounds() -> None:
    evidence = WORLDS["truncation"](0).evidence
    method = DoubleWeighting(trade_off=3.0)
    call(method, evidence)
    beta = method.cur_weights_
    radius = (1 - 1 / np.sqrt(3.0)) * np.sqrt(len(beta))
    assert beta.min() >= 0 and beta.max() <= 1 + 1e-12
    assert np.linalg.norm(beta - 1) <= radius * (1 + 1e-6), "the target weights lie outside the ball"
    assert np.linalg.norm(beta - 1) > 0.99 * radius, "giving up target rows is free up to the bound"


MEANS = np.array([-2.0, 0.0, 2.0])
OLD, NEW = np.array([0.3, 0.3, 0.4]), np.array([0.6, 0.1, 0.3])


def _mixture(share: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes of three overlapping bell curves and their true probabilities under the old shares."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=share)
    likelihood = OLD * np.exp(-((rng.normal(MEANS[y])[:, None] - MEANS) ** 2) / 2)
    return y, likelihood / likelihood.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("method", ["bbse", "em"])
def test_label_shift_weights_recover_the_planted_shares(method: str) -> None:
    ref_y, ref_probs = _mixture(OLD, 8000, 0)
    _, cur_probs = _mixture(NEW, 8000, 1)
    weigher = LabelShiftWeights(method=method)  # type: ignore[arg-type]
    weights = weigher.weigh_rows(ref_probs=ref_probs, ref_y=ref_y, cur_probs=cur_probs)
    shares = np.bincount(ref_y, weights=weights) / len(ref_y)
    assert np.abs(shares - NEW).max() < 0.06, f"shares {shares.round(3)}, planted {NEW}"
    assert np.abs(weigher.class_weights_ - NEW / OLD).max() < 0.2, f"class weights {weigher.class_weights_.round(2)}"
    assert (weights == weigher.class_weights_[ref_y] / weigher.class_weights_[ref_y].mean()).all()


def test_bbse_does_not_need_calibrated_probabilities_and_em_does() -> None:
    ref_y, ref_probs = _mixture(OLD, 8000, 2)
    _, cur_probs = _mixture(NEW, 8000, 3)
    blunt = [probs**0.3 / (probs**0.3).sum(axis=1, keepdims=True) for probs in (ref_probs, cur_probs)]
    error = {}
    for method in ("bbse", "em"):
        weights = LabelShiftWeights(method=method).weigh_rows(  # type: ignore[arg-type]
            ref_probs=blunt[0], ref_y=ref_y, cur_probs=blunt[1]
        )
        error[method] = float(np.abs(np.bincount(ref_y, weights=weights) / len(ref_y) - NEW).max())
    assert error["bbse"] < 0.06 < 0.5 * error["em"], f"largest error of a share {error}"


@pytest.mark.parametrize("method", ["bbse", "em"])
def test_a_class_without_reference_rows_has_no_weight(method: str) -> None:
    ref_y, ref_probs = _mixture(OLD, 2000, 4)
    kept = ref_y != 1
    weigher = LabelShiftWeights(method=method)  # type: ignore[arg-type]
    weights = weigher.weigh_rows(ref_probs=ref_probs[kept], ref_y=ref_y[kept], cur_probs=ref_probs)
    assert weigher.class_weights_[1] == 0 and np.isfinite(weights).all() and weights.min() > 0.3


def test_bbse_follows_the_digits() -> None:
    world = WORLDS["label_shift"](0)
    weights = call(LabelShiftWeights(), world.evidence)
    error = float(np.abs(weights - world.truth).mean())
    assert error < 0.2, f"mean absolute error of the weights {error:.3f}"


@pytest.mark.parametrize("method", [KLIEP(), RuLSIF(), RuLSIF(relative=0.0)], ids=["kliep", "rulsif", "ulsif"])
def test_kernel_ratios_follow_a_band_that_no_line_can(method: Weigher) -> None:
    rng = np.random.default_rng(0)
    ref_X, cur_X = rng.normal(size=(1000, 2)), rng.normal(0, [0.5, 1.0], (1000, 2))
    truth = 2 * np.exp(-1.5 * ref_X[:, 0] ** 2)
    weights = method.weigh_rows(ref_X=ref_X, cur_X=cur_X)  # type: ignore[attr-defined]
    error, flat = np.abs(weights - truth / truth.mean()).mean(), np.abs(1 - truth / truth.mean()).mean()
    assert error < 0.45 * flat, f"mean absolute error {error:.3f}, of equal weights {flat:.3f}"


def test_kliep_finds_the_maximum_of_its_likelihood() -> None:
    """Against a general solver on the same kernels."""
    from holdfast.weighting.kliep import _mixture

    rng = np.random.default_rng(1)
    ref, cur = rng.random((40, 5)) + 0.05, rng.random((30, 5)) + 0.05
    ours = _mixture(ref, cur)
    peer = minimize(
        lambda alpha: -np.log(cur @ alpha).mean(),
        np.full(5, 1 / ref.mean(axis=0).sum()),
        bounds=[(0, None)] * 5,
        constraints={"type": "eq", "fun": lambda alpha: ref.mean(axis=0) @ alpha - 1},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert abs(ref.mean(axis=0) @ ours - 1) < 1e-9 and ours.min() >= 0
    assert np.log(cur @ ours).mean() > -peer.fun - 1e-3, f"{np.log(cur @ ours).mean():.6f}, scipy {-peer.fun:.6f}"


def test_a_relative_ratio_keeps_more_rows_than_the_plain_one() -> None:
    rng = np.random.default_rng(2)
    ref_X, cur_X = rng.normal(size=(800, 1)), rng.normal(1.2, 0.6, (800, 1))
    kept = []
    for relative in (0.0, 0.5):
        method = RuLSIF(relative=relative, tolerance=np.inf)
        method.weigh_rows(ref_X=ref_X, cur_X=cur_X)
        kept.append(method.effective_sample_size_)  # type: ignore[attr-defined]
    assert kept[1] > 1.3 * kept[0], f"effective sample sizes {kept}"


def test_retasa_recovers_the_growth_of_a_response_and_regression_gains() -> None:
    from sklearn.linear_model import Ridge

    errors, losses = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y, new = rng.normal(size=1500), rng.normal(0.8, 0.7, 1500)
        X, met = (np.column_stack([t, t**2]) + rng.normal(0, 0.4, (len(t), 2)) for t in (y, new))
        truth = np.exp(-((y - 0.8) ** 2) / (2 * 0.49) + y**2 / 2)
        weights = ReTaSA().weigh_rows(ref_X=X, ref_target=y, cur_X=met)
        errors.append(np.abs(weights - truth / truth.mean()).mean() / np.abs(1 - truth / truth.mean()).mean())
        fits = Ridge().fit(X, y), Ridge().fit(X, y, sample_weight=weights)
        losses.append([np.mean((new - fit.predict(met)) ** 2) for fit in fits])
    assert np.mean(errors) < 0.4, f"error of the weights over that of equal weights: {errors}"
    plain, weighted = np.mean(losses, axis=0)
    assert weighted < 0.9 * plain, f"mean squared error {weighted:.3f} weighted, {plain:.3f} not"


@pytest.mark.parametrize("learner", ["linear", "boosting"])
@pytest.mark.parametrize("arm", ["treatment", "control"])
def test_interference_weights_are_the_chance_of_the_arm(learner: str, arm: str) -> None:
    world = WORLDS["two_arms"](0)
    weights = InterferenceWeights(learner=learner, arm=arm).weigh_rows(**world.evidence)  # type: ignore[arg-type]
    truth = world.truth / world.truth.max() if arm == "treatment" else 1 - world.truth / world.truth.max()
    least = 0.95 if learner == "linear" else 0.75
    assert np.corrcoef(weights, truth)[0, 1] > least, f"correlation {np.corrcoef(weights, truth)[0, 1]:.2f}"
    with pytest.raises(ValueError, match="treated holds one arm only"):
        InterferenceWeights().weigh_rows(X=world.evidence["X"], treated=np.ones(len(truth), dtype=bool))


def test_loss_weights_are_the_papers_curves() -> None:
    loss = np.linspace(3.0, 5.0, 5)  # h = -1, -.5, 0, .5, 1
    curves = {"linupper": [0, 0.5, 1, 1, 1], "quadratic": [0, 0.75, 1, 0.75, 0], "extremes": [1, 0.5, 0, 0.5, 1]}
    for strategy, curve in curves.items():
        weights = LossWeights(strategy=strategy, temperature=0.5).weigh_rows(loss=loss)  # type: ignore[arg-type]
        expected = np.exp(np.array(curve) / 0.5)
        np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)
    assert LossWeights().weigh_rows(loss=np.full(4, 2.0)).tolist() == [1.0] * 4
    with pytest.raises(ValueError, match="temperature is 0"):
        LossWeights(temperature=0.0).weigh_rows(loss=loss)


def test_the_law_of_moments_catches_an_inverted_weight() -> None:
    """The defect of a well-known peer: (1 - p) / p with p the chance of the target."""
    from holdfast.testing.laws.weigher import weighted_means_meet_the_target_or_it_is_refused as law

    class Inverted(Weigher):
        claims = ("tilt",)

        def weigh_rows(self, ref_X: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
            weights = 1 / LogisticRatio().weigh_rows(ref_X=ref_X, cur_X=cur_X)
            return weights / weights.mean()

    with pytest.raises(AssertionError, match="sd from the target"):
        law(Inverted, WORLDS)


# --- synthetic rows and cleaning ------------------------------------------------------------------------------
def _blobs(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.7, 0.2, 0.1])
    return rng.normal(size=(n, 4)) + 0.8 * y[:, None], y


def _brute(X: np.ndarray) -> np.ndarray:
    """Every row's other rows, nearest first."""
    distances = cdist(X, X)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_tomek_links_are_their_definition(seed: int) -> None:
    X, y = _blobs(seed)
    nearest = _brute(X)[:, 0]
    link = (nearest[nearest] == np.arange(len(y))) & (y[nearest] != y)
    kept = TomekLinks(remove="both").select_rows(X=X, y=y)
    assert link.any() and np.array_equal(kept, np.flatnonzero(~link))


@pytest.mark.parametrize("rule", ["most", "any"])
@pytest.mark.parametrize("neighbours", [1, 3, 6])
def test_edited_neighbours_are_their_definition(rule: str, neighbours: int) -> None:
    X, y = _blobs(neighbours)
    strangers = (y[_brute(X)[:, :neighbours]] != y[:, None]).sum(axis=1)
    goes = strangers >= (neighbours // 2 + 1 if rule == "most" else 1)
    method = EditedNearestNeighbours(rule=rule, neighbours=neighbours, keep_smallest=False)  # type: ignore[arg-type]
    assert np.array_equal(method.select_rows(X=X, y=y), np.flatnonzero(~goes))
    method.keep_smallest = True
    assert np.array_equal(method.select_rows(X=X, y=y), np.flatnonzero(~goes | (y == 2)))


def test_synthetic_rows_lie_on_lines_to_neighbours_of_their_class() -> None:
    X, y = _blobs(5)
    rows, codes = SMOTE(neighbours=3).transform(X=X, y=y)
    own = X[y == 2]
    near = _brute(own)[:, :3]
    for row in rows[len(X) :][codes[len(X) :] == 2][:50]:
        gaps = np.array([
            abs(np.linalg.norm(row - x) + np.linalg.norm(row - own[j]) - np.linalg.norm(x - own[j]))
            for x, js in zip(own, near, strict=True) for j in js
        ])  # fmt: skip
        assert gaps.min() < 1e-9, f"a synthetic row lies {gaps.min():.2g} off every line between neighbours"


def test_adasyn_builds_on_hard_rows_and_borderline_on_rows_in_danger() -> None:
    rng = np.random.default_rng(6)
    common = rng.normal(size=(300, 2))
    easy, hard = rng.normal([9, 9], 0.3, (30, 2)), rng.normal([1.5, 0], 0.3, (30, 2))
    X, y = np.vstack([common, easy, hard]), np.r_[np.zeros(300, int), np.ones(60, int)]
    for method in (ADASYN(), BorderlineSMOTE()):
        made = method.transform(X=X, y=y)[0][360:]
        assert len(made) > 200 and (made[:, 1] < 5).all(), f"{type(method).__name__} builds on the easy region"
    assert len(ADASYN().transform(X=X[:330], y=y[:330])[0]) == 330, "nothing is hard, so nothing is added"


def test_degenerate_classes_have_an_answer() -> None:
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 0, 0, 1])
    rows, codes = SMOTE().transform(X=X, y=y)
    assert (rows[6:] == X[5]).all() and np.bincount(codes).tolist() == [5, 5], "a class of one row is repeated"
    assert len(SMOTE().transform(X=X, y=np.zeros(6, int))[0]) == 6
    copies = np.zeros((20, 3))
    assert (SMOTE().transform(X=copies, y=np.r_[np.zeros(15, int), np.ones(5, int)])[0] == 0).all()
    for method in (TomekLinks(), EditedNearestNeighbours()):
        assert method.select_rows(X=X, y=np.zeros(6, int)).tolist() == list(range(6))
        assert method.select_rows(X=X[:1], y=[0]).tolist() == [0]
    with pytest.raises(ValueError, match=r"ratio is 1\.5"):
        SMOTE(ratio=1.5).transform(X=X, y=y)
    with pytest.raises(ValueError, match="is_category marks no column"):
        SMOTENC().transform(X=X, y=y, is_category=[False, False])


def test_smotenc_keeps_categories_whole_and_counts_them_as_the_median_deviation() -> None:
    from holdfast.weighting.smotenc import _measured

    rows = np.array([[0.0, 0.0, 5], [2.0, 0.0, 5], [4.0, 8.0, 6]])
    m = np.median(rows[:, :2].std(axis=0))
    flags = np.array([False, False, True])
    squared = cdist(_measured(rows, flags), _measured(rows, flags), "sqeuclidean")
    assert abs(squared[0, 2] - (16 + 64 + m**2)) < 1e-4 and abs(squared[0, 1] - 4) < 1e-9
    world = WORLDS["imbalanced_mixed"](0)
    made = SMOTENC().transform(**world.evidence)[0][len(world.evidence["X"]) :]
    assert np.isin(made[:, 3:], [0, 1, 2, 3]).all() and not np.isin(made[:, 0], world.evidence["X"][:, 0]).all()


# --- mixes ----------------------------------------------------------------------------------------------------
def test_temperature_goes_from_natural_to_alike() -> None:
    sizes = np.array([1.0, 10.0, 100.0])
    np.testing.assert_allclose(TemperatureMix(temperature=1.0).mix_groups(sizes=sizes), sizes / 111)
    np.testing.assert_allclose(TemperatureMix(temperature=1e9).mix_groups(sizes=sizes), 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(TemperatureMix(progress=1.0).mix_groups(sizes=sizes), sizes / 111)
    assert TemperatureMix().mix_groups(sizes=[0.0, 5.0]).tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match=r"temperature is 0\.5"):
        TemperatureMix(temperature=0.5).mix_groups(sizes=sizes)


def test_unimax_spends_its_budget_and_repeats_no_group_too_often() -> None:
    sizes, budget = np.array([3.0, 50.0, 7.0, 4000.0, 900.0]), 2000
    share = UniMax(epochs=3.0).mix_groups(sizes=sizes, budget=budget)
    draws = share * budget
    assert (draws <= 3 * sizes + 1e-9).all() and np.allclose(draws[[0, 1, 2]], 3 * sizes[[0, 1, 2]])
    assert abs(draws[3] - draws[4]) < 1e-9, f"large groups get {draws[3]:.1f} and {draws[4]:.1f}"


def test_prior_correction_mends_the_threshold_of_a_rare_class() -> None:
    from sklearn.metrics import balanced_accuracy_score

    gains = []
    for seed in range(3):
        world = WORLDS["class_mix"](seed)
        probs = world.evidence["probs"]
        fair = PriorCorrection().fit(ref_y=world.train["ref_y"]).transform(probs=probs)
        scores = [balanced_accuracy_score(world.truth, p.argmax(axis=1)) for p in (probs, fair)]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 0.05, f"balanced accuracy gains {np.round(gains, 3)}"
    method = PriorCorrection().fit(ref_y=[0, 0, 2], cur_y=[1, 1, 1])
    assert method.transform(probs=[[0.5, 0.3, 0.2]]).tolist() == [[0.5, 0.3, 0.2]], "nothing known can be wanted"


def test_weights_that_would_rest_on_a_handful_of_rows_are_refused() -> None:
    rng = np.random.default_rng(0)
    ref, cur = rng.normal(size=(400, 3)), rng.normal(2.2, 0.4, size=(400, 3))
    for method in (KLIEP(), RuLSIF(), LogisticRatio(), KernelMeanMatching()):
        with pytest.raises(ValueError, match=r"rest on|hardly overlap"):
            method.weigh_rows(ref_X=ref, cur_X=cur)
    few = rng.normal(size=(40, 1))
    weights = LogisticRatio().weigh_rows(ref_X=few, cur_X=few + 0.5)
    assert effective_sample_size(weights) > 4, "with few rows, few are enough"
