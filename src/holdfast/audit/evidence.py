"""Shared steps of the checks: the rows concerned, histograms, differences of independent estimates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl

from holdfast.audit.encode import COMPONENTS, as_numbers
from holdfast.audit.load.kinds import column_kind
from holdfast.audit.records import Histogram, Row, Rows
from holdfast.core import Estimate
from holdfast.ops.resampling import wilson
from holdfast.ops.two_sample import Z90

CELL = 300  # characters of a cell that a finding keeps
BINS = 12


def worst_rows(
    name: Literal["train", "test"],
    frame: pl.DataFrame,
    rows: np.ndarray,
    scores: np.ndarray | None,
    columns: Sequence[str],
    most: int,
    notes: Sequence[str] | None = None,
) -> Rows:
    """The rows concerned, worst first, with the cells of some columns as text. `rows` are file row numbers."""
    order = np.arange(len(rows)) if scores is None else np.argsort(-scores, kind="stable")
    order = order[:most]
    picked = frame.select(list(dict.fromkeys(columns)))[rows[order]]
    cells = [{key: cell_text(value) for key, value in row.items()} for row in picked.iter_rows(named=True)]
    shown = tuple(
        Row(int(rows[place]), None if scores is None else float(scores[place]), notes[place] if notes else "", cell)
        for place, cell in zip(order, cells, strict=True)
    )
    return Rows(name, len(rows), shown, tuple(picked.columns))


def cell_text(value: object) -> str:
    """A cell as text: short, empty where missing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def histogram(name: str, kind: str, train: pl.Series, test: pl.Series) -> Histogram:
    """Two distributions of a column over shared bins (deciles of the range) or its most frequent categories."""
    if kind == "category":
        return _categories(name, train, test)
    reference, current = (as_numbers(series) for series in (train, test))
    both = np.concatenate([reference, current])
    both = both[np.isfinite(both)]
    low, high = np.quantile(both, [0.005, 0.995]) if len(both) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    shares = [_shares(np.histogram(np.clip(v[np.isfinite(v)], low, high), edges)[0]) for v in (reference, current)]
    labels = tuple(f"{left:.3g} to {right:.3g}" for left, right in pairwise(edges.tolist()))
    return Histogram(name, labels, shares[0], shares[1])


def _categories(name: str, train: pl.Series, test: pl.Series) -> Histogram:
    texts = [series.cast(pl.String).fill_null("missing") for series in (train, test)]
    counts = [dict(text.alias("cell").value_counts().iter_rows()) for text in texts]
    total = {key: sum(side.get(key, 0) / len(text) for side, text in zip(counts, texts, strict=True))
             for key in {*counts[0], *counts[1]}}  # fmt: skip
    top = sorted(total, key=lambda key: (-total[key], key))[: BINS - 1]
    rest = [sum(value for key, value in side.items() if key not in top) for side in counts]
    labels = [cell_text(key)[:40] for key in top]
    columns = [[side.get(key, 0) for key in top] for side in counts]
    if any(rest):
        labels.append("other")
        columns = [[*column, other] for column, other in zip(columns, rest, strict=True)]
    return Histogram(name, tuple(labels), _shares(np.array(columns[0])), _shares(np.array(columns[1])))


def _shares(counts: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in counts / max(counts.sum(), 1))


def difference(left: Estimate, right: Estimate) -> Estimate:
    """left - right of two independent estimates, by Newcombe's square-and-add of their intervals."""
    value = left.value - right.value
    below = np.hypot(left.value - left.low, right.high - right.value)
    above = np.hypot(left.high - left.value, right.value - right.low)
    return Estimate(value, float(value - below), float(value + above), min(left.n, right.n))


def proportion(hits: int, n: int) -> Estimate:
    """A share with Wilson's 90 % interval."""
    share = hits / n
    return Estimate(share, *wilson(share, 0.0, n, Z90), n)


def equal_rows(frame: pl.DataFrame) -> np.ndarray:
    """(n,) for every row the number of the first row equal to it in all columns (missing equals missing)."""
    numbered = frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("__row"))
    return numbered.select(pl.col("__row").min().over(frame.columns))["__row"].to_numpy()


def expected_coincidences(frame: pl.DataFrame) -> float:
    """Pairs of equal rows that independent columns with these values would make by chance.

    Two equal texts, images or vectors are a copy, not a coincidence.
    """
    if any(column_kind(column) in COMPONENTS for column in frame.iter_columns()):
        return 0.0
    n = frame.height
    log_chance = 0.0
    for column in frame.iter_columns():
        shares = column.alias("cell").value_counts()["count"].to_numpy() / n
        log_chance += float(np.log((shares**2).sum()))
    return float(n * (n - 1) / 2 * np.exp(log_chance))


def without_gaps(*matrices: np.ndarray) -> list[np.ndarray]:
    """Copies with missing values as a number of their own, below all others: methods that cut into bins see a bin."""
    low = np.min([np.nanmin(np.vstack([m, np.zeros(m.shape[1])]), axis=0) for m in matrices], axis=0)
    high = np.max([np.nanmax(np.vstack([m, np.zeros(m.shape[1])]), axis=0) for m in matrices], axis=0)
    return [np.where(np.isnan(matrix), low - 1 - (high - low), matrix) for matrix in matrices]
