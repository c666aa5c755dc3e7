"""The search for the conjunction of bins with the highest loss, by joint counts alone.

Rows are read once into a table of counts and sums of the loss for every pair of columns; every rectangle of bins is
then scored by products of small matrices. The best ones have their ends moved to finer bins, and the rows of the best
of them are subtracted from the tables.
"""

from __future__ import annotations

from itertools import combinations
from math import comb, log
from typing import NamedTuple

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.binning import Bins, merged, moments

CHUNK = 10  # pairs of columns scored together: their tables stay in the cache
SHARPENED = 2  # times that every end of a slice is moved to where it fits best
RIVALS = 4  # slices whose ends are moved before the best is named
DEEPENED = 32  # pairs of columns whose best rectangle is tried with a third condition
ROWS = 1 << 16  # rows counted together
FEWER_ROWS = 1 << 12  # rows whose bins are written out as columns of 0 and 1

Condition = tuple[int, int, int]  # column, first bin, last bin


class Candidate(NamedTuple):
    """A conjunction of conditions and how far it stands out: z squared less the price of having looked everywhere."""

    gain: float
    conditions: tuple[Condition, ...]


class Slice(NamedTuple):
    """A confirmed slice: its rule in words, its rows in the whole data, its raised loss, its adjusted p-value."""

    rule: str
    rows: int
    effect: Estimate
    pvalue: float


class Limits(NamedTuple):
    """What a slice must fulfil: share of the rows from `low` to `high`, and a raised loss of `effect` deviations."""

    low: float
    high: float
    effect: float
    least_rows: int


