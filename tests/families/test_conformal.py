"""Conformal sets and intervals against their definitions, and where each is needed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from holdfast.calibration import (
    AdaptivePredictionSets,
    BatchPredictiveInference,
    ConformalisedQuantileRegression,
    CrossConformalInterval,
    CrossConformalSets,
    DistributionalCorrectnessScore,
    LeastAmbiguousSets,
    MondrianConformalInterval,
    MondrianConformalSets,
    SplitConformalInterval,
    WeightedConformalInterval,
)
from holdfast.faults.worlds import worlds
from holdfast.testing.laws import run

WORLDS = worlds("calibration")


def _definition(errors: np.ndarray, fold: np.ndarray, models: np.ndarray, level: float) -> np.ndarray:
    """CV+ by laying out every sum."""
    rank = int(np.ceil((len(errors) + 1) * level - 1e-9))
    if rank > len(errors):
        return np.tile([-np.inf, np.inf], (models.shape[1], 1))
    high = np.sort(models[fold].T + errors, axis=1)[:, rank - 1]
    low = -np.sort(-models[fold].T + errors, axis=1)[:, rank - 1]
    return np.column_stack([low, high])


@pytest.mark.parametrize("folds", [1, 2, 7, 63, 64, 100])
@pytest.mark.parametrize("decimals", [0, 1, 15], ids=["many-ties", "some-ties", "no-ties"])
def test_cv_plus_is_its_definition(folds: int, decimals: int) -> None:
    rng = np.random.default_rng([folds, decimals])
    for n in (folds, folds + 13, 300):
        fold = rng.permutation(np.arange(n) % folds)
        prediction, target = rng.normal(size=n), rng.normal(size=n)
        target = prediction + np.round(3 * (target - prediction), decimals)
        models = np.round(rng.normal(size=(folds, 11)) * 10.0 ** rng.integers(-3, 4), decimals)
        for level in (0.05, 0.5, 0.9):
            method = CrossConformalInterval(level=level).fit(target=target, prediction=prediction, fold=fold)
            expected = _definition(np.abs(target - prediction), fold, models, level)
            found = method.transform(ensemble_prediction=models)
            assert (np.isinf(found) == np.isinf(expected)).all(), f"{folds} folds, {n} rows, level {level}"
            kept = np.isfinite(expected)
            off = np.abs(found[kept] - expected[kept]) / np.maximum(1, np.abs(expected[kept]))
            assert off.max(initial=0) <= 1e-12, f"{off.max():.2e} off at {folds} folds, {n} rows, level {level}"


def test_cv_plus_does_not_lay_out_the_sums() -> None:
    rng = np.random.default_rng(0)
    target, models, fold = rng.normal(size=20_000), rng.normal(size=(5, 5000)), np.arange(20_000) % 5
    method = CrossConformalInterval().fit(target=target, prediction=np.zeros(20_000), fold=fold)
    tracemalloc.start()
    method.transform(ensemble_prediction=models)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert peak < 20, f"{peak:.0f} MB; the sums alone are 800"


def test_a_fold_without_rows_and_a_wrong_number_of_models() -> None:
    method = CrossConformalInterval(level=0.5).fit(target=[1.0, 2.0, 3.0], prediction=[0.0] * 3, fold=[0, 0, 2])
    found = method.transform(ensemble_prediction=[[0.0], [1e9], [0.0]])
    np.testing.assert_allclose(found, [[-2.0, 2.0]], atol=1e-12)
    with pytest.raises(ValueError, match="ensemble_prediction has 2 models, but fold has 3"):
        method.transform(ensemble_prediction=[[0.0], [0.0]])


def _classes(n: int, seed: int, mass: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from their stated probabilities."""
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(8, mass), n)
    return probs, (probs.cumsum(axis=1)[:, :-1] < rng.random((n, 1))).sum(axis=1)


@pytest.mark.parametrize("penalty", [0.0, 0.05])
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_adaptive_sets_meet_their_level_exactly(level: float, penalty: float) -> None:
    (probs, y), (new, truth) = _classes(60_000, 0), _classes(60_000, 1)
    method = AdaptivePredictionSets(level=level, penalty=penalty).fit(probs=probs, y=y)
    covered = method.transform(probs=new)[np.arange(len(truth)), truth].mean()
    assert abs(covered - level) <= 0.008, f"{covered:.4f} covered at level {level}"  # noise: .0023


