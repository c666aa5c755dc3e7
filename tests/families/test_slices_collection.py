"""What to collect next, and what logged outcomes say once confounders are taken out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from holdfast.faults.worlds import slices as worlds
from holdfast.slices import AdaptiveSampling, ConfounderAdjustedEffect


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


# --- logged outcomes --------------------------------------------------------------------------------------------
def test_the_naive_slope_is_far_off_and_the_adjusted_one_is_not() -> None:
    method = ConfounderAdjustedEffect()
    values, naive = [], []
    for seed in range(20):
        values.append(method.measure(**worlds.confounded_outcome(seed).evidence).value)
        naive.append(method.naive_)
    assert abs(np.mean(values) - 0.3) < 0.04, f"{np.mean(values):.3f} on average, 0.3 planted"
    assert np.mean(naive) > 0.5, f"naive slope {np.mean(naive):.3f}"


def test_a_model_of_the_adjusted_outcome_ranks_the_cause_first() -> None:
    """The paper's claim: learning from the raw outcome prefers a proxy of the confounder to what causes the outcome."""
    chosen = {"raw": [], "adjusted": []}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        world = worlds.confounded_outcome(seed).evidence
        proxy = world["X"][:, 2] + 0.3 * rng.normal(size=len(world["x"]))  # a style that follows body mass
        cause = world["x"] - world["x"].mean()
        adjusted = ConfounderAdjustedEffect().adjusted_outcome(**world)
        for name, outcome in (("raw", world["target"]), ("adjusted", adjusted)):
            slopes = np.linalg.lstsq(np.column_stack([cause, proxy]), outcome - outcome.mean(), rcond=None)[0]
            chosen[name].append(abs(slopes[0]) * cause.std() > abs(slopes[1]) * proxy.std())
    assert np.mean(chosen["raw"]) < 0.3, f"the raw outcome prefers the cause in {np.mean(chosen['raw']):.0%} of draws"
    assert np.mean(chosen["adjusted"]) > 0.9, f"the adjusted one in {np.mean(chosen['adjusted']):.0%}"


def test_segments_as_columns_give_the_fixed_effects_slope() -> None:
    rng = np.random.default_rng(0)
    segment = rng.integers(0, 5, 3000)
    x = segment + rng.normal(size=3000)
    target = 0.2 * x + np.array([3, -1, 4, 0, 9.0])[segment] + rng.normal(size=3000)
    dummies = np.eye(5)[segment]
    within = x - np.array([x[segment == s].mean() for s in range(5)])[segment]
    found = ConfounderAdjustedEffect(degree=1).measure(x=x, target=target, X=dummies)
    assert found.value == pytest.approx(within @ target / (within @ within), abs=0.005)


def test_a_feature_that_the_confounders_determine_is_refused() -> None:
    X = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match="x is a function of the confounders"):
        ConfounderAdjustedEffect().measure(x=X @ [1.0, 2.0], target=X[:, 0], X=X)
    with pytest.raises(ValueError, match="x has 3 rows and folds is 5"):
        ConfounderAdjustedEffect().measure(x=[1.0, 2, 4], target=[1.0, 2, 3], X=[[1.0], [0], [0]])
