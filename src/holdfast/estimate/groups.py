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
    """Rows of the production file where a column has a value or lies in a range."""

    column: str
    label: str
    rows: np.ndarray


def make_groups(facts: Probes, by: tuple[str, ...]) -> list[Group]:
    """The groups of the named columns and of those whose role is group; `InputError` for a column that is not there."""
    loaded = facts["loaded"]
    train, production = loaded.train.frame, loaded.test.frame
    absent = [name for name in by if name not in production.columns]
    if absent:
        raise InputError(f"by: production has no column {absent[0]!r}. It has: {', '.join(production.columns[:20])}.")
    roles = [column.name for column in loaded.columns if column.role == "group" and column.name in production.columns]
    groups = []
    for name in dict.fromkeys([*by, *roles]):
        known = train[name] if name in train.columns else None
        groups += _of_column(name, production[name], known)
    return groups


def _of_column(name: str, cells: pl.Series, train: pl.Series | None) -> list[Group]:
    if train is not None and cells.dtype.is_numeric() and cells.n_unique() > FEW:
        return _quarters(name, as_numbers(cells), as_numbers(train))
    texts = cells.cast(pl.String).fill_null("missing")
    counts = texts.value_counts().sort(["count", texts.name], descending=[True, False])
    values = counts[texts.name].to_list()[:MOST]
    return [Group(name, f"{name} {value}", np.flatnonzero((texts == value).to_numpy())) for value in values]


def _quarters(name: str, values: np.ndarray, train: np.ndarray) -> list[Group]:
    """By the quartiles of the training values, so that a group that grew shows."""
    edges = np.unique(np.nanquantile(train, [0.25, 0.5, 0.75]))
    place = np.searchsorted(edges, values, side="left")
    names = [f"{name} up to {edges[0]:.4g}"]
    names += [f"{name} {low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    names.append(f"{name} over {edges[-1]:.4g}")
    known = np.isfinite(values)
    groups = [Group(name, label, np.flatnonzero(known & (place == i))) for i, label in enumerate(names)]
    missing = np.flatnonzero(~known)
    return [*groups, *([Group(name, f"{name} missing", missing)] if len(missing) else [])]
