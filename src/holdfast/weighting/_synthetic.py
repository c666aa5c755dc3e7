"""What the makers of synthetic rows share: how many each class lacks, and rows between a row and its neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from holdfast.ops.neighbours import nearest_neighbours

BLOCK = 1 << 15  # numbers of a block of synthetic rows

Rows = tuple[np.ndarray, np.ndarray]
Plan = Callable[[np.ndarray, int, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def lacking(y: np.ndarray, ratio: float) -> list[tuple[int, int]]:
    """(class, rows to add) of every class below `ratio` times the largest.

    >>> lacking(np.array([0] * 10 + [1] * 2 + [3] * 7), ratio=0.5)
    [(1, 3)]
    """
    if not 0 < ratio <= 1:
        raise ValueError(
            f"ratio is {ratio}; expected above 0 and at most 1, the size of a class of y over the largest."
        )
    classes, sizes = np.unique(y, return_counts=True)
    goal = round(ratio * int(sizes.max()))
    return [(int(c), goal - int(size)) for c, size in zip(classes, sizes, strict=True) if size < goal]


def with_synthetic(X: np.ndarray, y: np.ndarray, ratio: float, seed: int, plan: Plan) -> Rows:
    """The rows given, then the synthetic ones, class by class.

    `plan(own, count, rng)` says which rows of the class (`own`, row numbers) to start from and which to go towards.
    """
    rng = np.random.default_rng(seed)
    plans = [(c, *plan(np.flatnonzero(y == c), count, rng)) for c, count in lacking(y, ratio)]
    total = sum(len(start) for _, start, _ in plans)
    out, labels = np.empty((len(X) + total, X.shape[1]), dtype=X.dtype), np.empty(len(X) + total, dtype=y.dtype)
    out[: len(X)], labels[: len(X)] = X, y
    first = len(X)
    for c, start, towards in plans:
        labels[first : first + len(start)] = c
        own = np.flatnonzero(y == c)
        pool = X[own]  # a small class stays in the cache, its rows in the whole table do not
        place_of = np.empty(len(X), dtype=np.intp)
        place_of[own] = np.arange(len(own))
        start, towards = place_of[start], place_of[towards]
        for part in _blocks(len(start), X.shape[1]):
            place = slice(first + part.start, first + part.stop)
            base = pool.take(start[part], axis=0)
            step = rng.random((len(base), 1)).astype(X.dtype)
            made = pool.take(towards[part], axis=0)
            made -= base
            made *= step
            np.add(made, base, out=out[place])
        first += len(start)
    return out, labels


def near_in_class(X: np.ndarray, own: np.ndarray, starts: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """One of the k nearest rows of the class for every start (places in `own`), drawn; itself in a class of one."""
    if len(own) == 1:
        return own[starts]
    neighbours = nearest_neighbours(X[own], min(k, len(own) - 1)).neighbours
    return own[neighbours[starts, rng.integers(neighbours.shape[1], size=len(starts))]]


def strangers_near(X: np.ndarray, y: np.ndarray, own: np.ndarray, k: int) -> np.ndarray:
    """(len(own),) how many of the k nearest other rows are of another class."""
    found = nearest_neighbours(X, min(k + 1, len(X)), queries=X[own]).neighbours
    others = np.where(found == own[:, None], -1, found)  # a row is among its own neighbours, unless copies are nearer
    others[(others >= 0).all(axis=1), -1] = -1
    return ((others >= 0) & (y[others] != y[own][:, None])).sum(axis=1)


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
