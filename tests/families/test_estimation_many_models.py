"""Relations between the scores of many models: published numbers, coverage, and what each measure is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, ndtr
from scipy.stats import kendalltau, spearmanr

from holdfast.core import Estimate
from holdfast.estimation import (
    AccuracyOnTheCurve,
    ClusteringOnDifficulty,
    DownstreamError,
    EffectiveRobustness,
    LossToLoss,
    OvertrainingScaling,
    PlackettLuce,
    ReplicationGap,
    RewordingDrop,
    Underspecification,
)
from holdfast.faults.worlds import worlds
from holdfast.faults.worlds._lineup import PLAIN, drawn, lineup, seeds, transformed, wordings
from holdfast.ops.curves import fitting_laws, grid_forecast
from holdfast.ops.ranking import rank
from holdfast.testing.laws import call

WORLDS = worlds("estimation")


def covered(draws: list[tuple[Estimate, float]]) -> float:
    return float(np.mean([found.low <= truth <= found.high for found, truth in draws]))


def _two_test_sets(seed: int, slope: float, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Twelve models that share easy and hard rows: the chance of the rows is common to all of them."""
    rng = np.random.default_rng(seed)
    old = np.linspace(0.6, 0.9, 12) + rng.normal(0, 0.005, 12)
    new = 0.75 + slope * (old - 0.75) - 0.1 + rng.normal(0, 0.01, 12)
    return tuple(rng.random(rows)[None] * 0.7 + rng.random((12, rows)) * 0.3 < _cut(level) for level in (old, new))


def _cut(share: np.ndarray) -> np.ndarray:
    """The point below which .7 u + .3 v falls with the chance `share`, by its trapezoidal density."""
    points = np.linspace(0, 1, 2001)
    low, high = 0.3, 0.7
    masses = np.where(points < low, points**2 / 2 / (low * high), 0.0)
    middle = low / 2 / high + (points - low) / high
    masses = np.where((points >= low) & (points <= high), middle, masses)
    masses = np.where(points > high, 1 - (1 - points) ** 2 / 2 / (low * high), masses)
    return np.interp(share, masses, points)[:, None]


@pytest.mark.parametrize("slope", [1.0, 0.6])
def test_slopes_of_replicas_are_covered_and_unbiased_with_few_rows(slope: float) -> None:
    draws = [(ReplicationGap().measure(*_two_test_sets(seed, slope, 150)), slope) for seed in range(200)]
    assert 0.85 <= covered(draws) <= 0.98, f"{covered(draws):.3f} of 200 intervals hold the slope {slope}"
    mean = float(np.mean([found.value for found, _ in draws]))
    assert mean == pytest.approx(slope, abs=0.06), f"mean slope {mean:.3f}"
    alarms = float(np.mean([found.pvalue < 0.05 for found, _ in draws]))
    assert alarms <= 0.09 if slope == 1 else alarms >= 0.5, f"{alarms:.2f} alarms at slope {slope}"


def test_drops_are_covered() -> None:
    draws = [(ReplicationGap(of="drop").measure(*_two_test_sets(seed, 1.0, 150)), 0.1) for seed in range(200)]
    assert 0.85 <= covered(draws) <= 0.98, f"{covered(draws):.3f}"


def test_curvature_is_that_of_the_parabola_and_is_covered() -> None:
    draws = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        z = np.sort(rng.normal(0.5, 0.7, 25))
        minor = ndtr(-0.5 + 0.8 * z - 0.2 * z**2 + rng.normal(0, 0.05, 25))
        draws.append((AccuracyOnTheCurve().measure(ndtr(z), minor), -0.2))
    assert 0.85 <= covered(draws) <= 0.95, f"{covered(draws):.3f} of 200"
    assert np.mean([found.pvalue < 0.05 for found, _ in draws]) > 0.8


def test_a_second_test_set_takes_away_apparent_robustness() -> None:
    """Shi et al.: what looks robust on one in-distribution test set is strength on a set that was not measured."""
    heights: dict[int, list[float]] = {1: [], 2: []}
    for seed in range(12):
        parts = drawn(seed, 20, 10)
        ids = np.column_stack([parts[f"old_{view}"].mean(axis=1) for view in ("plain", "mild")])
        for sets in heights:
            found = EffectiveRobustness().measure(ids[:, :sets], parts["new_noisy"].mean(axis=1), np.arange(30) < 20)
            heights[sets].append(found.value)
    one, two = np.mean(heights[1]), np.mean(heights[2])
    assert one > 0.1
    assert two < 0.65 * one, f"{one:.3f} above the line, {two:.3f} above the plane"


