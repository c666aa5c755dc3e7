"""The calibration family against its formulas, other implementations and known errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, softmax
from scipy.stats import kstest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from holdfast.calibration import (
    BetaCalibration,
    ExpectedCalibrationError,
    IsotonicCalibration,
    TemperatureScaling,
    VennAbers,
)
from holdfast.faults.worlds import World
from holdfast.faults.worlds import calibration as worlds

MAPPERS = [TemperatureScaling, IsotonicCalibration, BetaCalibration, VennAbers]


def _two(stated: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - stated, stated])


def _binary(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Stated probabilities of the second class, and classes drawn from steeper ones."""
    rng = np.random.default_rng(seed)
    stated = rng.beta(1, 1, n)
    return stated, (rng.random(n) < stated**2).astype(int)


def _log_loss(probs: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(probs[np.arange(len(y)), y]).mean())


def _gain(method: object, world: World) -> float:
    """Log loss saved on the rows held back."""
    mapped = method.fit(**world.train).transform(probs=world.evidence["probs"])  # type: ignore[attr-defined]
    return _log_loss(world.evidence["probs"], world.truth) - _log_loss(mapped, world.truth)


# --- temperature scaling ----------------------------------------------------------------------------------------
def test_temperature_minimises_the_log_loss() -> None:
    for world in (worlds.overconfident(0), worlds.underconfident(1)):
        logits = np.log(np.maximum(world.train["probs"], 1e-12))
        y = world.train["y"]
        loss = lambda t, logits=logits, y=y: _log_loss(softmax(logits / t, axis=1), y)  # noqa: E731
        expected = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}).x
        assert TemperatureScaling().fit(**world.train).temperature_ == pytest.approx(expected, rel=1e-4)


def test_temperature_finds_the_factor_that_was_planted() -> None:
    for make, factor in ((worlds.overconfident, 3), (worlds.underconfident, 0.4)):
        found = np.mean([TemperatureScaling().fit(**make(seed).train).temperature_ for seed in range(5)])
        assert found == pytest.approx(factor, rel=0.15), f"{found:.3f} in place of {factor}"


def test_temperature_is_bounded_where_all_rows_are_right_or_wrong() -> None:
    probs = _two(np.array([0.1, 0.3, 0.8]))
    assert TemperatureScaling().fit(probs=probs, y=[0, 0, 1]).temperature_ == pytest.approx(0.01)
    assert TemperatureScaling().fit(probs=probs, y=[1, 1, 0]).temperature_ == pytest.approx(100)
    assert TemperatureScaling().fit(probs=np.full((3, 2), 0.5), y=[1, 1, 0]).temperature_ == 1


# --- isotonic calibration ---------------------------------------------------------------------------------------
def test_unshrunk_isotonic_is_scikit_learns() -> None:
    stated, y = _binary()
    stated = stated.round(2)  # ties
    new = np.linspace(0, 1, 333)
    method = IsotonicCalibration(pseudo_events=0.0, interpolate=False).fit(probs=_two(stated), y=y)
    expected = IsotonicRegression(out_of_bounds="clip").fit(stated, y).predict(new)
    np.testing.assert_allclose(method.transform(probs=_two(new))[:, 1], expected, atol=1e-9)


def test_unshrunk_isotonic_of_many_classes_is_one_against_the_rest() -> None:
    world = worlds.underconfident(0)
    probs, y, new = world.train["probs"], world.train["y"], world.evidence["probs"]
    maps = [IsotonicRegression(out_of_bounds="clip").fit(probs[:, k], y == k) for k in range(10)]
    columns = np.column_stack([one.predict(new[:, k]) for k, one in enumerate(maps)])
    known = columns.sum(axis=1) > 0
    method = IsotonicCalibration(pseudo_events=0.0, interpolate=False).fit(probs=probs, y=y)
    expected = columns[known] / columns[known].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(method.transform(probs=new)[known], expected, atol=1e-9)


def test_isotonic_needs_its_shrinkage_where_nothing_is_wrong() -> None:
    plain, shrunk = (
        np.mean([_gain(IsotonicCalibration(pseudo_events=events), worlds.none(seed)) for seed in range(3)])
        for events in (0.0, 2.0)
    )
    assert plain < -0.05 < -0.02 < shrunk, f"log loss saved: {plain:.3f} plain, {shrunk:.3f} shrunk"


def test_isotonic_forgets_what_was_stated_as_rows_come_in() -> None:
    errors = []
    for n in (300, 30_000):
        stated, y = _binary(1, n)
        new = np.linspace(0.05, 0.95, 50)
        mapped = IsotonicCalibration().fit(probs=_two(stated), y=y).transform(probs=_two(new))[:, 1]
        errors.append(float(np.abs(mapped - new**2).mean()))
    assert errors[1] < 0.01 < 0.25 > errors[0], f"mean errors {errors}"
    assert errors[1] < errors[0] / 2, f"mean errors {errors}"


