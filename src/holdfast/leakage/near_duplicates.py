"""Groups of rows that are copies of one another up to a small change."""

from __future__ import annotations

import numpy as np

from holdfast.core import Grouper
from holdfast.ops.linkage import Forest, component_widths, spanning_forest
from holdfast.ops.neighbours import nearest_neighbours

NEIGHBOURS = 10
SAMPLE = 500  # distinct rows on which the dimension is estimated
WIDEST = 0.5  # a group is at most this much as wide as its way out and the spacing: no chains


class NearDuplicates(Grouper):
    r"""Isolated tight groups: rows far nearer to each other than chance lets distinct rows come.

    A group g of linked rows counts when its longest link is short against its shortest link outwards and against the
    spacing s of distinct rows anywhere, and when it is at most half as wide as either:

    .. math:: \max_g \ell \le \rho \min(\min_{\partial g} \ell, s), \quad
              s = \mathrm{median}\{\ell : \ell > \rho_0 s\}, \quad \rho = \min(\rho_0, \alpha^{1 / d})

    with :math:`\ell` the edges of the minimum spanning tree, :math:`\rho_0` = `closeness` (below 1) and
    :math:`\alpha` = `chance`. Among distinct rows of intrinsic dimension d the ratio of the distances to the first and
    the second neighbour is below x with probability :math:`x^d`; d is estimated between groups. The spacing leaves
    out what is short against it, so it does not move when copies are the majority.

    Use it when rows may have been copied with noise, rounding, re-encoding or a small edit, inside a set or (sets
    stacked) across a split. Scale the columns first. `neighbours` and `distances` (Euclidean, of X) may be given where
    they are known. It fails on data of one to three dimensions, where close rows are common, so that only tiny changes
    are told from chance; on chains such as video frames, where no group is apart from the next row; it takes a very
    tight, far away cluster for copies; and it finds nothing when over 95 % of all links are between inexact copies.

    >>> X = np.array([[0.0, 0.0], [0.0, 0.1], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 4.0], [8.0, 8.0]])
    >>> NearDuplicates(closeness=0.2, chance=0.1).group_rows(X=X).tolist()
    [0, 0, -1, -1, 1, 1, -1]
    >>> NearDuplicates(closeness=0.02, chance=0.1).group_rows(X=X).tolist()
    [-1, -1, -1, -1, 0, 0, -1]
    """

    source = "facco2017estimating"
    claims = ("near_duplicates", "near_duplicates_are_the_majority", "large_duplicate_groups", "exact_duplicates")
    blind = ("blurred_duplicates_of_few_columns",)
    transductive = True

    closeness: float = 0.25
    chance: float = 2e-4

    def group_rows(
        self, X: np.ndarray, neighbours: np.ndarray | None = None, distances: np.ndarray | None = None
    ) -> np.ndarray:
        if neighbours is None or distances is None:
            neighbours, distances, *_ = nearest_neighbours(X, NEIGHBOURS)
        forest = spanning_forest(X, neighbours, distances)
        spacing = _spacing(forest.length, self.closeness)
        label = forest.cut(self.closeness * spacing)
        dimension = _intrinsic_dimension(X, label, neighbours, distances)
        return _isolated_groups(X, forest, spacing, min(self.closeness, self.chance ** (1 / dimension)))


def _spacing(length: np.ndarray, closeness: float) -> float:
    """The largest s that is the median of the links longer than closeness * s, looked for from the top."""
    length = length[length > 0]
    if len(length) == 0:
        return 0.0
    spacing, before = float(np.quantile(length, 0.95)), np.inf
    while spacing < before:
        spacing, before = float(np.median(length[length > closeness * spacing])), spacing
    return before


def _intrinsic_dimension(X: np.ndarray, label: np.ndarray, neighbours: np.ndarray, distances: np.ndarray) -> float:
    """Maximum likelihood of the law of the ratio of the first two distances, between rows of different components."""
    _, distinct = np.unique(label, return_index=True)
    asked = np.random.default_rng(0).permutation(distinct)[:SAMPLE]
    first, second = _two_apart(label[asked], label[neighbours[asked]], distances[asked].astype(np.float64))
    if np.isinf(second).any():  # more copies than known neighbours: one row of each component is asked
        nearest = nearest_neighbours(X[distinct], 3, X[asked]).distances.astype(np.float64)  # the row itself is first
        if nearest.shape[1] < 3:
            return 1.0
        first, second = nearest[:, 1], nearest[:, 2]
    total = float(np.log(second[first > 0] / first[first > 0]).sum())
    return int((first > 0).sum()) / total if total > 0 else 1.0


def _two_apart(own: np.ndarray, label: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest row of another component and to that of a third one; infinite where none is known."""
    rows = np.arange(len(own))
    away = np.where(label != own[:, None], distances, np.inf)
    first = away.argmin(axis=1)
    third = np.where(label != label[rows, first][:, None], away, np.inf)
    return away[rows, first], third.min(axis=1)


def _isolated_groups(X: np.ndarray, forest: Forest, spacing: float, ratio: float) -> np.ndarray:
    """Cut the forest at shorter and shorter lengths; every component that passes is a group; the widest one wins."""
    group = np.full(forest.n, -1, dtype=np.int64)
    longest = ratio * spacing
    while True:
        label = forest.cut(longest)
        inner, outer = forest.inner_and_outer(label)
        rows = np.flatnonzero((group < 0) & (np.bincount(label)[label] > 1))
        if len(rows) == 0:
            break
        width = component_widths(X, rows, label)
        passes = (inner <= ratio * outer) & (width <= WIDEST * np.minimum(outer, spacing)) | (inner == 0)
        group[rows] = np.where(passes[label[rows]], label[rows] + (group.max() + 1), -1)
        if longest == 0:
            break
        longest = longest / 2 if longest > 1e-6 * spacing else 0.0
    found, codes = np.unique(group, return_inverse=True)
    return codes.reshape(-1) - (found[0] < 0)
