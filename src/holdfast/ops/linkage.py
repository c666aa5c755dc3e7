"""Single linkage without a distance matrix: a spanning forest of the nearest-neighbour graph, cut at any length."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.ops.neighbours import nearest_neighbours

BRIDGES = 3  # neighbours that every tree's first row looks for among the first rows of other trees


class Forest(NamedTuple):
    """Edges of a minimum spanning forest over `n` rows: both ends and the length."""

    n: int
    left: np.ndarray
    right: np.ndarray
    length: np.ndarray

    def cut(self, at: float) -> np.ndarray:
        """(n,) component of every row when the edges longer than `at` are cut: 0, 1, ... in row order."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        kept = self.length <= at
        links = coo_matrix((kept[kept], (self.left[kept], self.right[kept])), shape=(self.n, self.n))
        return connected_components(links, directed=False)[1]

    def inner_and_outer(self, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Per component: its longest edge inside (0 without one), its shortest edge out (infinite without one)."""
        inner, outer = np.zeros(label.max() + 1), np.full(label.max() + 1, np.inf)
        crosses = label[self.left] != label[self.right]
        np.maximum.at(inner, label[self.left[~crosses]], self.length[~crosses])
        for end in (self.left[crosses], self.right[crosses]):
            np.minimum.at(outer, label[end], self.length[crosses])
        return inner, outer


def spanning_forest(X: np.ndarray, neighbours: np.ndarray, distances: np.ndarray) -> Forest:
    """The minimum spanning forest of a neighbour graph of X; its trees are then bridged through their first rows.

    A tree has no edge out when all neighbours of its rows lie inside, as where a row has more copies than neighbours.
    A bridge is right to within the diameter of such a tree.

    >>> X = np.array([[0.0], [0.1], [5.0], [5.3]])
    >>> forest = spanning_forest(X, np.array([[1], [0], [3], [2]]), np.array([[0.1], [0.1], [0.3], [0.3]]))
    >>> sorted(forest.length.round(2).tolist()), forest.cut(0.2).tolist()
    ([0.1, 0.3, 5.0], [0, 0, 1, 2])
    """
    forest = _forest(len(X), neighbours, distances)
    _, first = np.unique(forest.cut(np.inf), return_index=True)
    if len(first) == 1:
        return forest
    between = nearest_neighbours(X[first], BRIDGES)
    bridges = _forest(len(first), between.neighbours, between.distances)
    left, right = first[bridges.left], first[bridges.right]
    joined = zip(forest[1:], (left, right, bridges.length), strict=True)
    return Forest(len(X), *(np.concatenate(pair) for pair in joined))


def _forest(n: int, neighbours: np.ndarray, distances: np.ndarray) -> Forest:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    start = np.repeat(np.arange(n), neighbours.shape[1])
    low, high = np.minimum(start, neighbours.ravel()), np.maximum(start, neighbours.ravel()).astype(np.int64)
    _, once = np.unique(low * n + high, return_index=True)  # both ends may name the same edge
    # scipy takes a stored 0 for a missing edge: copies get the smallest number there is
    tiny = np.finfo(np.float64).tiny
    length = np.maximum(distances.ravel()[once].astype(np.float64), tiny)
    tree = minimum_spanning_tree(csr_matrix((length, (low[once], high[once])), shape=(n, n))).tocoo()
    return Forest(n, tree.row, tree.col, np.where(tree.data <= tiny, 0.0, tree.data))


def component_widths(X: np.ndarray, rows: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Per component twice the largest distance from its centre, which is at least its diameter."""
    rows = rows[np.argsort(label[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(label[rows], prepend=-1))
    sizes = np.diff(np.append(starts, len(rows)))
    part = X[rows].astype(np.float64)
    part -= np.repeat(np.add.reduceat(part, starts) / sizes[:, None], sizes, axis=0)
    width = np.zeros(label.max() + 1)
    width[label[rows[starts]]] = 2 * np.sqrt(np.maximum.reduceat((part * part).sum(axis=1), starts))
    return width