# --- beta calibration -------------------------------------------------------------------------------------------
def test_unpenalised_beta_is_logistic_regression_on_two_logarithms() -> None:
    stated, y = _binary(2, 2000)
    terms = np.column_stack([np.log(stated), -np.log1p(-stated)])
    peer = LogisticRegression(C=1e10, tol=1e-10, max_iter=10_000).fit(terms, y)
    assert (peer.coef_ > 0).all(), "the bounds are not to bind here"
    method = BetaCalibration(penalty=0.0).fit(probs=_two(stated), y=y)
    np.testing.assert_allclose(method.transform(probs=_two(stated))[:, 1], peer.predict_proba(terms)[:, 1], atol=1e-4)


def test_penalty_is_half_the_squared_distance_from_the_identity() -> None:
    stated, y = _binary(6, 60)
    terms = np.column_stack([np.log(stated), -np.log1p(-stated), np.ones(60)])

    def loss(curve: np.ndarray) -> float:
        margin = np.where(y == 1, 1, -1) * (terms @ curve)
        return float(np.logaddexp(0, -margin).sum() + 5 * ((curve - [1, 1, 0]) ** 2).sum() / 2)

    best = minimize(loss, [1, 1, 0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}).x
    found = BetaCalibration(penalty=5.0).fit(probs=_two(stated), y=y).transform(probs=_two(stated))[:, 1]
    np.testing.assert_allclose(found, expit(terms @ best), atol=1e-5)


def test_a_large_penalty_leaves_probabilities_alone_and_slopes_never_turn() -> None:
    stated, y = _binary(3)
    kept = BetaCalibration(penalty=1e9).fit(probs=_two(stated), y=y).transform(probs=_two(stated))
    np.testing.assert_allclose(kept, _two(stated), atol=1e-4)
    upside_down = BetaCalibration(penalty=0.0).fit(probs=_two(stated), y=1 - y)
    low, high = upside_down.transform(probs=_two(np.array([0.01, 0.99])))[:, 1]
    assert low <= high + 1e-9, f"{low:.3f} at .01, {high:.3f} at .99"


