"""uLSIF and RuLSIF: the density ratio by least squares."""

from __future__ import annotations

import numpy as np

from holdfast.core import Weigher
from holdfast.ops.density_ratio import balance
from holdfast.weighting._landmarks import FOLDS, WIDTHS, folds, gaussian, landmark_distances

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)


class RuLSIF(Weigher):
    r"""The ratio of the target to a mixture of both samples, in closed form; with `relative` 0, to the reference.

    .. math:: w(x) = \theta^\top k(x), \quad \theta = (H + \lambda I)^{-1} h, \quad
              H = (1 - a) \overline{k(x) k(x)^\top} + a \, \overline{k(x') k(x')^\top}, \quad h = \overline{k(x')}

    k holds Gaussians at `centres` random target rows, a is `relative`: 0 is uLSIF, above it the ratio is at most 1 / a,
    which keeps weights small where the reference is thin. Width and lambda are those of the least cross-validated
    squared error; negative values become 0. Weights that leave a column's mean more than `tolerance` standard
    deviations away from the target are tilted as little as needed, or refused with a `ValueError`. Costs
    (n + m) centres (d + centres); memory (n + m) centres.

    Use it when a ratio of any smooth shape is wanted fast; take `relative` above 0 when the samples overlap badly. It
    fails in many columns, where all distances are alike, and sets rows to 0 that lie far from all centres.

    Three in four target rows are ones, against one in two of the reference:

    >>> ref_X, cur_X = [[0.0], [1.0]] * 20, [[0.0], [1.0], [1.0], [1.0]] * 10
    >>> method = RuLSIF(relative=0.0, centres=40, tolerance=0.02, seed=1)
    >>> method.weigh_rows(ref_X=ref_X, cur_X=cur_X)[:2].round(1).tolist()
    [0.5, 1.5]
    """

    source = "yamada2013relative"
    claims = ("tilt", "truncation")

    relative: float = 0.1
    centres: int = 100
    tolerance: float = 0.05
    seed: int = 0

    def weigh_rows(self, ref_X: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
        """(ref_n,) (relative) density ratio of every reference row, mean 1; the choice is in `width_`, `penalty_`."""
        if not 0 <= self.relative < 1:
            raise ValueError(f"relative is {self.relative}; expected 0 (the ratio to ref_X) or more, below 1.")
        left, right = landmark_distances(ref_X, cur_X, self.centres, self.seed)
        own = folds(len(left), self.seed), folds(len(right), self.seed)
        errors: dict[tuple[float, float], float] = {}
        for width in WIDTHS:
            moments = _Moments.of(gaussian(left, width), gaussian(right, width), own, self.relative)
            errors |= {(width, penalty): moments.held_error(penalty) for penalty in PENALTIES}
        self.width_, self.penalty_ = min(errors, key=lambda choice: errors[choice])
        near = gaussian(left, self.width_)
        moments = _Moments.of(near, gaussian(right, self.width_), own, self.relative)
        weights = np.maximum(
            near @ moments.solved(moments.square.mean(axis=0), moments.first.mean(axis=0), self.penalty_), 0
        )
        if weights.max() <= 0:
            raise ValueError("no row of ref_X is near a row of cur_X: the samples do not overlap.")
        return balance(ref_X, cur_X, weights / weights.mean(), self.tolerance)


class _Moments:
    """H and h of every fold."""

    def __init__(self, square: np.ndarray, first: np.ndarray) -> None:
        self.square, self.first = square, first

    @classmethod
    def of(cls, ref: np.ndarray, cur: np.ndarray, own: tuple[np.ndarray, np.ndarray], relative: float) -> _Moments:
        square, first = [], []
        for number in range(FOLDS):
            left = ref[own[0] == number] if (own[0] == number).any() else ref
            right = cur[own[1] == number] if (own[1] == number).any() else cur
            square.append((1 - relative) * left.T @ left / len(left) + relative * right.T @ right / len(right))
            first.append(right.mean(axis=0))
        return cls(np.array(square), np.array(first))

    @staticmethod
    def solved(square: np.ndarray, first: np.ndarray, penalty: float) -> np.ndarray:
        return np.linalg.solve(square + penalty * np.eye(len(first)), first)

    def held_error(self, penalty: float) -> float:
        """Mean over folds of theta' H theta / 2 - h' theta, with theta of the other folds."""
        errors = []
        for number in range(FOLDS):
            rest = np.arange(FOLDS) != number
            theta = self.solved(self.square[rest].mean(axis=0), self.first[rest].mean(axis=0), penalty)
            errors.append(theta @ self.square[number] @ theta / 2 - self.first[number] @ theta)
        return float(np.mean(errors))
