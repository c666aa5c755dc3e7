"""Edited nearest neighbours."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Selector

GROWTH = 4  # each look among the own class goes on to this many times the rows of the last
SHARE = 0.02  # of the own class is seen first
EXACT = 4_000  # rows up to which distances are in double precision
BLOCK = 1 << 21  # distances held at a time


class EditedNearestNeighbours(Selector):
    r"""Leave out rows that their nearest neighbours contradict.

    .. math:: i \text{ goes} \iff \#\{ j \in \mathrm{NN}_k(i) : y_j \ne y_i \} \ge r, \qquad
              r = \lfloor k / 2 \rfloor + 1 \text{ ("most")} \;\text{ or }\; 1 \text{ ("any")}

    k is `neighbours`, `rule` says how many strangers it takes. With `keep_smallest` rows of the smallest class stay.
    What comes out are the numbers of the rows kept, in order, at most `budget` of them. A row goes if its r-th nearest
    stranger is nearer than its (k - r + 1)-th nearest fellow; fellows are looked for in growing samples of the class
    until that is settled, so that rows far from strangers cost little. Costs at most n^2 d, far less where classes are
    unequal or apart; memory is linear. Above 4,000 rows distances are in single precision.

    Use it when labels are wrong here and there, or classes blur and a model is to see a clean border. It fails where
    the rare class is thin: without `keep_smallest` it goes first; and where wrong labels stand together.

    Row 2 stands among rows of the other class:

    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [40.0], [41.0], [42.0], [43.0]], [0, 0, 1, 0, 0, 1, 1, 1, 1]
    >>> EditedNearestNeighbours(neighbours=2, rule="most", keep_smallest=False).select_rows(X=X, y=y).tolist()
    [0, 1, 3, 4, 5, 6, 7, 8]
    >>> EditedNearestNeighbours(neighbours=2, rule="any").select_rows(X=X, y=y).tolist()  # 1 and 3 touch it
    [0, 1, 3, 4, 5, 6, 7, 8]
    """

    source = "wilson1972asymptotic"
    claims = ("wrong_side",)

    neighbours: int = 3
    rule: Literal["most", "any"] = "most"
    keep_smallest: bool = True

    def select_rows(self, X: np.ndarray, y: np.ndarray, budget: int | None = None) -> np.ndarray:
        """The rows kept, in order."""
        rows = _comparable(X)
        classes, sizes = np.unique(y, return_counts=True)
        kept = np.ones(len(y), dtype=bool)
        k = min(self.neighbours, len(y) - 1)
        needed = k // 2 + 1 if self.rule == "most" else 1
        smallest = classes[sizes.argmin()] if self.keep_smallest and len(classes) > 1 else -1
        for own in classes:
            if own == smallest or len(classes) == 1:
                continue
            fellows, strangers = np.flatnonzero(y == own), np.flatnonzero(y != own)
            if len(strangers) >= needed:
                radius = _radius(rows[fellows], rows[strangers], needed)
                kept[fellows] = _has_nearer_fellows(rows[fellows], k - needed + 1, radius)
        return np.flatnonzero(kept)[:budget]


def _comparable(X: np.ndarray) -> np.ndarray:
    """Centred, so that little cancels; single precision where there are many rows."""
    rows = np.asarray(X, dtype=np.float64) - X.mean(axis=0, dtype=np.float64)
    rows /= max(float(np.abs(rows).max()), np.finfo(float).tiny)
    return rows.astype(np.float32) if len(X) > EXACT else rows


def _radius(rows: np.ndarray, strangers: np.ndarray, count: int) -> np.ndarray:
    """(n,) squared distance to the `count`-th nearest stranger."""
    out = np.empty(len(rows), dtype=rows.dtype)
    step = max(1, BLOCK // len(strangers))
    for first in range(0, len(rows), step):
        squared = _squared(rows[first : first + step], strangers)
        nearest = squared.min(axis=1) if count == 1 else np.partition(squared, count - 1, axis=1)[:, count - 1]
        out[first : first + step] = nearest
    return out


def _has_nearer_fellows(rows: np.ndarray, count: int, radius: np.ndarray) -> np.ndarray:
    """(n,) whether `count` other rows lie within the radius; looks at more and more rows until that is settled."""
    order = np.random.default_rng(0).permutation(len(rows))
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    within, left, seen = np.zeros(len(rows), dtype=np.int64), np.arange(len(rows)), 0
    while seen < len(rows) and len(left):
        until = min(max(GROWTH * seen, int(SHARE * len(rows)), 64), len(rows))
        sample = rows[order[seen:until]]
        step = max(1, BLOCK // len(sample))
        for first in range(0, len(left), step):
            part = left[first : first + step]
            within[part] += (_squared(rows[part], sample) <= radius[part, None]).sum(axis=1)
        own = left[(place[left] >= seen) & (place[left] < until)]
        within[own] -= 1  # a row is always within its own radius
        left, seen = left[within[left] < count], until
    return within >= count


def _squared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    squared = left @ (-2 * right.T)
    squared += np.einsum("ij,ij->i", left, left)[:, None]
    squared += np.einsum("ij,ij->i", right, right)
    return np.maximum(squared, 0, out=squared)