def test_effective_robustness_is_covered_and_needs_others() -> None:
    draws = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        z = rng.normal(0.5, 0.8, (24, 2))
        ood = -0.5 + 0.7 * z[:, 0] + 0.2 * z[:, 1] + rng.normal(0, 0.1, 24) + 0.3 * (np.arange(24) >= 18)
        found = EffectiveRobustness().measure(expit(z), expit(ood), np.arange(24) < 18)
        line = -0.5 + 0.7 * z[18:, 0] + 0.2 * z[18:, 1]
        draws.append((found, float((expit(line + 0.3) - expit(line)).mean())))
    assert 0.84 <= covered(draws) <= 0.96, f"{covered(draws):.3f} of 200"
    with pytest.raises(ValueError, match="every model"):
        EffectiveRobustness().measure(expit(z), expit(ood), np.ones(24))
    with pytest.raises(ValueError, match="Divide by 100"):
        EffectiveRobustness().measure(100 * expit(z), expit(ood), np.arange(24) < 18)


def test_sparse_aggregation_ranks_better_than_averages() -> None:
    """Ghosh et al.: with most measurements absent, and not by chance, ranks hold where averages do not."""
    right = lineup()["plain"][:PLAIN:6]
    strength, easy = right.mean(axis=1), right.mean(axis=0)
    agreements = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        chance = np.clip(0.2 * np.exp(15 * (strength.mean() - strength[:, None]) * (easy - easy.mean())), 0, 1)
        model, item = np.nonzero(rng.random(right.shape) < chance)
        score = right[model, item].astype(float)
        ranked = rank(model, item, score, 0.1).utilities
        averages = np.bincount(model, score) / np.bincount(model)
        agreements.append([spearmanr(strength, found).statistic for found in (ranked, averages)])
    ours, theirs = np.mean(agreements, axis=0)
    assert ours > 0.75, f"rank correlation {ours:.3f} with the full table"
    assert theirs < 0.4, f"rank correlation of averages {theirs:.3f}: then nothing was biased"


def test_ranking_takes_any_scale_and_repeats_and_covers() -> None:
    model, item = np.tile(np.arange(5), 200), np.repeat(np.arange(200), 5)
    draws = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        score = np.linspace(0, 1, 5)[model] + rng.gumbel(size=1000)  # utilities 0, .25, .5, .75, 1 exactly
        found = PlackettLuce(first=0, second=4, prior=0.0).measure(model, item, score)
        draws.append((found, 1.0))
    assert 0.82 <= covered(draws) <= 0.98, f"{covered(draws):.3f} of 100 intervals"
    assert np.mean([found.value for found, _ in draws]) == pytest.approx(1.0, abs=0.05)
    again = PlackettLuce(first=0, second=4, prior=0.0).measure(model, item, np.exp(score))
    assert again.value == pytest.approx(found.value, abs=1e-9), "only the order of scores counts"
    twice = PlackettLuce(first=0, second=4, prior=0.0).measure(*(np.tile(part, 2) for part in (model, item, score)))
    assert twice == pytest.approx(found), "a measurement repeated is one measurement"
    with pytest.raises(ValueError, match="no two models"):
        PlackettLuce(second=9).measure(model, item, score)


@pytest.mark.parametrize("tied", [True, False])
def test_scaling_forecasts_are_covered_over_many_draws(tied: bool) -> None:
    cases = [WORLDS["scaling_runs"](seed) for seed in range(200)]
    draws = [(call(OvertrainingScaling(tied=tied), case.evidence), case.truth) for case in cases]
    assert 0.82 <= covered(draws) <= 0.97, f"{covered(draws):.3f} of 200 intervals hold the law's loss"
    spread = np.std([found.value - truth for found, truth in draws])
    assert spread < 0.02, f"off by {spread:.3f}"


@pytest.mark.parametrize(("world", "method"), [("loss_pairs", LossToLoss()), ("falling_errors", DownstreamError())])
def test_loss_forecasts_are_covered_over_many_draws(world: str, method: Any) -> None:
    cases = [WORLDS[world](seed) for seed in range(200)]
    draws = [(call(method, case.evidence), case.truth) for case in cases]
    assert 0.83 <= covered(draws) <= 0.97, f"{covered(draws):.3f} of 200 intervals of {world}"
    width = np.mean([found.high - found.low for found, _ in draws])
    assert width < 0.2 * abs(draws[0][1]), f"intervals are {width:.3f} wide"


