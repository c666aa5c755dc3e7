"""Balls around rows that reach to their k-th neighbour of the same sample, and which rows of the other lie inside.

Both samples are searched as one: the balls of either, also after rows were dealt anew, follow from one list of
neighbours a row and from which sample each neighbour belongs to.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.neighbours import nearest_neighbours

LONGER = 4  # lists are so many times as long as a ball needs where both samples are alike
ENOUGH = 10  # deals that differ as much, after which the p-value is settled
BLOCK = 1 << 22  # distances held at once
PARTS, T_QUANTILE = 20, 1.729  # of the jackknife; Student's 95 % point with a degree of freedom less

Value = Callable[[np.ndarray, "np.ndarray | None"], float]


class Manifold:
    """The neighbours of every row among the rows of both samples."""

    def __init__(self, ref_X: np.ndarray, cur_X: np.ndarray, k: int, seed: int) -> None:
        if not 1 <= k < min(len(ref_X), len(cur_X)):
            raise ValueError(f"k is {k}; expected at least 1 and less than the rows of ref_X and of cur_X.")
        self.X = np.concatenate([ref_X, cur_X]).astype(np.float64)
        self.is_ref, self.k = np.arange(len(self.X)) < len(ref_X), k
        most = int(np.ceil(LONGER * k * len(self.X) / min(len(ref_X), len(cur_X))))
        self.neighbours = nearest_neighbours(self.X, min(len(self.X) - 1, most), seed=seed).neighbours

    def counts(self, own: np.ndarray, present: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """How many rows of the other sample every ball of `own` holds, and in how many balls each of these lies.

        As if only the rows that are `present` had been drawn.
        """
        present = np.ones(len(own), dtype=bool) if present is None else present
        other, own = ~own & present, own & present
        centres = np.flatnonzero(own)
        nearer = own[self.neighbours[centres]].cumsum(axis=1)
        found = other[self.neighbours[centres]] & (nearer < self.k)
        whole = nearer[:, -1] >= self.k  # the list reaches to the end of the ball
        held = np.bincount(self.neighbours[centres[whole]][found[whole]], minlength=len(self.X))
        size = found.sum(axis=1)
        step = max(1, BLOCK // self.X.size)
        for start in range(0, len(short := np.flatnonzero(~whole)), step):
            rows = short[start : start + step]
            distance = np.linalg.norm(self.X[centres[rows], None] - self.X[None], axis=2)
            last = min(self.k, int(own.sum()) - 1)  # itself is the nearest; of few rows some may be left out
            radius = np.partition(distance[:, own], last, axis=1)[:, last, None]
            inside = (distance <= radius) & other
            held += inside.sum(axis=0)
            size[rows] = inside.sum(axis=1)
        return size, held[other]

    def error(self, value: Value) -> float:
        """The standard error of a value, by the jackknife: a twentieth of both samples is left out in turn.

        A mean over rows has less: balls that share rows rise and fall together.
        """
        rng = np.random.default_rng(0)
        part = np.concatenate([rng.permutation(size) % PARTS for size in (self.is_ref.sum(), (~self.is_ref).sum())])
        without = np.array([value(self.is_ref, part != one) for one in range(PARTS)])
        return float(np.sqrt((PARTS - 1) / PARTS * ((without - without.mean()) ** 2).sum()))

    def estimate(self, value: Value, most: float, permutations: int, seed: int) -> Estimate:
        """A value with its 90 % interval, and the p-value of as low a one by chance."""
        found = value(self.is_ref, None)
        reach = T_QUANTILE * self.error(value)
        pvalue = self.pvalue(value, found, permutations, seed)
        return Estimate(found, max(found - reach, 0.0), min(found + reach, most), len(self.X), pvalue)

    def in_radii(self) -> np.ndarray:
        """How far every row of the second sample lies from the first, in radii of the nearest of the narrower balls."""
        own, asked = self.X[self.is_ref], self.X[~self.is_ref]
        last = nearest_neighbours(own, self.k).neighbours[:, -1]
        radius = np.linalg.norm(own - own[last], axis=1)
        narrow = (radius > 0) & (radius <= np.median(radius))
        if not narrow.any():  # copies: every other row is infinitely far in units of their spacing
            return np.full(len(asked), np.inf)
        own, radius = own[narrow], radius[narrow]
        nearest = np.empty(len(asked))
        step = max(1, BLOCK // (len(own) * self.X.shape[1]))
        for start in range(0, len(asked), step):
            distance = np.linalg.norm(asked[start : start + step, None] - own[None], axis=2)
            nearest[start : start + step] = (distance / radius).min(axis=1)
        return nearest

    def pvalue(self, value: Value, observed: float, permutations: int, seed: int) -> float:
        """How often rows dealt anew to both samples give a value as low; settled once ten deals did."""
        rng = np.random.default_rng(seed)
        reached = done = 0
        while done < permutations and reached < ENOUGH:
            done += 1
            reached += value(rng.permutation(self.is_ref), None) <= observed + 1e-12
        return reached / done if reached == ENOUGH else (1 + reached) / (1 + done)
