"""What the conformal methods share: order statistics that a new score exceeds with a known probability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MANY_FOLDS = 64  # from here on the scores of a fold are few: they are laid out, by blocks of rows
BLOCK = 1 << 22  # numbers of such a block
HALVINGS = 100  # of an interval that holds the wanted value; stops where no float lies inside

CLOSE = 1e-12  # relative: (n + 1) * level is a whole number up to rounding


def upper_rank(n: int, level: float) -> int:
    """Which of n sorted scores a new one stays below with probability `level` or more; n + 1 where none is enough.

    >>> upper_rank(9, 0.9), upper_rank(99, 0.9), upper_rank(8, 0.9)
    (9, 90, 9)
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a share between 0 and 1, such as 0.9.")
    exact = (n + 1) * level
    return int(np.ceil(exact - CLOSE * exact))


def threshold(scores: np.ndarray, level: float) -> float:
    """The score that a new one stays below with probability `level`; infinite where there are too few.

    >>> threshold(np.array([3.0, 1.0, 2.0]), 0.5), threshold(np.array([3.0, 1.0, 2.0]), 0.9)
    (2.0, inf)
    """
    rank = upper_rank(len(scores), level)
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else np.inf


class GroupThresholds(NamedTuple):
    """The codes of the groups seen, sorted, and the threshold of each."""

    codes: np.ndarray
    thresholds: np.ndarray

    @classmethod
    def learn(cls, scores: np.ndarray, group: np.ndarray, level: float) -> GroupThresholds:
        """One threshold a group.

        >>> GroupThresholds.learn(np.array([1.0, 2.0, 5.0]), np.array([0, 0, 2]), 0.5).of(np.array([2, 1, 0])).tolist()
        [5.0, inf, 2.0]
        """
        order = np.argsort(group, kind="stable")
        codes, starts = np.unique(group[order], return_index=True)
        return cls(codes, np.array([threshold(part, level) for part in np.split(scores[order], starts[1:])]))

    def of(self, group: np.ndarray) -> np.ndarray:
        """(n,) the threshold of every row's group; infinite for a group never seen."""
        place = np.minimum(np.searchsorted(self.codes, group), len(self.codes) - 1)
        return np.where(self.codes[place] == group, self.thresholds[place], np.inf)


def around(prediction: np.ndarray, reach: np.ndarray | float) -> np.ndarray:
    """(n, 2) prediction minus and plus the reach."""
    prediction = np.asarray(prediction, dtype=np.float64)
    return np.column_stack([prediction - reach, prediction + reach])


def shifted_order_statistic(scores: list[np.ndarray], shifts: np.ndarray, rank: int) -> np.ndarray:
    """(n,) the `rank`-th smallest of all `scores[k] + shifts[k, j]`, for every row j; infinite beyond the last.

    `scores` holds sorted arrays, one a fold, `shifts` is (folds, n). The sums are never laid out: values are halved in,
    counting by binary search, so that memory is that of the input. Costs n * folds * log(scores) per halving.

    >>> shifted_order_statistic([np.array([0.0, 1.0]), np.array([0.5])], np.array([[0.0], [10.0]]), 2).tolist()
    [1.0]
    """
    if rank > sum(map(len, scores)):
        return np.full(shifts.shape[1], np.inf)
    if len(scores) >= MANY_FOLDS:
        return _laid_out(scores, shifts, rank)
    low = np.min([part[0] + shift for part, shift in zip(scores, shifts, strict=True)], axis=0)
    high = np.max([part[-1] + shift for part, shift in zip(scores, shifts, strict=True)], axis=0)
    low = low - 1e-9 * np.maximum(1.0, np.abs(low))
    for _ in range(HALVINGS):  # fewer than `rank` sums are at most `low`, at least `rank` are at most `high`
        middle = low + (high - low) / 2
        if ((middle <= low) | (middle >= high)).all():
            break
        count = sum(
            np.searchsorted(part, middle - shift, side="right") for part, shift in zip(scores, shifts, strict=True)
        )
        enough = count >= rank
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _laid_out(scores: list[np.ndarray], shifts: np.ndarray, rank: int) -> np.ndarray:
    fold, flat = np.repeat(np.arange(len(scores)), list(map(len, scores))), np.concatenate(scores)
    out = np.empty(shifts.shape[1])
    step = max(1, BLOCK // len(flat))
    for first in range(0, len(out), step):
        sums = shifts[fold, first : first + step] + flat[:, None]
        out[first : first + step] = np.partition(sums, rank - 1, axis=0)[rank - 1]
    return out
