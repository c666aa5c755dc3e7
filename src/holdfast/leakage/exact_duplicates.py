"""Groups of rows that are equal in every column."""

from __future__ import annotations

import numpy as np

from holdfast.core import Grouper
from holdfast.ops.hashing import first_equal_rows


class ExactDuplicates(Grouper):
    r"""Rows with the same values in all columns share a group.

    .. math:: g_i = g_j \ge 0 \iff x_i = x_j, \; i \ne j

    Equal hashes propose, values decide, so the answer is exact; time and memory are linear in the rows.

    Use it when repeated rows would count twice in training or stand on both sides of a split: stack the two sets and
    look for groups with rows of both. It fails to find copies that differ in a digit, a space or an identifier (leave
    that column out, or use NearDuplicates), and in sets of a few coarse columns equal rows need not be copies.

    >>> X = [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.001], [3.0, 4.0]]
    >>> ExactDuplicates().group_rows(X=X).tolist()
    [0, 1, 0, -1, 1]
    """

    source = "fellegi1969theory"
    claims = ("exact_duplicates",)
    blind = ("near_duplicates",)
    transductive = True

    def group_rows(self, X: np.ndarray) -> np.ndarray:
        first = first_equal_rows(X)
        repeated = np.bincount(first, minlength=len(first)) > 1
        group = np.where(repeated, np.cumsum(repeated) - 1, -1)
        return group[first]