class Tables:
    """Counts and sums of the loss by bin, for single columns and for pairs of `paired` columns."""

    def __init__(self, fine: np.ndarray, loss: np.ndarray, cuts: list[Bins], bins: int, paired: np.ndarray) -> None:
        self.fine, self.loss, self.cuts, self.bins = fine, loss, cuts, bins
        self.merged = [_coarse(fine[:, column], one, bins) for column, one in enumerate(cuts)]
        self.codes = np.column_stack([new[fine[:, c]].astype(np.uint8) for c, new in enumerate(self.merged)])
        self.left = np.ones(len(loss), dtype=bool)
        self.least_spread = 1e-9 * float(loss.std())  # of rows that are left; below it only rounding differs
        self.pairs = list(combinations(paired.tolist(), 2))
        self.ranges = [(first, last) for first in range(bins) for last in range(first, bins)]
        self.member = np.array([[first <= b <= last for b in range(bins)] for first, last in self.ranges], dtype=float)
        sizes = [int(new[-1]) + 1 for new in self.merged]
        self.allowed = np.array(
            [[_allowed(one, size, *ends) for ends in self.ranges] for one, size in zip(cuts, sizes, strict=True)]
        )
        self.single, self.joint = self._counted(self.codes, loss)

    def best(self, degree: int, limits: Limits) -> Candidate | None:
        """The slice of up to `degree` conditions that stands out most among the rows left."""
        found = [self._best_condition(self.single, self.allowed, (), limits)]
        if degree >= 2 and self.pairs:
            by_pair = self._best_pairs(limits)
            found += by_pair[:RIVALS]
            if degree >= 3:
                found += [self._deepened(one, limits) for one in by_pair[:DEEPENED]]
        good = sorted((one for one in found if one is not None), key=lambda one: -one.gain)[:RIVALS]
        return max((self._sharpened(one, limits) for one in good), key=lambda one: one.gain, default=None)

    def remove(self, candidate: Candidate) -> None:
        """Take the rows of a slice out of every table."""
        rows = self.left & inside(self.fine, candidate.conditions)
        single, joint = self._counted(self.codes[rows], self.loss[rows])
        self.single -= single
        self.joint -= joint
        self.left &= ~rows

    def _counted(self, codes: np.ndarray, loss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(2, d, bins) and (2, pairs, bins, bins): counts and sums."""
        size, levels = self.bins, np.unique(loss)
        if len(levels) == 2:  # right or wrong: whole numbers, exact in a product of matrices
            upper = self._met(codes[loss == levels[1]])
            rows = self._met(codes)
            joint = np.stack([rows, levels[0] * (rows - upper) + levels[1] * upper])
            return _single_counts(codes, loss, size), joint
        if len(loss) <= FEWER_ROWS:
            return _single_counts(codes, loss, size), np.stack([self._met(codes), self._met(codes, loss)])
        joint = np.zeros((2, len(self.pairs), size * size))
        for start in range(0, len(loss), ROWS):
            block = np.ascontiguousarray(codes[start : start + ROWS].T).astype(np.intp)
            part, scaled = loss[start : start + ROWS], block * size
            for place, (one, other) in enumerate(self.pairs):
                cells = scaled[one] + block[other]
                joint[0, place] += np.bincount(cells, minlength=size * size)
                joint[1, place] += np.bincount(cells, part, size * size)
        return _single_counts(codes, loss, size), joint.reshape(2, len(self.pairs), size, size)

    def _met(self, codes: np.ndarray, loss: np.ndarray | None = None) -> np.ndarray:
        """(pairs, bins, bins) rows in both bins of every pair of columns, or the sums of their losses."""
        size = self.bins
        if not self.pairs:
            return np.zeros((0, size, size))
        paired = np.unique(self.pairs)
        met = np.zeros((len(paired) * size,) * 2)
        for start in range(0, len(codes), FEWER_ROWS):
            block = codes[start : start + FEWER_ROWS, paired]
            member = np.zeros((len(block), len(met)), dtype=np.float32)
            member[np.arange(len(block))[:, None], block + np.arange(0, len(met), size)] = 1
            met += member.T @ (member if loss is None else member * loss[start : start + FEWER_ROWS, None])
        one, other = np.searchsorted(paired, np.array(self.pairs).T)
        return met.reshape(len(paired), size, len(paired), size).transpose(0, 2, 1, 3)[one, other]

    def _gains(self, counts: np.ndarray, sums: np.ndarray, tried: float, limits: Limits) -> np.ndarray:
        """z squared less twice the logarithm of the number of slices tried; -inf where a limit is broken."""
        loss = self.loss[self.left]
        n, mean, spread = len(loss), float(loss.mean()), float(loss.std())
        counts = np.rint(counts)
        spare = counts * (1 - counts / n)  # rows inside times the share outside
        excess = sums - counts * mean
        fits = (counts >= max(limits.low * n, limits.least_rows)) & (counts <= limits.high * n)
        fits &= excess >= max(limits.effect, 1e-12) * spread * spare  # slice less rest, in deviations
        fits &= spread > self.least_spread
        gains = np.full(counts.shape, -np.inf)
        np.divide(excess, spare * spread**2, out=gains, where=fits)
        np.multiply(gains, excess, out=gains, where=fits)
        return gains - 2 * tried

    def _tried(self, degree: int) -> float:
        return log(max(comb(self.codes.shape[1], degree), 1)) + degree * log(len(self.ranges))

    def _finely_tried(self, columns: list[int]) -> float:
        """The same with ends that move: a second condition must be worth the freedom that it brings."""
        numbers = [self.cuts[column].number for column in columns]
        return log(comb(self.codes.shape[1], len(columns))) + sum(log(comb(number + 1, 2)) for number in numbers)

    def _best_pairs(self, limits: Limits) -> list[Candidate]:
        """The best rectangle of every pair of columns, best pair first."""
        pairs = np.array(self.pairs)
        top, places = np.empty(len(pairs)), np.empty(len(pairs), dtype=int)
        for start in range(0, len(pairs), CHUNK):
            chunk = slice(start, start + CHUNK)
            counts, sums = (self.member @ part[chunk] @ self.member.T for part in self.joint)
            gains = self._gains(counts, sums, self._tried(2), limits)
            first, second = (self.allowed[pairs[chunk, side]] for side in (0, 1))
            gains[~(first[:, :, None] & second[:, None, :])] = -np.inf
            flat = gains.reshape(len(gains), -1)
            places[chunk] = flat.argmax(axis=1)
            top[chunk] = flat.max(axis=1)
        found = []
        for pair in np.argsort(-top, kind="stable")[:DEEPENED]:
            if top[pair] > -np.inf:
                ends = zip(pairs[pair].tolist(), divmod(int(places[pair]), len(self.ranges)), strict=True)
                found.append(Candidate(float(top[pair]), tuple(self._condition(*end) for end in ends)))
        return found

    def _deepened(self, base: Candidate, limits: Limits) -> Candidate | None:
        """The best third condition."""
        rows = self.left & inside(self.codes, base.conditions)
        allowed = self.allowed.copy()
        allowed[[column for column, _, _ in base.conditions]] = False
        table = _single_counts(self.codes[rows], self.loss[rows], self.bins)
        return self._best_condition(table, allowed, base.conditions, limits)

    def _best_condition(
        self, table: np.ndarray, allowed: np.ndarray, held: tuple[Condition, ...], limits: Limits
    ) -> Candidate | None:
        """The best condition to add to those held, from counts and sums by column and bin."""
        counts, sums = (part @ self.member.T for part in table)
        gains = np.where(allowed, self._gains(counts, sums, self._tried(len(held) + 1), limits), -np.inf)
        column, place = divmod(int(gains.argmax()), gains.shape[1])
        gain = float(gains[column, place])
        return Candidate(gain, (*held, self._condition(column, place))) if gain > -np.inf else None

    def _sharpened(self, candidate: Candidate, limits: Limits) -> Candidate:
        """The same columns with their ends moved to the best fine bins, one condition after the other."""
        conditions = []
        for column, first, last in candidate.conditions:
            ends = np.searchsorted(self.merged[column], (first, last + 1)) - (0, 1)
            conditions.append((column, int(ends[0]), int(ends[1])))
        tried = self._finely_tried([column for column, _, _ in conditions])
        gain = candidate.gain + 2 * (self._tried(len(conditions)) - tried)
        for place in [*range(len(conditions))] * SHARPENED:
            column = conditions[place][0]
            if not self.cuts[column].ordered:
                continue
            rows = self.left & inside(self.fine, tuple(conditions[:place] + conditions[place + 1 :]))
            number = self.cuts[column].number
            table = np.cumsum(_single_counts(self.fine[rows, column, None], self.loss[rows], number)[:, 0], axis=1)
            below = np.zeros_like(table)
            below[:, 1:] = table[:, :-1]
            counts, sums = table[:, None, :] - below[:, :, None]  # [first, last]
            gains = self._gains(counts, sums, tried, limits)
            gains[np.tri(number, k=-1, dtype=bool)] = -np.inf
            gains[0, -1] = -np.inf
            first, last = divmod(int(gains.argmax()), number)
            if gains[first, last] > gain:
                gain, conditions[place] = float(gains[first, last]), (column, first, last)
        return Candidate(gain, tuple(conditions))

    def _condition(self, column: int, place: int) -> Condition:
        return (int(column), *self.ranges[place])


def _single_counts(codes: np.ndarray, loss: np.ndarray, size: int) -> np.ndarray:
    """(2, d, bins) counts and sums of the loss by bin of every column."""
    table = np.zeros((2, codes.shape[1], size))
    for column, values in enumerate(codes.T):
        table[0, column] = np.bincount(values, minlength=size)
        table[1, column] = np.bincount(values, loss, size)
    return table


def inside(codes: np.ndarray, conditions: tuple[Condition, ...]) -> np.ndarray:
    """(n,) true where a row fulfils every condition."""
    rows = np.ones(len(codes), dtype=bool)
    for column, first, last in conditions:
        rows &= (codes[:, column] >= first) & (codes[:, column] <= last)
    return rows


def most_telling(codes: np.ndarray, loss: np.ndarray, cuts: list[Bins], bins: int, paired: int) -> np.ndarray:
    """The columns whose bins explain most of the loss alone, in order of the table."""
    if len(cuts) <= paired:
        return np.arange(len(cuts))
    centred = loss - loss.mean()
    explained = np.empty(len(cuts))
    for column, one in enumerate(cuts):
        coarse = _coarse(codes[:, column], one, bins)
        number = int(coarse[-1]) + 1
        within = moments(coarse[codes[:, column]], centred, number)
        explained[column] = (within.sizes * within.means**2).sum() / max(number - 1, 1)
    return np.sort(np.argsort(-explained, kind="stable")[:paired])


def exponential_scores(loss: np.ndarray) -> np.ndarray:
    """Savage's scores -log(1 - rank); equal losses share their middle rank."""
    _, place, sizes = np.unique(loss, return_inverse=True, return_counts=True)
    return -np.log(1 - (np.cumsum(sizes) - sizes / 2) / len(loss))[place]


def _coarse(codes: np.ndarray, one: Bins, bins: int) -> np.ndarray:
    return merged(codes, one.number, bins) if one.ordered else np.arange(one.number)


def _allowed(one: Bins, size: int, first: int, last: int) -> bool:
    """A condition names some but not all bins; of an unordered column a single value, never "all others"."""
    if not one.ordered:
        return first == last < len(one.starts)
    return last < size and last - first + 1 < size
