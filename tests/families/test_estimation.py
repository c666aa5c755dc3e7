"""Estimation: who is right under which shift, and how sure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from holdfast.core import Estimate, Measure
from holdfast.estimation import (
    CBPE,
    AverageConfidence,
    AverageThresholdedConfidence,
    DifferenceOfConfidences,
    FiveByTwoCV,
    MultiCalibratedPerformanceEstimation,
    NearestNeighbourTransfer,
    OpinionPoolEstimation,
    PairedBootstrap,
    PowerLawLearningCurve,
    RegressionLossEstimate,
    RunVariance,
)
from holdfast.estimation._expected import expected_metric
from holdfast.faults.worlds import worlds
from holdfast.ops.metrics import METRICS
from holdfast.testing.laws import call

WORLDS = worlds("estimation")
WITHOUT_LABELS = [
    AverageThresholdedConfidence(),
    DifferenceOfConfidences(),
    NearestNeighbourTransfer(),
    CBPE(draws=2),
    MultiCalibratedPerformanceEstimation(draws=2),
    OpinionPoolEstimation(draws=2),
]


def _error(method: Measure, world: str, seeds: int = 6) -> float:
    cases = [WORLDS[world](seed) for seed in range(seeds)]
    return float(np.mean([abs(call(method, case.evidence).value - case.truth) for case in cases]))


def _no_change(world: str, seeds: int = 6) -> float:
    cases = [WORLDS[world](seed) for seed in range(seeds)]
    ref = [float((c.evidence["ref_probs"].argmax(axis=1) == c.evidence["ref_y"]).mean()) for c in cases]
    return float(np.mean([abs(value - case.truth) for value, case in zip(ref, cases, strict=True)]))


@pytest.mark.parametrize("method", WITHOUT_LABELS, ids=lambda method: type(method).__name__)
def test_beats_no_change_in_the_hard_region(method: Measure) -> None:
    ours, theirs = _error(method, "hard_region"), _no_change("hard_region")
    assert theirs > 0.05, "the world holds no drop"
    assert ours < 0.85 * theirs, f"mean error {ours:.3f}, no change {theirs:.3f}"


def test_opinion_pool_beats_cbpe_in_the_hard_region() -> None:
    pool, cbpe = _error(OpinionPoolEstimation(draws=2), "hard_region", 10), _error(CBPE(draws=2), "hard_region", 10)
    assert pool < 0.9 * cbpe, f"pool {pool:.4f}, CBPE {cbpe:.4f}"


def test_nobody_sees_a_concept_shift() -> None:
    for method in WITHOUT_LABELS:
        error = _error(method, "concept", 3)
        assert error > 0.1, f"{type(method).__name__} is off by {error:.3f} only: then labels leak somewhere"


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "auroc", "f1", "log_loss", "brier"])
def test_expected_metric_is_the_mean_over_drawn_labels(metric: str) -> None:
    rng = np.random.default_rng(0)
    for k in (2, 4):
        belief, probs = rng.dirichlet(np.ones(k), 400), rng.dirichlet(np.ones(k), 400)
        drawn = [(belief.cumsum(axis=1) < rng.random((400, 1))).sum(axis=1) for _ in range(300)]
        mean = np.mean([METRICS[metric](labels, probs) for labels in drawn])
        assert expected_metric(metric, belief, probs) == pytest.approx(mean, abs=0.012)


@pytest.mark.parametrize("metric", ["auroc", "f1", "log_loss", "balanced_accuracy"])
@pytest.mark.parametrize("cls", [CBPE, MultiCalibratedPerformanceEstimation, OpinionPoolEstimation])
def test_other_metrics_are_close_and_covered(metric: Any, cls: Any) -> None:
    inside = 0
    for seed in range(8):
        world = WORLDS["none"](seed)
        from holdfast.faults.worlds.estimation import _case

        truth = METRICS[metric](_case(seed).cur_y, world.evidence["cur_probs"])
        found = call(cls(metric=metric), world.evidence)
        assert found.value == pytest.approx(truth, abs=0.1 * max(truth, 1.0))
        inside += found.low <= truth <= found.high
    assert inside >= 5, f"{inside} of 8 intervals hold the true {metric}"


def test_intervals_of_the_pool_are_neither_narrow_nor_wide() -> None:
    cases = [WORLDS[name](seed) for name in ("none", "tilt", "hard_region", "label_shift") for seed in range(20, 40)]
    found = [(call(OpinionPoolEstimation(), case.evidence), case.truth) for case in cases]
    covered = np.mean([e.low <= truth <= e.high for e, truth in found])
    assert covered >= 0.8, f"{covered:.2f} of the 90 % intervals hold the truth"
    width, spread = np.mean([e.high - e.low for e, _ in found]), np.std([e.value - truth for e, truth in found])
    assert width < 6 * spread, f"intervals are {width:.3f} wide, errors {spread:.3f}"


def test_average_confidence_is_the_mean_and_ignores_everything_else() -> None:
    probs = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert AverageConfidence().measure(probs).value == pytest.approx(0.7)


def test_thresholded_confidence_with_ties_returns_the_reference_accuracy_on_the_reference() -> None:
    probs = np.tile([0.7, 0.3], (50, 1))
    found = AverageThresholdedConfidence().measure(probs, np.r_[np.zeros(40, int), np.ones(10, int)], probs)
    assert found.value == pytest.approx(0.8)


def _noisy(n: int, rng: np.random.Generator, low: float, varies: bool) -> tuple[np.ndarray, np.ndarray]:
    X = rng.uniform(low, 1, size=(n, 4))
    return X, rng.normal(size=n) * (0.2 + 2 * X[:, 0] if varies else 1.0)


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_regression_loss_follows_the_noise_and_shrinks_to_no_change(metric: Any) -> None:
    ours, same, flat, covered = [], [], [], 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        power = 2 if metric == "rmse" else 1

        def loss(errors: np.ndarray, power: int = power) -> float:
            return float((np.abs(errors) ** power).mean() ** (1 / power))

        X, errors = _noisy(2000, rng, 0, True)
        cur_X, cur_errors = _noisy(1000, rng, 0.7, True)
        found = RegressionLossEstimate(metric=metric).measure(X, errors, 0 * errors, cur_X, 0 * cur_errors)
        ours.append(abs(found.value - loss(cur_errors)) / loss(cur_errors))
        same.append(abs(loss(errors) - loss(cur_errors)) / loss(cur_errors))
        covered += found.low <= loss(cur_errors) <= found.high
        X, errors = _noisy(100, rng, 0, False)
        cur_X = _noisy(1000, rng, 0.7, False)[0]
        still = RegressionLossEstimate(metric=metric).measure(X, errors, 0 * errors, cur_X, np.zeros(1000))
        flat.append(abs(still.value - loss(errors)) / loss(errors))
    assert np.mean(ours) < 0.25 * np.mean(same), f"relative error {np.mean(ours):.3f}, no change {np.mean(same):.3f}"
    assert np.mean(ours) < 0.07
    assert np.mean(flat) < 0.06, f"moves by {np.mean(flat):.3f} where the noise is flat"
    assert covered >= 8


def test_five_by_two_cv_false_alarms_and_message() -> None:
    method, alarms = FiveByTwoCV(), 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(0.2, 0.02, size=(2, 10))
        alarms += method.measure(first, second).pvalue < 0.05
    assert alarms <= 36, f"{alarms} of 400 alarms at 5 %"
    with pytest.raises(ValueError, match="expected ten each"):
        method.measure(np.ones(9), np.ones(9))


def test_paired_bootstrap_covers_and_is_antisymmetric() -> None:
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shared, own = rng.random(200) < 0.7, rng.random((2, 200))
        first, second = shared & (own[0] < 0.9), shared & (own[1] < 0.95)
        found = PairedBootstrap(seed=seed, draws=400).measure(first, second)
        hits += found.low <= 0.035 <= found.high
    assert 168 <= hits <= 195, f"{hits} of 200"
    assert PairedBootstrap().measure(first, second).value == -PairedBootstrap().measure(second, first).value


def test_run_variance_tells_chance_from_spread() -> None:
    rng = np.random.default_rng(0)
    chance = [RunVariance().measure(rng.random((40, 500)) < 0.8).value for _ in range(20)]
    real = rng.normal(0.8, 0.03, size=(200, 1))
    spread = RunVariance().measure(rng.random((200, 2000)) < real).value
    assert np.median(chance) < 0.006, f"median {np.median(chance):.4f} where runs differ by chance alone"
    assert spread == pytest.approx(0.03, rel=0.2)
    test = RunVariance(of="test").measure(rng.random((200, 500)) < 0.8).value
    assert test == pytest.approx(np.sqrt(0.16 / 500), rel=0.25)


@pytest.mark.parametrize(("beta", "gamma"), [(-0.5, 0.0), (-0.35, 0.05), (-0.8, 0.1)])
def test_learning_curves_extrapolate_with_honest_intervals(beta: float, gamma: float) -> None:
    sizes = 100.0 * 2 ** np.arange(6)
    truth, hits = 3 * (4 * sizes[-1]) ** beta + gamma, 0
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(1, 0.02, 6)
        found = PowerLawLearningCurve(at=float(4 * sizes[-1])).measure(sizes, (3 * sizes**beta + gamma) * noise)
        hits += found.low <= truth <= found.high
    assert hits >= 45, f"{hits} of 60 intervals hold the true error"


def test_estimates_hold_their_value() -> None:
    found = PowerLawLearningCurve().measure(np.array([10.0, 20, 40]), np.array([0.0, 0.0, 0.0]))
    assert found == Estimate(0.0, 0.0, 0.0, 3)


def _two_confidences(n: int, share_sure: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Says .97 where it is right in 80 %, and .6 where it is right in 60 %: no temperature mends both."""
    sure = rng.random(n) < share_sure
    y, stated = rng.integers(2, size=n), np.where(sure, 0.97, 0.6)
    right = rng.random(n) < np.where(sure, 0.8, 0.6)
    side = np.where(right, y, 1 - y)
    probs = np.where(side[:, None] == np.arange(2), stated[:, None], 1 - stated[:, None])
    return probs, y, rng.normal(size=(n, 2))


