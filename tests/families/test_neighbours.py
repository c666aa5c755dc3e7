"""Neighbour search: exact where it says so, honest about its recall where not, and safe on degenerate data."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.neighbors import NearestNeighbors

from holdfast.ops import hashing, neighbours
from holdfast.ops.hashing import first_equal_rows, row_hashes
from holdfast.ops.neighbours import nearest_neighbours


def _mixture(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, (30, d))[rng.integers(30, size=n)] + rng.normal(size=(n, d))


def _true_distances(X: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(X).kneighbors(queries)[0]


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer])
@pytest.mark.parametrize("engine", ["numpy", "faiss"])
def test_same_distances_as_scikit_learn(load, engine, monkeypatch) -> None:
    X = load().data
    if engine == "faiss":
        monkeypatch.setattr(neighbours, "SMALL", 100)
    graph = nearest_neighbours(X, 10)
    truth = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X).kneighbors()[0]
    worst = np.abs(graph.distances - truth).max() / truth.max()
    assert worst < 1e-5, f"distances differ by {worst:.2g} of the largest"
    assert (graph.neighbours != np.arange(len(X))[:, None]).all(), "a row is its own neighbour"
    found = np.linalg.norm(X[:, None] - X[graph.neighbours], axis=2)
    assert np.abs(found - graph.distances).max() / truth.max() < 1e-5, "a distance is not that of its neighbour"
    assert graph.recall.value == 1, f"recall {graph.recall.value}"
    assert graph.method.startswith("exact"), graph.method


def test_queries_keep_rows_that_equal_them() -> None:
    X = load_digits().data
    graph = nearest_neighbours(X[:1000], 3, X[900:1100])
    assert (graph.neighbours[:100, 0] == np.arange(900, 1000)).all(), "a query's own copy is not its nearest row"
    assert (graph.distances[:100, 0] == 0).all(), f"distance to itself {graph.distances[:100, 0].max()}"
    truth = _true_distances(X[:1000], X[1000:1100], 3)
    assert np.abs(graph.distances[100:] - truth).max() < 1e-3, np.abs(graph.distances[100:] - truth).max()


@pytest.mark.parametrize(("width", "method"), [(16, "lists joined"), (3, "inverted file")])
def test_lists_tell_their_recall_honestly(width: int, method: str) -> None:
    X = _mixture(24_000, width) if width > 3 else np.random.default_rng(0).normal(size=(60_000, width))
    X = X.astype(np.float32)
    graph = nearest_neighbours(X, 10, seed=1)
    assert method in graph.method, graph.method
    asked = np.random.default_rng(9).permutation(len(X))[:1500]
    radius = _true_distances(X, X[asked], 11)[:, -1:]  # the row itself comes first
    recall = float((graph.distances[asked] <= radius * (1 + 1e-5)).mean())
    assert recall >= 0.97, f"recall {recall:.4f}"
    low, high = graph.recall.low - 0.01, graph.recall.high + 0.01
    assert low <= recall <= high, f"recall is {recall:.4f}, reported {graph.recall}"


def test_falls_back_to_exact_where_lists_would_miss_rows() -> None:
    noise = np.random.default_rng(0).normal(size=(20_000, 48)).astype(np.float32)
    graph = nearest_neighbours(noise, 5, min_recall=0.97)
    assert graph.method == "exact, float32", graph.method
    assert graph.recall.value > 0.999, graph.recall


def test_recall_is_measured_not_assumed(monkeypatch) -> None:
    X = _mixture(6_000)
    search = neighbours._candidates
    monkeypatch.setattr(
        neighbours, "_candidates", lambda *args: (np.roll(search(*args)[0], 1, axis=0), "a search that answers wrongly")
    )
    graph = nearest_neighbours(X, 10)
    assert graph.recall.value < 0.5, f"a search with wrong answers reports recall {graph.recall.value:.3f}"


def test_queries_whose_lists_are_too_short_are_answered_exactly(monkeypatch) -> None:
    X = _mixture(5_000)
    search = neighbours._candidates

    def short(*args) -> tuple[np.ndarray, str]:
        candidates = search(*args)[0].copy()
        candidates[:40, 2:] = -1  # what an inverted file returns for want of rows
        return candidates, "short lists"

    truth = nearest_neighbours(X, 5).distances
    monkeypatch.setattr(neighbours, "_candidates", short)
    graph = nearest_neighbours(X, 5)
    assert (graph.neighbours >= 0).all()
    assert np.allclose(graph.distances, truth, rtol=1e-5), np.abs(graph.distances - truth).max()


def test_near_copies_keep_their_distance_far_from_the_origin() -> None:
    rng = np.random.default_rng(0)
    X = 1e4 + rng.normal(size=(500, 8))
    X = np.vstack([X, X[:50], X[50:100] + 1e-3])
    graph = nearest_neighbours(X, 3)
    assert (graph.distances[500:550, 0] == 0).all(), f"copies are {graph.distances[500:550, 0].max()} apart"
    assert (graph.neighbours[500:550, 0] == np.arange(50)).all()
    gap = graph.distances[550:, 0] / (1e-3 * np.sqrt(8))
    assert np.abs(gap - 1).max() < 0.01, f"moved copies at {gap.min():.3f} to {gap.max():.3f} of their distance"


def test_without_faiss_the_answer_is_the_same(monkeypatch) -> None:
    X = _mixture(5_000)
    with_faiss = nearest_neighbours(X, 6)
    monkeypatch.setattr(neighbours, "_faiss", lambda: None)
    without = nearest_neighbours(X, 6)
    assert (with_faiss.method, without.method) == ("exact, float32", "exact")
    assert np.allclose(with_faiss.distances, without.distances, rtol=1e-5)


def test_degenerate_data() -> None:
    assert nearest_neighbours(np.ones((1, 3)), 5).neighbours.shape == (1, 0)
    assert nearest_neighbours(np.arange(4.0)[:, None], 9).neighbours.shape == (4, 3)
    assert nearest_neighbours(np.ones((3, 2)), 9, np.zeros((2, 2))).neighbours.shape == (2, 3)
    same = nearest_neighbours(np.full((25_000, 4), 7.0), 10)
    assert (same.distances == 0).all()
    assert (same.neighbours != np.arange(25_000)[:, None]).all(), "a row is its own neighbour among equal rows"
    assert (np.diff(np.sort(same.neighbours, axis=1), axis=1) > 0).all(), "a neighbour is listed twice"
    huge = nearest_neighbours(np.random.default_rng(0).normal(size=(50, 4)) * 1e300, 3)
    assert np.isfinite(huge.distances).all()


def test_rows_with_many_copies_get_copies_and_the_others_are_unchanged() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    X[:200] = X[0]
    graph = nearest_neighbours(X, 7)
    assert (graph.distances[:200] == 0).all(), "copies of a row are not at distance 0"
    assert (graph.neighbours[:200] < 200).all(), "a neighbour at distance 0 is no copy"
    truth = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(X).kneighbors()[0]
    assert np.allclose(graph.distances[200:], truth[200:], atol=1e-5)


def test_same_seed_same_bits() -> None:
    X = _mixture(21_000, 8)
    first, second = nearest_neighbours(X, 5, seed=3), nearest_neighbours(X, 5, seed=3)
    assert (first.neighbours == second.neighbours).all()
    assert first.recall == second.recall


def test_hashes_find_exactly_the_equal_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(3000, 6)).astype(np.float64)
    X[X == 0] *= rng.choice([-1.0, 1.0], size=(X == 0).sum())  # -0.0 equals 0.0
    _, code = np.unique(X + 0.0, axis=0, return_inverse=True)
    first = first_equal_rows(X)
    assert (code.reshape(-1)[first] == code.reshape(-1)).all(), "unequal rows are matched"
    assert len(np.unique(first)) == code.max() + 1, "equal rows are missed"
    assert (first <= np.arange(len(X))).all(), "the match is not the first equal row"
    swapped = row_hashes(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
    assert swapped[0] == swapped[2] != swapped[1], "the order of columns does not count"


def test_a_hash_collision_does_not_pass(monkeypatch) -> None:
    X = np.random.default_rng(0).integers(0, 4, size=(500, 3))
    truth = first_equal_rows(X)
    monkeypatch.setattr(hashing, "row_hashes", lambda array: (array[:, 0] % 2).astype(np.uint64))
    assert (first_equal_rows(X) == truth).all(), "rows with equal hashes are taken for equal"
