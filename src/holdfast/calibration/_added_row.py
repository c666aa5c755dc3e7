"""Isotonic values of a row that is added, for every place it can take."""

from __future__ import annotations

import numpy as np


def values_with_a_positive(sizes: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Isotonic value at every place when one positive row is added there.

    The value is the slope of the convex hull of cumulated (rows, positives) where the added row lies: points after it
    stand one row and one positive further. So one end of the slope is among the points before, moved back by (1, 1),
    and the other among the points after. Both only move on as the place does, hence one pass in all.
    """
    x, y = [0, *np.cumsum(sizes).tolist()], [0, *np.cumsum(positives).tolist()]
    following = _hull(x, y)
    left, right, last = 0, 0, len(x) - 1
    slopes = np.empty(last)
    for place in range(1, last + 1):
        new, run, rise = place - 1, x[right] - x[left] + 1, y[right] - y[left] + 1
        if place == 1 or (y[new] - y[left]) * run <= rise * (x[new] - x[left]):
            left = new
            while right < last and _lies_lower(x, y, left, right, following[right]):
                right = following[right]
        slopes[place - 1] = (y[right] - y[left] + 1) / (x[right] - x[left] + 1)
    return slopes


def _lies_lower(x: list[int], y: list[int], left: int, one: int, other: int) -> bool:
    """Whether, from `left` moved back by (1, 1), the slope to `other` is at most that to `one`."""
    return (y[other] - y[left] + 1) * (x[one] - x[left] + 1) <= (y[one] - y[left] + 1) * (x[other] - x[left] + 1)


def _hull(x: list[int], y: list[int]) -> list[int]:
    """For every point, the next corner of the lower convex hull of it and all points after it."""
    last = len(x) - 1
    following = [last] * len(x)
    for point in range(last - 1, -1, -1):
        corner = point + 1
        while corner < last:
            further = following[corner]
            if (y[further] - y[point]) * (x[corner] - x[point]) > (y[corner] - y[point]) * (x[further] - x[point]):
                break
            corner = further
        following[point] = corner
    return following
