"""Relations between the scores of many models: published numbers, coverage, and what each measure is for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, ndtr

from holdfast.core import Estimate
from holdfast.estimation import AccuracyOnTheCurve, EffectiveRobustness, ReplicationGap
from holdfast.faults.worlds._lineup import drawn


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
