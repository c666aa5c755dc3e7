"""Shallow adaptation: the maps do what their formulas say, and label-free scores choose among them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from holdfast.faults.worlds import worlds
from holdfast.testing.laws import run
from holdfast.weighting import (
    CORAL,
    CircularValidation,
    DeepEmbeddedValidation,
    ImportanceWeightedValidation,
    LinearOptimalTransport,
    OptimalTransport,
    PredictionEntropy,
    SoftNeighbourhoodDensity,
    SubspaceAlignment,
)

WORLDS = worlds("weighting")


@pytest.mark.parametrize("method", [CORAL(penalty=0.0), LinearOptimalTransport(penalty=0.0)], ids=["coral", "linear"])
def test_closed_form_maps_meet_mean_and_covariance(method: CORAL | LinearOptimalTransport) -> None:
    evidence = WORLDS["rescaled"](0).evidence
    moved, target = run(method, WORLDS["rescaled"](0))
    assert target is evidence["cur_X"] or np.array_equal(target, evidence["cur_X"])
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), np.cov(target.T, bias=True), atol=1e-7)


def test_the_linear_map_moves_rows_less_than_coral_and_is_symmetric() -> None:
    world = WORLDS["rescaled"](1)
    start = world.evidence["ref_X"]
    cost = [((run(m, world)[0] - start) ** 2).sum(axis=1).mean() for m in (LinearOptimalTransport(), CORAL())]
    assert cost[0] < cost[1], f"mean squared moves {cost}"
    method = LinearOptimalTransport().fit(ref_X=start, cur_X=world.evidence["cur_X"])
    np.testing.assert_allclose(method.matrix_, method.matrix_.T, atol=1e-9)
    assert np.linalg.eigvalsh(method.matrix_).min() > 0


def test_the_plan_is_the_cheapest_of_all() -> None:
    rng = np.random.default_rng(0)
    ref, cur = rng.normal(size=(6, 2)), rng.normal(1, 2, (6, 2))
    moved = OptimalTransport().fit(ref_X=ref, cur_X=cur).transform(ref_X=ref, cur_X=cur)[0]
    cost = cdist(ref, cur, "sqeuclidean")
    best = min(cost[range(6), list(order)].sum() for order in permutations(range(6)))
    assert abs(((moved - ref) ** 2).sum() - best) < 1e-9


def test_unequal_samples_go_to_the_mean_of_what_they_are_sent_to() -> None:
    method = OptimalTransport().fit(ref_X=[[0.0], [10.0]], cur_X=[[0.0], [1.0], [10.0], [11.0]])
    assert method.transform(ref_X=[[0.0], [10.0]], cur_X=[[0.0]])[0].tolist() == [[0.5], [10.5]]


def test_transport_follows_a_bend_that_linear_maps_cannot() -> None:
    rng = np.random.default_rng(1)
    ref = rng.uniform(0, 1, (400, 1))
    cur = rng.uniform(0, 1, (400, 1)) ** 3
    errors = [
        float(np.abs(m.fit(ref_X=ref, cur_X=cur).transform(ref_X=ref, cur_X=cur)[0] - ref**3).mean())
        for m in (OptimalTransport(), LinearOptimalTransport())
    ]
    assert errors[0] < 0.4 * errors[1], f"mean errors of the exact and the linear map {errors}"


def test_large_samples_move_as_their_nearest_drawn_row() -> None:
    rng = np.random.default_rng(2)
    ref, cur = rng.normal(size=(5000, 3)), rng.normal(size=(4000, 3)) * [2.0, 0.5, 1.0] + 3
    moved = OptimalTransport(rows=300).fit(ref_X=ref, cur_X=cur).transform(ref_X=ref, cur_X=cur)[0]
    assert np.abs(moved.mean(axis=0) - 3).max() < 0.3, f"means {moved.mean(axis=0).round(2)}, of the target 3"


def test_aligned_subspaces_hold_nothing_else() -> None:
    ref, cur = run(SubspaceAlignment(directions=2), WORLDS["stuck"](0))
    assert [np.linalg.matrix_rank(part - part.mean(axis=0), tol=1e-8) for part in (ref, cur)] == [2, 2]


def test_weighted_validation_sees_the_drop_that_plain_validation_misses() -> None:
    """Where inputs decide how hard a row is, accuracy on the reference is wrong and the weighted one is not."""
    rng = np.random.default_rng(3)
    ref_X, cur_X = rng.normal(size=(3000, 2)), rng.normal([1.0, 0], 1, (3000, 2))
    wrong = 1 / (1 + np.exp(2 - 1.5 * ref_X[:, 0]))
    ref_y = rng.integers(2, size=3000)
    probs = np.eye(2)[np.where(rng.random(3000) < wrong, 1 - ref_y, ref_y)]
    truth = 1 - (1 / (1 + np.exp(2 - 1.5 * cur_X[:, 0]))).mean()
    plain = float((probs.argmax(axis=1) == ref_y).mean())
    for method in (ImportanceWeightedValidation(), DeepEmbeddedValidation()):
        found = method.measure(ref_X=ref_X, ref_y=ref_y, ref_probs=probs, cur_X=cur_X)
        assert abs(found.value - truth) < 0.05 < plain - truth - 0.03, f"{found}, true {truth:.3f}, plain {plain:.3f}"


def test_the_control_variate_lowers_the_variance() -> None:
    spread = []
    for method in (ImportanceWeightedValidation(), DeepEmbeddedValidation()):
        values = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            ref_X, cur_X = rng.normal(size=(300, 1)), rng.normal(0.9, 1, (300, 1))
            right = rng.random(300) < 0.8
            values.append(
                method.measure(
                    ref_X=ref_X, ref_y=np.ones(300, int), ref_probs=np.eye(2)[right.astype(int)], cur_X=cur_X
                ).value
            )
        spread.append(float(np.std(values)))
    assert spread[1] <= 1.02 * spread[0], f"spread of the values without and with the control variate {spread}"


def test_scores_rank_maps_by_what_they_bring() -> None:
    """Four candidates on rescaled digits: what a score prefers is better on the target, on average over draws."""
    agreement = {name: [] for name in ("entropy", "density", "circular")}  # type: dict[str, list[float]]
    for seed in range(4):
        world = WORLDS["rescaled"](seed)
        y = world.evidence["ref_y"]
        pairs = [(world.evidence["ref_X"], world.evidence["cur_X"])]
        pairs += [run(method, world) for method in (CORAL(), LinearOptimalTransport(), SubspaceAlignment(directions=2))]
        models = [LogisticRegression(max_iter=500).fit(ref, y) for ref, _ in pairs]
        probs = [model.predict_proba(cur) for model, (_, cur) in zip(models, pairs, strict=True)]
        brought = [float((p.argmax(axis=1) == world.truth).mean()) for p in probs]
        scores = {
            "entropy": [PredictionEntropy().measure(cur_probs=p).value for p in probs],
            "density": [SoftNeighbourhoodDensity().measure(cur_probs=p).value for p in probs],
            "circular": [
                CircularValidation()
                .measure(ref_X=ref, ref_y=y, cur_X=cur, model=LogisticRegression(max_iter=500))
                .value
                for ref, cur in pairs
            ],
        }
        for name, values in scores.items():
            agreement[name].append(float(spearmanr(values, brought).statistic))
    means = {name: round(float(np.mean(values)), 2) for name, values in agreement.items()}
    assert means["circular"] > 0.5, f"rank correlations with the accuracy on the target {means}"
