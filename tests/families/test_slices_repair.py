"""Repair of a group's inputs for a model that stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression

from holdfast.faults.worlds import slices as worlds
from holdfast.slices import CounterfactualDistribution

METRICS = ("false_positive_rate", "false_negative_rate", "positive_rate")


def _rates(metric: str, probs: np.ndarray, weights: np.ndarray) -> float:
    """A rate by its definition, answers being the likelier class."""
    positive = probs[:, 1] > 0.5
    if metric == "positive_rate":
        return np.average(positive, weights=weights)
    of = 1 if metric == "false_negative_rate" else 0
    return np.average(positive if of == 0 else ~positive, weights=weights * probs[:, of])


@pytest.mark.parametrize("metric", METRICS)
def test_the_weights_close_the_gap_and_touch_no_other_group(metric: str) -> None:
    evidence = worlds.moved_group(0).evidence
    probs, predicted, group = (evidence[name] for name in ("probs", "predicted", "group"))
    method = CounterfactualDistribution(metric=metric)
    weights = method.weigh_rows(probs, predicted, group)
    ones = np.ones(400)
    before, rest = _rates(metric, probs[group == 1], ones), _rates(metric, probs[group == 0], ones)
    after = _rates(metric, probs[group == 1], weights[group == 1])
    assert method.before_ == pytest.approx((before, rest))
    assert abs(before - rest) > 0.1
    assert after == pytest.approx(rest, abs=1e-6)
    assert (weights[group == 0] == 1).all()


def test_a_small_step_follows_the_steepest_descent() -> None:
    """The influence function: no direction of the same size lowers the rate faster."""
    evidence = worlds.moved_group(0).evidence
    group = evidence["group"]
    inside = group == 1
    share, answer = evidence["probs"][inside, 0], (evidence["predicted"][inside] == 1).astype(float)
    rate = (share * answer).sum() / share.sum()
    influence = share * (answer - rate) / share.mean()
    numeric = []
    for row in range(5):
        bumped = np.ones(400)
        bumped[row] += 1e-4
        numeric.append((np.average(answer, weights=bumped * share) - rate) / 1e-4 * 400)
    np.testing.assert_allclose(numeric, influence[:5], rtol=1e-3)
    tiny = CounterfactualDistribution(step=1e-4)._descended(share, answer, rate - 1e-4)
    moved = tiny - 1
    assert np.corrcoef(moved, -influence)[0, 1] > 0.999


def test_repaired_rows_get_the_rate_of_the_others_from_the_model_that_nobody_retrained() -> None:
    """The paper's claim, with a fixed model: the gap shrinks, rows stay rows of their group, most as they are."""
    X, target = load_diabetes(return_X_y=True)
    X = X / X.std(axis=0)
    model = LogisticRegression().fit(X, target > np.median(target))
    evidence = worlds.moved_group(1).evidence
    X, group = evidence["X"], evidence["group"]
    probs = model.predict_proba(X)
    method = CounterfactualDistribution()
    weights = method.weigh_rows(probs, (probs[:, 1] > 0.5).astype(int), group)
    gaps, moved, distances = [], [], []
    for seed in range(5):
        repaired = method.repair_rows(X, weights, group, seed)
        changed = (repaired != X).any(axis=1)
        after = model.predict_proba(repaired[group == 1])
        gaps.append(_rates("false_positive_rate", after, np.ones(400)) - method.before_[1])
        moved.append(changed[group == 1].mean())
        distances.append(np.linalg.norm(repaired - X, axis=1)[changed].mean())
        assert not changed[group == 0].any()
        assert {tuple(row) for row in repaired[group == 1]} <= {tuple(row) for row in X[group == 1]}
    before = method.before_[0] - method.before_[1]
    assert abs(np.mean(gaps)) < 0.25 * before, f"gap {before:.3f} before, {np.mean(gaps):+.3f} after"
    assert np.mean(moved) < 0.4, f"{np.mean(moved):.0%} of the group's rows are changed"
    rng = np.random.default_rng(0)
    members = X[group == 1]
    at_random = np.linalg.norm(members[rng.permutation(400)] - members, axis=1).mean()
    assert np.mean(distances) < 0.8 * at_random, "rows do not move less than by chance"


def test_a_group_that_is_not_there_or_everywhere_and_three_classes_are_refused() -> None:
    probs = [[0.5, 0.5]] * 4
    for group in ([0, 0, 0, 0], [1, 1, 1, 1]):
        with pytest.raises(ValueError, match="of 4 rows of 1; expected some"):
            CounterfactualDistribution().weigh_rows(probs, [0, 1, 0, 1], group)
    with pytest.raises(ValueError, match="probs has 3 classes"):
        CounterfactualDistribution().weigh_rows([[0.2, 0.3, 0.5]], [1], [1])


def test_equal_groups_are_left_alone() -> None:
    weights = CounterfactualDistribution().weigh_rows([[0.7, 0.3], [0.4, 0.6]] * 2, [0, 1, 0, 1], [0, 0, 1, 1])
    assert weights.tolist() == [1, 1, 1, 1]
