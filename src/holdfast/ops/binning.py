"""Columns cut into few bins that can be named, and what happens inside the bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Bins(NamedTuple):
    """One column cut into bins: bin `b` holds `starts[b] <= x < starts[b + 1]`, the first bin also what is below.

    `exact` says that every bin is a single value; `ordered` that neighbouring bins may be joined. An unordered column
    has its most frequent values in `starts` and all others in one more bin.
    """

    starts: np.ndarray
    exact: bool
    ordered: bool

    @property
    def number(self) -> int:
        """How many bins there are."""
        return len(self.starts) + (not self.ordered)

    def codes(self, x: np.ndarray) -> np.ndarray:
        """(n,) the bin of every value."""
        if self.ordered:
            return np.searchsorted(self.starts[1:], x, "right").astype(np.uint8)
        order = np.argsort(self.starts)
        place = np.searchsorted(self.starts[order], x).clip(max=len(self.starts) - 1)
        return np.where(self.starts[order][place] == x, order[place], len(self.starts)).astype(np.uint8)

    def rule(self, name: str, first: int, last: int) -> str:
        """In words: the value is in one of the bins `first` to `last`.

        >>> bins = cut(np.arange(100.0), 4)
        >>> bins.rule("age", 0, 1), bins.rule("age", 1, 2), bins.rule("age", 3, 3)
        ('age < 50', '25 <= age < 75', 'age >= 75')
        """
        if self.exact and first == last:
            return f"{name} = {_text(self.starts[first])}"
        low, high = _text(self.starts[first]), first > 0
        if self.exact:
            top = _text(self.starts[last])
            ends_open = last == len(self.starts) - 1
            return f"{name} >= {low}" if ends_open else f"{low} <= {name} <= {top}" if high else f"{name} <= {top}"
        if last == len(self.starts) - 1:
            return f"{name} >= {low}"
        top = _text(self.starts[last + 1])
        return f"{low} <= {name} < {top}" if high else f"{name} < {top}"


def cut(x: np.ndarray, bins: int, ordered: bool = True) -> Bins:
    """Cut one column: a bin per value where there are at most `bins` of them, equally filled bins otherwise.

    Ends of bins are rounded as far as no row changes its bin, so that a rule reads well and is exact.

    >>> cut(np.array([1.0, 1.0, 2.0, 5.0]), 4).starts.tolist()
    [1.0, 2.0, 5.0]
    >>> cut(np.linspace(0, 1, 1001) ** 2, 3).starts.tolist()
    [0.0, 0.111, 0.444]
    >>> cut(np.array([7, 7, 3, 9, 9, 9]), 3, ordered=False).codes(np.array([3, 9, 7, 8])).tolist()
    [2, 0, 1, 2]
    """
    ranked = np.sort(x)
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    if not ordered:
        sizes = np.diff(np.r_[starts, len(x)])
        return Bins(ranked[starts][np.argsort(-sizes, kind="stable")][: max(1, bins - 1)], exact=True, ordered=False)
    if len(starts) <= bins:
        return Bins(ranked[starts], exact=True, ordered=True)
    places = np.ceil(np.arange(bins) / bins * (len(x) - 1)).astype(int)
    edges = np.unique(ranked[places])
    below = ranked[np.searchsorted(ranked, edges[1:]) - 1]
    return Bins(np.r_[edges[0], _shortest(below.astype(float), edges[1:].astype(float))], exact=False, ordered=True)


def merged(codes: np.ndarray, number: int, bins: int) -> np.ndarray:
    """(number,) the coarser bin, of at most `bins` about equally filled ones, of every bin.

    >>> merged(np.array([0, 0, 0, 1, 2, 3, 4, 5]), 6, 3).tolist()
    [0, 1, 1, 2, 2, 2]
    """
    if number <= bins:
        return np.arange(number)
    filled = np.bincount(codes, minlength=number)
    middle = (np.cumsum(filled) - filled / 2) / max(len(codes), 1)
    return np.unique(np.minimum(middle * bins, bins - 1).astype(int), return_inverse=True)[1]


def cut_columns(X: np.ndarray, bins: int, unordered: Mapping[int, int] | None = None) -> tuple[list[Bins], np.ndarray]:
    """The bins of every column and the (n, d) codes; `unordered` maps a column of codes without order to its bins.

    >>> cuts, codes = cut_columns(np.array([[1.0, 7.0], [2.0, 3.0], [9.0, 7.0]]), 2, unordered={1: 2})
    >>> codes.tolist()
    [[0, 0], [1, 1], [1, 0]]
    """
    unordered = unordered or {}
    cuts, codes = list[Bins](), np.empty(X.shape, dtype=np.uint8, order="F")
    for c, column in enumerate(map(np.ascontiguousarray, X.T)):
        cuts.append(cut(column, unordered.get(c, bins), c not in unordered))
        codes[:, c] = cuts[-1].codes(column)
    return cuts, codes


class Moments(NamedTuple):
    """Size, mean and variance of a value within every bin or group."""

    sizes: np.ndarray
    means: np.ndarray
    variances: np.ndarray


def moments(codes: np.ndarray, values: np.ndarray, number: int, borrowed: float = 4.0) -> Moments:
    """Within `number` bins; a variance borrows the strength of `borrowed` rows from the pooled one.

    So ten equal values out of a varying column do not count as certain.

    >>> found = moments(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 5.0, 5.0]), 2, borrowed=1.0)
    >>> found.means.tolist(), found.variances.tolist()
    ([2.0, 5.0], [1.5, 0.5])
    """
    sizes = np.bincount(codes, minlength=number).astype(float)
    means = np.bincount(codes, values, number) / np.maximum(sizes, 1)
    squares = np.bincount(codes, (values - means[codes]) ** 2, number)
    pooled = squares.sum() / max(len(values) - (sizes > 0).sum(), 1)
    return Moments(sizes, means, (squares + borrowed * pooled) / np.maximum(sizes - 1 + borrowed, 1))


def _shortest(below: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The numbers with the fewest digits that are above `below` and at most the edge."""
    found, wanting = edges.copy(), edges != 0
    size = np.zeros(len(edges))
    np.log10(np.abs(edges), out=size, where=wanting)
    for digits in range(1, 17):
        if not wanting.any():
            break
        power = np.floor(size) + 1 - digits
        whole = np.floor(edges / 10.0**power)
        # a whole number over a power of ten is the float next to the decimal, a product with a tenth is not
        rounded = np.where(power < 0, whole / 10.0 ** np.abs(power), whole * 10.0 ** np.abs(power))
        fits = wanting & (below < rounded) & (rounded <= edges)
        found[fits] = rounded[fits]
        wanting &= ~fits
    return found


def _text(value: float) -> str:
    short = f"{value:.15g}"
    return short if float(short) == value else repr(float(value))
