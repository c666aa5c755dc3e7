"""What to collect next, and the price of collecting it elsewhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from holdfast.faults.worlds import slices as worlds
from holdfast.slices import AdaptiveSampling


def _errors(sizes: np.ndarray) -> np.ndarray:
    """(groups,) measured test errors at these sizes, on draws of rows that the world has not used."""
    grid = tuple(int(size) for size in np.unique(sizes))
    measured = worlds._errors_by_size(grid, tuple(range(200, 220)))
    return measured[np.arange(len(sizes)), np.searchsorted(grid, sizes)]


def test_adaptive_rows_beat_equal_and_proportional_ones_as_the_paper_claims() -> None:
    worst = {"adaptive": [], "equal": [], "proportional": []}
    for seed in range(3):
        world = worlds.unequal_learning_rates(seed)
        sizes, budget = world.evidence["sizes"], world.evidence["budget"]
        mixes = {
            "adaptive": AdaptiveSampling().fit(**world.train).mix_groups(sizes, budget),
            "equal": np.full(3, 1 / 3),
            "proportional": sizes / sizes.sum(),
        }
        for name, mix in mixes.items():
            worst[name].append(_errors(np.round(sizes + budget * mix)).max())
    means = {name: float(np.mean(values)) for name, values in worst.items()}
    assert means["adaptive"] < 0.85 * means["equal"], f"{means}"
    assert means["adaptive"] < 0.6 * means["proportional"], f"{means}"


def test_curves_are_found_again() -> None:
    sizes = np.array([10, 20, 50, 100, 300])
    truth = np.array([[0.05, 2.0, 0.5], [0.0, 0.7, 0.2], [0.2, 0.0, 1.0]])
    errors = [floor + height * sizes**-exponent for floor, height, exponent in truth]
    method = AdaptiveSampling().fit(sizes, errors)
    at = np.full(3, 1000.0)
    np.testing.assert_allclose(method.predicted(at), truth[:, 0] + truth[:, 1] * at ** -truth[:, 2], rtol=0.02)


def test_the_deal_is_the_best_of_all_mixes_of_the_fitted_curves() -> None:
    world = worlds.unequal_learning_rates(0)
    for aversion in (0.5, 1.0, 4.0):
        method = AdaptiveSampling(aversion=aversion).fit(**world.train)
        mix = method.mix_groups(**world.evidence)
        ours = (method.predicted_**aversion).sum()
        shares = [np.array([i, j, 50 - i - j]) / 50 for i in range(51) for j in range(51 - i)]
        best = min((method.predicted(world.evidence["sizes"] + 150 * s) ** aversion).sum() for s in shares)
        assert ours <= best * 1.002, f"{ours:.5f} dealt, {best:.5f} by trying all mixes; {mix}"


def test_a_dear_group_gets_fewer_rows_and_the_budget_is_money() -> None:
    errors = [[0.4, 0.2, 0.1], [0.4, 0.2, 0.1]]
    method = AdaptiveSampling().fit([10, 20, 40], errors)
    shares = [method.mix_groups([40, 40], budget=400, costs=[1.0, cost])[1] for cost in (1.0, 2.0, 8.0)]
    assert shares[0] == pytest.approx(0.5, abs=0.01)
    assert all(later < earlier for earlier, later in pairwise(shares)), f"{shares}"
    method.mix_groups([40, 40], budget=400, costs=[4.0, 4.0])
    np.testing.assert_allclose(method.predicted_, method.predicted([90, 90]), rtol=0.01)


def test_wrong_arguments_are_named() -> None:
    method = AdaptiveSampling().fit([10, 20, 40], [[0.4, 0.2, 0.1]])
    with pytest.raises(ValueError, match="sizes has 2 groups, but group_errors had 1"):
        method.mix_groups([1, 2], budget=10)
    with pytest.raises(ValueError, match=r"pilot_sizes holds \[10.0, 20.0\]"):
        AdaptiveSampling().fit([10, 20], [[0.4, 0.2]])
    with pytest.raises(ValueError, match="aversion is 0"):
        AdaptiveSampling(aversion=0.0).fit([10, 20, 40], [[0.4, 0.2, 0.1]]).mix_groups([1], budget=10)
