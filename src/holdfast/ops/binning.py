"""Columns cut into few bins that can be named, and what happens inside the bins."""

from __future__ import annotations

from collections.abc import Collection
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
    few = len(np.unique(x[:1000])) <= bins
    values, sizes = np.unique(x, return_counts=True) if few or not ordered else (np.empty(0), np.empty(0))
    if not ordered:
        return Bins(values[np.argsort(-sizes, kind="stable")][: max(1, bins - 1)], exact=True, ordered=False)
    if few and len(values) <= bins:
        return Bins(values, exact=True, ordered=True)
    edges = np.unique(np.quantile(x, np.arange(bins) / bins, method="higher"))
    edges = np.array([edges[0], *(_shortest(x[x < edge].max(), edge) for edge in edges[1:])])
    return Bins(edges, exact=False, ordered=True)


def cut_columns(X: np.ndarray, bins: int, unordered: Collection[int] = ()) -> tuple[list[Bins], np.ndarray]:
    """The bins of every column and the (n, d) codes."""
    cuts = [cut(X[:, place], bins, place not in unordered) for place in range(X.shape[1])]
    codes = np.empty(X.shape, dtype=np.uint8)
    for place, one in enumerate(cuts):
        codes[:, place] = one.codes(X[:, place])
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


def _shortest(below: float, edge: float) -> float:
    """The number with the fewest digits in (below, edge]."""
    if edge == 0:
        return 0.0
    size = int(np.floor(np.log10(abs(edge))))
    for digits in range(1, 17):
        unit = 10.0 ** (size + 1 - digits)
        rounded = float(f"{np.floor(edge / unit) * unit:.{digits}g}") if unit > 0 else below
        if below < rounded <= edge:
            return rounded
    return float(edge)


def _text(value: float) -> str:
    short = f"{value:.15g}"
    return short if float(short) == value else repr(float(value))