@pytest.mark.parametrize(("n", "bound"), [(400, 0.05), (8000, 0.032)])
def test_pool_is_calibrated_where_the_current_rows_lie(n: int, bound: float) -> None:
    """Without weights it is off by .08 at 400 rows, without recalibration by .038 at 8,000."""
    errors = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        ref, cur = _two_confidences(n, 0.9, rng), _two_confidences(8000, 0.1, rng)
        found = OpinionPoolEstimation(draws=2, features=16).measure(ref[0], ref[1], cur[0], ref[2], cur[2])
        errors.append(found.value - 0.62)
    assert abs(np.mean(errors)) < bound, f"mean error {np.mean(errors):.4f} at {n} reference rows"


def test_nearest_neighbour_transfer_has_no_bias_where_nothing_moved() -> None:
    cases = [WORLDS["none"](seed) for seed in range(20)]
    errors = [call(NearestNeighbourTransfer(), case.evidence).value - case.truth for case in cases]
    assert abs(np.mean(errors)) < 0.006, f"mean error {np.mean(errors):.4f}"


def test_average_confidence_has_the_interval_of_the_labels_chance() -> None:
    """100 rows of confidence .8: sqrt(100 * .16 + 1) / 100 * 1.645 = .0678 to either side."""
    found = AverageConfidence().measure(cur_probs=[[0.8, 0.2]] * 100)
    assert [round(number, 4) for number in found[:3]] == [0.8, 0.7322, 0.8678]


def test_regression_loss_intervals_widen_as_the_loss_grows() -> None:
    x = np.repeat([0.0, 1.0], 400)[:, None]
    noise = np.random.default_rng(0).normal(size=800) * (1 + 3 * x[:, 0])
    zeros = np.zeros(800)
    method = RegressionLossEstimate(features=4, seed=1)
    widths = []
    for place in (0.0, 1.0):
        cur_X = np.full((200, 1), place) + np.random.default_rng(1).normal(0, 1e-3, (200, 1))
        found = method.measure(
            ref_X=x, ref_target=noise, ref_prediction=zeros, cur_X=cur_X, cur_prediction=np.zeros(200)
        )
        widths.append(found.high - found.low)
    assert widths[1] > 1.25 * widths[0], f"widths {widths[0]:.3f} where errors are small, {widths[1]:.3f} where large"