def test_without_randomising_adaptive_sets_hold_too_much_and_no_seed_matters() -> None:
    (probs, y), (new, _) = _classes(20_000, 0), _classes(20_000, 1)
    sets = [AdaptivePredictionSets(randomised=False, seed=s).fit(probs=probs, y=y).transform(probs=new) for s in (0, 1)]
    assert (sets[0] == sets[1]).all()
    exact = AdaptivePredictionSets().fit(probs=probs, y=y).transform(probs=new)
    assert sets[0].sum() > 1.02 * exact.sum(), f"mean sizes {sets[0].sum(1).mean():.2f} and {exact.sum(1).mean():.2f}"


def test_adaptive_sets_cover_hard_rows_better_than_one_threshold() -> None:
    easy, hard = (_classes(10_000, 2, mass) for mass in (0.1, 2.0))
    probs, y = np.vstack([easy[0], hard[0]]), np.r_[easy[1], hard[1]]
    new, truth = _classes(10_000, 3, 2.0)
    held = [
        float(method.fit(probs=probs, y=y).transform(probs=new)[np.arange(len(truth)), truth].mean())
        for method in (AdaptivePredictionSets(), LeastAmbiguousSets())
    ]
    assert held[0] > 0.87 and held[1] < held[0] - 0.02, f"hard rows covered: adaptive {held[0]}, threshold {held[1]}"


def test_cross_conformal_sets_are_their_definition() -> None:
    world = WORLDS["cross_fitted"](0)
    found = run(CrossConformalSets(level=0.8), world)
    probs, y, fold = (world.train[name] for name in ("probs", "y", "fold"))
    scores = 1 - probs[np.arange(len(y)), y]
    new = 1 - world.evidence["ensemble_probs"]
    above = (scores[:, None, None] < new[fold][:, :50]).sum(axis=0)
    assert (found[:50] == (above < 0.8 * (len(y) + 1))).all()


def test_equal_weights_give_split_conformal() -> None:
    world = WORLDS["numbers"](0)
    assert np.array_equal(
        run(WeightedConformalInterval(), world), SplitConformalInterval().fit(
            target=world.train["target"], prediction=world.train["prediction"]
        ).transform(prediction=world.evidence["prediction"])
    )  # fmt: skip


def test_weights_know_what_they_rest_on() -> None:
    rows = {"target": np.arange(1.0, 5.0), "prediction": np.zeros(4)}
    method = WeightedConformalInterval().fit(**rows, weight=np.array([1.0, 1.0, 0.0, 0.0]))
    assert method.effective_sample_size_ == 2.0
    with pytest.raises(ValueError, match="weight is 0 in every row"):
        method.fit(**rows, weight=np.zeros(4))


def test_quantiles_and_scales_make_intervals_narrower_where_noise_varies() -> None:
    width = []
    for seed in range(5):
        world = WORLDS["noisy_numbers"](seed)
        flat = SplitConformalInterval().fit(target=world.train["target"], prediction=world.train["prediction"])
        flat_width = np.ptp(flat.transform(prediction=world.evidence["prediction"]), axis=1)
        varied = [run(method, world) for method in (SplitConformalInterval(), ConformalisedQuantileRegression())]
        width.append([np.median(np.ptp(one, axis=1)) / np.median(flat_width) for one in varied])
    assert np.max(np.mean(width, axis=0)) < 0.93, f"median widths over that of one width for all: {np.mean(width, 0)}"


def test_what_was_never_seen_is_not_promised() -> None:
    method = MondrianConformalInterval().fit(target=np.arange(20.0), prediction=np.zeros(20), group=[3] * 20)
    assert np.isinf(method.transform(prediction=[0.0, 0.0], group=[0, 9])).all()
    assert np.isinf(SplitConformalInterval().fit(target=[1.0], prediction=[0.0]).transform(prediction=[0.0])).all()
    sets = MondrianConformalSets(level=0.5).fit(probs=[[0.8, 0.2, 0.0]] * 9, y=[0] * 9)
    assert sets.transform(probs=[[0.1, 0.9, 0.0]]).tolist() == [[False, True, True]]
    for missing in ({"probs": [[0.5, 0.4, 0.1]], "group": [0]},):
        with pytest.raises(ValueError, match="group was given to one"):
            sets.transform(**missing)
    with pytest.raises(ValueError, match=r"level is 1\.2"):
        SplitConformalInterval(level=1.2).fit(target=[1.0], prediction=[0.0])
    with pytest.raises(ValueError, match="row 1 has a low end of 3 above"):
        ConformalisedQuantileRegression().fit(target=[1.0, 1.0], bounds=[[0.0, 1.0], [3.0, 2.0]])


