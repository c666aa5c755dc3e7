"""Production rows by the values of a column: its most frequent values, or quarters of a numeric one."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.encode import as_numbers
from holdfast.audit.load import InputError
from holdfast.audit.probes import Probes

MOST = 20  # values of a column, the most frequent first
FEW = 12  # distinct numbers that are taken as values of their own


class Group(NamedTuple):
    """Rows of the production file where a column has a value or lies in a range; `size` of all, if more than held."""

    column: str
    label: str
    rows: np.ndarray
    size: int | None = None


def make_groups(facts: Probes, by: tuple[str, ...]) -> list[Group]:
    """The groups of the named columns and of those whose role is group; `InputError` for a column that is not there."""
    train, production = facts["loaded"].train.frame, facts["loaded"].test.frame
    groups = []
    for name in grouped_by(facts, by):
        known = train[name] if name in train.columns else None
        groups += _of_column(name, production[name], known)
    return groups


def grouped_by(facts: Probes, by: tuple[str, ...]) -> list[str]:
    """The named columns, which must be there, and those whose role is group."""
    loaded = facts["loaded"]
    production = loaded.test.frame
    absent = [name for name in by if name not in production.columns]
    if absent:
        raise InputError(f"by: production has no column {absent[0]!r}. It has: {', '.join(production.columns[:20])}.")
    roles = [column.name for column in loaded.columns if column.role == "group" and column.name in production.columns]
    return list(dict.fromkeys([*by, *roles]))


def _of_column(name: str, cells: pl.Series, train: pl.Series | None) -> list[Group]:
    edges, labels = quarters(name, cells, train)
    if labels:
        values = as_numbers(cells)
        place = np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), len(edges) + 1)
        groups = [Group(name, label, np.flatnonzero(place == i)) for i, label in enumerate(labels)]
        return groups if len(groups[-1].rows) else groups[:-1]
    texts = cells.cast(pl.String).fill_null("missing")
    return [Group(name, f"{name} {v}", np.flatnonzero((texts == v).to_numpy())) for v in values_of(cells, None)]


def values_of(cells: pl.Series, counted: dict[str, int] | None) -> list[str]:
    """The most frequent values as text, missing being one; `counted` in all rows where only some are held."""
    if counted is None:
        counted = dict(cells.cast(pl.String).fill_null("missing").alias("cell").value_counts().iter_rows())
    return sorted(counted, key=lambda value: (-counted[value], value))[:MOST]


def quarters(name: str, cells: pl.Series, train: pl.Series | None) -> tuple[np.ndarray, list[str]]:
    """The quartiles of the training values, so that a group that grew shows, and what the groups are called.

    The last is that of missing values. Nothing where the column is no number, or has few values.
    """
    if train is None or not cells.dtype.is_numeric() or cells.n_unique() <= FEW:
        return np.zeros(0), []
    edges = np.unique(np.nanquantile(as_numbers(train), [0.25, 0.5, 0.75]))
    names = [f"{name} up to {edges[0]:.4g}"]
    names += [f"{name} {low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return edges, [*names, f"{name} over {edges[-1]:.4g}", f"{name} missing"]