# --- Venn-Abers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(12))
def test_venn_abers_is_two_isotonic_regressions_with_the_row_added(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    steps = 2 ** int(rng.integers(1, 8))  # binary fractions: 1 - (1 - s) = s, ties stay ties
    stated = rng.integers(0, steps + 1, n) / steps
    y = (rng.random(n) < (stated if seed % 3 else 0.1)).astype(int)
    new = np.r_[stated[:8], rng.integers(0, 2 * steps + 1, 12) / (2 * steps), 0, 1]
    found = VennAbers().fit(probs=_two(stated), y=y).transform(probs=_two(new))[:, 1]
    for at, value in zip(new, found, strict=True):
        p0, p1 = (IsotonicRegression().fit(np.r_[stated, at], np.r_[y, c]).predict([at])[0] for c in (0, 1))
        assert value == pytest.approx(p1 / (1 - p0 + p1), abs=1e-9), f"at {at}: p0 {p0}, p1 {p1}"


def test_venn_abers_shares_a_map_unless_told_otherwise() -> None:
    shared, own = (
        np.mean([_gain(VennAbers(shared=shared), worlds.one_class_overconfident(seed)) for seed in range(3)])
        for shared in (True, False)
    )
    assert shared < 0.04 < 0.06 < own, f"log loss saved where one class is wrong: {shared:.3f} shared, {own:.3f} own"


# --- all calibrators --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mapper", MAPPERS)
def test_nothing_comes_out_as_zero(mapper: type) -> None:
    for world in (worlds.overconfident(0), worlds.distorted(0)):
        hard = np.eye(world.train["probs"].shape[1])[world.train["probs"].argmax(axis=1)]
        for probs, y in ((hard, world.train["y"]), (world.train["probs"], np.zeros(len(hard), int))):
            mapped = mapper().fit(probs=probs, y=y).transform(probs=np.vstack([hard, probs]))
            assert mapped.min() > 0, f"{mapped.min()} comes out"
            np.testing.assert_allclose(mapped.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("mapper", MAPPERS)
def test_two_classes_keep_their_order(mapper: type) -> None:
    stated, y = _binary(4)
    mapped = mapper().fit(probs=_two(stated), y=y).transform(probs=_two(np.linspace(0, 1, 500)))[:, 1]
    assert (np.diff(mapped) >= -1e-12).all(), f"falls by {-np.diff(mapped).min()}"


@pytest.mark.parametrize("mapper", MAPPERS)
def test_naming_the_classes_the_other_way_round_changes_nothing(mapper: type) -> None:
    stated, y = _binary(5)
    mapped = mapper().fit(probs=_two(stated), y=y).transform(probs=_two(stated))
    turned = mapper().fit(probs=_two(stated)[:, ::-1], y=1 - y).transform(probs=_two(stated)[:, ::-1])
    np.testing.assert_allclose(mapped, turned[:, ::-1], atol=2e-5)


def test_temperature_is_no_match_for_a_bent_relation() -> None:
    saved = {
        mapper.__name__: float(np.mean([_gain(mapper(), worlds.distorted(seed)) for seed in range(5)]))
        for mapper in MAPPERS
    }
    least = min(saved[name] for name in ("IsotonicCalibration", "BetaCalibration", "VennAbers"))
    assert saved["TemperatureScaling"] < 0.75 * least, f"log loss saved: {saved}"


# --- expected calibration error ---------------------------------------------------------------------------------
def test_plain_error_is_the_usual_one() -> None:
    world = worlds.known_error(0)
    method = ExpectedCalibrationError(bins=10)
    method.measure(**world.evidence)
    sure, right = world.evidence["probs"].max(axis=1), world.evidence["probs"].argmax(axis=1) == world.evidence["y"]
    parts = np.array_split(np.argsort(sure), 10)
    usual = sum(abs(sure[part].mean() - right[part].mean()) * len(part) for part in parts) / len(sure)
    assert method.plain_ == pytest.approx(usual, abs=0.004)  # equal confidences are not torn apart


def _calibrated(seed: int, n: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes drawn from the stated probabilities, which are then sharpened."""
    rng = np.random.default_rng([seed, n])
    logits = rng.normal(size=(n, 3)) * 1.5
    y = (softmax(logits, axis=1).cumsum(axis=1)[:, :-1] < rng.random((n, 1))).sum(axis=1)
    return softmax(sharpness * logits, axis=1), y


def _estimates(n: int, sharpness: float, worlds_drawn: int, **settings: int) -> np.ndarray:
    made = (_calibrated(seed, n, sharpness) for seed in range(worlds_drawn))
    return np.array([ExpectedCalibrationError(**settings).measure(probs=probs, y=y) for probs, y in made])


def test_pvalues_of_calibrated_probabilities_are_uniform() -> None:
    for n in (60, 500):
        pvalues = _estimates(n, 1.0, 200, draws=199)[:, 4]
        assert kstest(pvalues, "uniform").pvalue > 1e-3, f"{n} rows: {(pvalues < 0.1).mean():.1%} below .1"


def test_overconfidence_is_found() -> None:
    for sharpness in (0.5, 2.0):
        found = (_estimates(400, sharpness, 30, draws=199)[:, 4] < 0.05).mean()
        assert found > 0.9, f"found in {found:.0%} of draws at sharpness {sharpness}"


def test_many_rows_are_drawn_in_groups_and_as_honestly() -> None:
    pvalues = _estimates(20_000, 1.0, 40, draws=99)[:, 4]
    assert kstest(pvalues, "uniform").pvalue > 1e-3, f"{(pvalues < 0.1).mean():.1%} below .1"
    assert _estimates(20_000, 1.1, 3, draws=99)[:, 4].max() == 0.01


@pytest.mark.parametrize(("world", "truth_inside"), [("known_error", 0.8), ("small_error", 0.8), ("hidden_error", 0.8)])
def test_intervals_cover_the_known_error_and_the_value_is_less_biased_than_the_plain_one(
    world: str, truth_inside: float
) -> None:
    method = ExpectedCalibrationError(draws=19)
    rows = []
    for seed in range(60):
        drawn = getattr(worlds, world)(seed)
        rows.append([*method.measure(**drawn.evidence)[:3], method.plain_, drawn.truth])
    value, low, high, plain, truth = np.array(rows).T
    covered = ((low <= truth) & (truth <= high)).mean()
    assert covered >= truth_inside, f"{covered:.0%} of 90 % intervals cover {truth[0]:.4f}"
    width, spread = (high - low).mean(), (value - truth).std()
    assert width < 5 * spread, f"intervals are {width:.4f} wide, errors {spread:.4f}"
    bias, plain_bias = abs((value - truth).mean()), abs((plain - truth).mean())
    assert bias < max(0.6 * plain_bias, 0.003), f"bias {bias:.4f}, plain {plain_bias:.4f}"


def test_certain_and_right_is_zero_up_to_what_so_few_rows_can_tell() -> None:
    y = np.arange(100) % 3
    found = ExpectedCalibrationError().measure(probs=np.eye(3)[y], y=y)
    assert found.value == 0
    assert found.pvalue == 1
    assert found.high == pytest.approx(0.0295, abs=1e-4)  # .05 = (1 - .0295)^100


def test_certain_and_wrong_is_refuted() -> None:
    y = np.arange(100) % 3
    found = ExpectedCalibrationError(draws=99).measure(probs=np.eye(3)[(y + (np.arange(100) % 4 == 0)) % 3], y=y)
    assert found.value == pytest.approx(0.25, abs=0.01)
    assert found.pvalue == 0.01