def test_scaling_refuses_what_is_no_run() -> None:
    sizes = np.array([1e6, 2e6, 4e6, 8e6])
    with pytest.raises(ValueError, match="above zero"):
        OvertrainingScaling().measure(np.array([0, 1, 2, 3.0]), sizes, sizes)
    with pytest.raises(ValueError, match="four runs"):
        OvertrainingScaling().measure(sizes[:3], sizes[:3], np.array([3.0, 2, 1]))
    with pytest.raises(ValueError, match="above the floor"):
        LossToLoss(floor=3.0).measure(np.array([2.0, 3, 4, 5]), np.array([2.0, 3, 4, 5]))


def test_stress_spread_is_several_times_the_usual_one() -> None:
    """D'Amour et al.: runs that agree on held-out rows part under stress, and the one says little of the other."""
    usual, stressed = (seeds()[view].mean(axis=1) for view in ("plain", "faded"))
    assert stressed.std() > 3 * usual.std()
    assert abs(np.corrcoef(usual, stressed)[0, 1]) < 0.5
    assert Underspecification().measure(seeds()["plain"], seeds()["faded"]).pvalue < 0.01


def test_rewordings_flip_answers_but_keep_the_order_of_models() -> None:
    """Lunardi et al.: scores fall on rewordings for every model, ranks mostly stay."""
    plain, copies = wordings()
    found = [RewordingDrop().measure(right, reworded) for right, reworded in zip(plain, copies, strict=True)]
    assert all(part.low > 0 for part in found)
    agreement = kendalltau(plain.mean(axis=1), copies.mean(axis=(1, 2))).statistic
    assert agreement > 0.4, f"Kendall's tau {agreement:.2f}"
    flips = RewordingDrop(of="flips").measure(plain[0], copies[0])
    assert 0.05 < flips.low <= flips.value <= flips.high < 0.5


def test_augmented_validation_ranks_models_for_unseen_kinds_better_than_validation() -> None:
    """Efthymiadis et al.: transformed validation rows rank models for unseen corruptions; plain ones do not."""
    right = transformed().reshape(-1, *transformed().shape[2:])  # models, transformations, rows
    unseen = right[:, 2::4].mean(axis=(1, 2))  # replaced pixels: no validation transformation is of that kind
    validated = right[:, np.arange(28) % 4 != 2].mean(axis=(1, 2))
    mildest = right[:, 3].mean(axis=1)  # ten percent of blur: as good as none
    ours, theirs = (spearmanr(unseen, part).statistic for part in (validated, mildest))
    assert ours > 0.7, f"rank correlation {ours:.2f}"
    assert ours > theirs + 0.2, f"rank correlation {ours:.2f}, of plain validation {theirs:.2f}"


@pytest.mark.parametrize("radius", [0.1, 0.15, 0.2])
def test_difficulty_clusters_cover_whatever_their_width(radius: float) -> None:
    cases = [WORLDS["growing_models"](seed) for seed in range(30)]
    draws = [(call(ClusteringOnDifficulty(radius=radius), case.evidence), case.truth) for case in cases]
    assert covered(draws) >= 0.8, f"{covered(draws):.2f} of 30 intervals hold the larger model's score"
    assert all(found.high - found.low < 0.3 for found, _ in draws)
    smallest = np.mean([abs(case.evidence["pass_rates"].mean(axis=1)[-1] - case.truth) for case in cases])
    assert smallest > 0.03, "the larger model is no better: nothing to predict"


def test_difficulty_clusters_extrapolate_a_mixture_that_one_curve_cannot() -> None:
    """Xu et al.: easy items saturate while hard ones emerge; one law through the mean misses what clusters see."""
    amounts = np.geomspace(1, 64, 7)
    easy, hard = np.exp(-0.4 * amounts**-0.9), np.exp(-40 * amounts**-0.75)
    rates = np.repeat(np.column_stack([easy, hard]), [20, 60], axis=1)
    truth = float(0.25 * np.exp(-0.4 * 1024**-0.9) + 0.75 * np.exp(-40 * 1024**-0.75))
    ours = ClusteringOnDifficulty(at=1024.0).measure(rates, amounts).value
    surprise = -np.log(rates.mean(axis=1))
    law = fitting_laws([amounts], [1024.0], surprise, tied=True)
    plain = float(np.exp(-grid_forecast(law.columns, law.at, surprise, law.prior).value))
    assert abs(ours - truth) < 0.5 * abs(plain - truth), f"clusters {ours:.3f}, one curve {plain:.3f}, true {truth:.3f}"
