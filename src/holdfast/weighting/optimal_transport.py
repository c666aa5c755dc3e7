"""Exact optimal transport."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from holdfast.core import Mapper
from holdfast.ops.neighbours import nearest_neighbours

Pair = tuple[np.ndarray, np.ndarray]


class OptimalTransport(Mapper):
    r"""Every reference row goes to the mean of the target rows that the cheapest plan sends it to.

    .. math:: \min_\gamma \sum_{ij} \gamma_{ij} \|x_i - x'_j\|^2, \qquad x_i \mapsto \sum_j \gamma_{ij} x'_j / \gamma_i

    The plan is an assignment between `rows` rows of either sample (all, where there are fewer; the smaller sample is
    repeated), solved exactly. Other rows move as the nearest of these does. What comes out is (ref_X, cur_X), the
    target as it was. Costs up to rows^3 and rows^2 memory, whatever n, plus the neighbours.

    Use it when the change bends, so that no linear map follows it, and classes keep their order in space. It fails
    when the class mix moved, since all mass must go somewhere; in many columns rows are matched by noise.

    Squares of the reference are met; between its rows the nearest one's move is taken:

    >>> method = OptimalTransport(rows=4, seed=1).fit(ref_X=[[0.0], [1], [2], [3]], cur_X=[[0.0], [1], [4], [9]])
    >>> method.transform(ref_X=[[0.0], [2.0], [3.0], [3.2]], cur_X=[[9.0]])[0].round(6).tolist()
    [[0.0], [4.0], [9.0], [9.2]]
    """

    source = "courty2017optimal"
    claims = ("rescaled",)
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # which rows of large samples
    gives: ClassVar[str] = "features"

    rows: int = 1000
    seed: int = 0

    def fit(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Self:
        """Find the plan between rows of both samples, without labels."""
        rng = np.random.default_rng(self.seed)
        size = min(max(len(ref_X), len(cur_X)), self.rows)
        left, right = (_drawn(len(X), size, rng) for X in (ref_X, cur_X))
        start, goal = np.asarray(ref_X, dtype=np.float64)[left], np.asarray(cur_X, dtype=np.float64)[right]
        matched = linear_sum_assignment(cdist(start, goal, "sqeuclidean"))[1]
        origin, place = np.unique(left, return_inverse=True)
        moves = np.zeros((len(origin), ref_X.shape[1]))
        np.add.at(moves, place, goal[matched] - start)
        self.anchors_ = np.asarray(ref_X, dtype=np.float64)[origin]
        self.moves_ = moves / np.bincount(place)[:, None]
        return self

    def transform(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Pair:
        """The reference carried to the target, and the target as it is."""
        near = nearest_neighbours(self.anchors_, 1, queries=ref_X).neighbours[:, 0]
        return ref_X + self.moves_[near], np.asarray(cur_X)


def _drawn(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` row numbers, each row as often as the others, give or take one."""
    return np.sort(np.concatenate([rng.permutation(n) for _ in range(-(-size // n))])[:size])
