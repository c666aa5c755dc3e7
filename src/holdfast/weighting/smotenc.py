"""SMOTE-NC."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Mapper
from holdfast.ops.neighbours import nearest_neighbours
from holdfast.weighting._synthetic import Rows, with_synthetic


class SMOTENC(Mapper):
    r"""SMOTE for numbers and categories: numbers lie between two rows, categories are those that most neighbours have.

    .. math:: d(x, z)^2 = \sum_{\text{numbers}} (x_j - z_j)^2 + \sum_{\text{categories}} m^2 [x_j \ne z_j]

    m is the median deviation of the class' numeric columns. `is_category` marks the columns of codes. Ties among
    neighbours go to the smaller code. Settings and what comes out are those of `SMOTE`. Memory is that of what comes
    out and of the smaller classes' categories, one column a category that occurs in the class.

    Use it when some columns are categories and rows of a rare class are wanted. It fails where all columns are
    categories (m is then 1 and rows are modes of their neighbourhood), and as `SMOTE` does where classes overlap.

    Three rare rows have category 2, 2 and 7; new rows take what two of three neighbours have:

    >>> X, y = [[0.0, 2], [1.0, 2], [0.5, 7]] + [[5.0, 0]] * 5, [1] * 3 + [0] * 5
    >>> rows, codes = SMOTENC(neighbours=2, ratio=1.0, seed=1).transform(X=X, y=y, is_category=[False, True])
    >>> codes[8:].tolist(), set(rows[8:, 1].tolist()) <= {2.0, 7.0}
    ([1, 1], True)
    """

    source = "chawla2002smote"
    claims = ("imbalanced_mixed",)
    memory: ClassVar[str] = "rows times categories"  # of the smaller classes
    gives: ClassVar[str] = "rows"

    neighbours: int = 5
    ratio: float = 1.0
    seed: int = 0

    def transform(self, X: np.ndarray, y: np.ndarray, is_category: np.ndarray) -> Rows:
        """(n + new, d) rows and (n + new,) class codes."""
        voted: list[np.ndarray] = []

        def plan(own: np.ndarray, count: int, rng: np.random.Generator) -> Rows:
            starts = rng.integers(len(own), size=count)
            if len(own) == 1:
                voted.append(X[own[starts]][:, is_category])
                return own[starts], own[starts]
            k = min(self.neighbours, len(own) - 1)
            near = nearest_neighbours(_measured(X[own], is_category), k).neighbours
            modes = np.column_stack([_modes(X[own, j], near) for j in np.flatnonzero(is_category)])
            voted.append(modes[starts])
            return own[starts], own[near[starts, rng.integers(k, size=count)]]

        if not is_category.any():
            raise ValueError("is_category marks no column; SMOTE is for numbers only.")
        rows, codes = with_synthetic(X, y, self.ratio, self.seed, plan)
        if voted:
            rows[len(X) :, is_category] = np.concatenate(voted)
        return rows, codes


def _measured(rows: np.ndarray, is_category: np.ndarray) -> np.ndarray:
    """Columns in which the Euclidean distance is the method's: codes become indicators of height m / sqrt(2)."""
    numbers = rows[:, ~is_category]
    height = float(np.median(numbers.std(axis=0))) if numbers.shape[1] else 1.0
    parts = [numbers]
    for j in np.flatnonzero(is_category):
        levels, codes = np.unique(rows[:, j], return_inverse=True)
        parts.append(np.eye(len(levels), dtype=np.float32)[codes] * (height / np.sqrt(2)))
    return np.hstack(parts)


def _modes(column: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(n,) the value that most neighbours have."""
    levels, codes = np.unique(column, return_inverse=True)
    counts = np.zeros((len(column), len(levels)), dtype=np.int32)
    np.add.at(counts, (np.arange(len(column))[:, None], codes[near]), 1)
    return levels[counts.argmax(axis=1)]