@pytest.mark.parametrize(("m", "share"), [(1, 0.5), (7, 0.5), (10, 0.8), (5, 1.0)])
def test_the_error_of_a_batch_is_bounded_exactly(m: int, share: float) -> None:
    """Both ends by simulation: errors are heavy-tailed, 150 are known, the level is met within noise and one rank."""
    rng = np.random.default_rng([m, round(10 * share)])
    held, place = [], int(np.ceil(share * m))
    for _ in range(800):
        errors = rng.standard_t(2, size=150 + m)
        known, new = errors[:150], np.sort(np.abs(errors[150:]))[place - 1]
        found = BatchPredictiveInference(statistic="error_share", share=share, level=0.8).measure(
            ref_target=known, ref_prediction=np.zeros(150), cur_prediction=np.zeros(m)
        )
        held.append(found.low <= new <= found.high)
    assert 0.755 <= np.mean(held) <= 0.86, f"{np.mean(held):.3f} of the batches lie in the interval, level 0.8"


@pytest.mark.parametrize("heavy", [False, True])
def test_the_mean_of_a_batch_is_bounded(heavy: bool) -> None:
    rng = np.random.default_rng(int(heavy))
    held, widths = [], []
    for seed in range(150):
        errors = rng.standard_t(2, size=410) if heavy else rng.normal(size=410)
        found = BatchPredictiveInference(draws=299, seed=seed).measure(
            ref_target=errors[:400], ref_prediction=np.zeros(400), cur_prediction=np.full(10, 5.0)
        )
        held.append(found.low <= 5 + errors[400:].mean() <= found.high)
        widths.append(found.high - found.low)
    assert np.mean(held) >= 0.9, f"{np.mean(held):.3f} covered at level 0.9"
    assert heavy or np.mean(widths) < 2 * 3.29 / np.sqrt(10), f"width {np.mean(widths):.2f}, of the normal 1.04"


def test_too_large_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="ref_target has 100 rows; a bound on the mean of 20 rows"):
        BatchPredictiveInference().measure(
            ref_target=np.arange(100.0), ref_prediction=np.zeros(100), cur_prediction=np.zeros(20)
        )
    with pytest.raises(ValueError, match="too few to bound the 50-th smallest of 50"):
        BatchPredictiveInference(statistic="error_share", share=1.0).measure(
            ref_target=np.arange(100.0), ref_prediction=np.zeros(100), cur_prediction=np.zeros(50)
        )


def test_abstaining_ranks_above_hedging_above_overconfidence_at_equal_accuracy() -> None:
    """The paper's incentive: the top answer is the same in all three, right in six rows of ten."""
    y = np.array([0] * 6 + [1] * 4)
    sure, hedge = np.tile([1.0, 0.0, 0.0], (10, 1)), np.tile([0.4, 0.3, 0.3], (10, 1))
    stated = {"sure": (sure, np.zeros(10)), "abstains": (sure, np.where(y == 0, 0.0, 0.9))}
    stated["hedges"] = (np.where(y[:, None] == 0, sure, hedge), np.zeros(10))
    score = {
        name: DistributionalCorrectnessScore(draws=20).measure(probs=probs, y=y, abstention=said).value
        for name, (probs, said) in stated.items()
    }
    assert score["abstains"] > score["hedges"] > score["sure"], score
    assert abs(score["sure"] - 0.2) < 1e-12, score
    with pytest.raises(ValueError, match="loss_weight is 2"):
        DistributionalCorrectnessScore(loss_weight=2.0).measure(probs=sure, y=y, abstention=np.zeros(10))


def test_adaptive_sets_tell_apart_probabilities_next_to_zero() -> None:
    """A saturated model: true classes with 1e-20 must not let in the classes with 1e-40."""
    probs = np.tile([1.0, 1e-20, 1e-40], (100, 1))
    y = np.r_[np.zeros(50, int), np.ones(50, int)]
    sets = AdaptivePredictionSets(level=0.9).fit(probs=probs, y=y).transform(probs=probs)
    assert sets[:, 0].all() and 0.6 < sets[:, 1].mean() < 1 and not sets[:, 2].any(), sets.mean(axis=0)
