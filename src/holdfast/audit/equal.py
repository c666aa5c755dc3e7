"""Equal rows in a set and across sets, whether the sets are held whole or passed over on disk."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.audit.evidence import equal_rows, expected_coincidences
from holdfast.audit.large.keys import Equal, equal_across, equal_inside
from holdfast.audit.load import DataSet, Task
from holdfast.core import Estimate
from holdfast.leakage import GroupOverlap
from holdfast.ops.resampling import clopper_pearson

LEVEL = 0.9


def copies_inside(data: DataSet, names: list[str], task: Task) -> Equal:
    """Rows that equal an earlier row of the set in the columns named, and how many of them carry another label."""
    label = None if task.kind == "regression" else task.target
    if data.whole is not None:
        return equal_inside(data, names, label)
    first = equal_rows(data.frame.select(names))
    copies = np.flatnonzero(first != np.arange(len(first)))
    conflicts = 0
    if label is not None and len(copies):
        labels = data.frame[label].cast(pl.String)
        conflicts = int((labels[copies] != labels[first[copies]]).sum() or 0)
    return Equal(len(copies), first, conflicts)


def copies_across(train: DataSet, test: DataSet, names: list[str]) -> Equal:
    """Test rows that equal a training row in the columns named."""
    if train.whole is not None or test.whole is not None:
        return equal_across(train, test, names)
    both = pl.concat([train.frame.select(names), test.frame.select(names)], how="vertical_relaxed")
    n = train.frame.height
    first = equal_rows(both)[n:]
    return Equal(int((first < n).sum()), np.where(first < n, first, -1))


def chance_inside(data: DataSet, names: list[str]) -> float:
    """Pairs of equal rows in the set that independent columns would make."""
    held, rows = data.frame.height, data.rows
    return expected_coincidences(data.frame.select(names)) * (rows / held) * ((rows - 1) / max(1, held - 1))


def chance_across(train: DataSet, test: DataSet, names: list[str]) -> float:
    """Pairs of a test row and an equal training row that independent columns would make."""
    both = pl.concat([train.frame.select(names), test.frame.select(names)], how="vertical_relaxed")
    return 2 * expected_coincidences(both) * train.rows * test.rows / max(both.height, 1) ** 2


def shared_groups(train: DataSet, test: DataSet, name: str) -> tuple[Estimate, int, np.ndarray]:
    """The share of test rows whose group stands in training too, how many they are, and which of those held."""
    if train.whole is not None or test.whole is not None:
        return _shared_on_disk(train, test, name)
    both = pl.concat([data.frame[name].cast(pl.String) for data in (train, test)])
    codes = both.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    ref, cur = codes[: train.frame.height], codes[train.frame.height :]
    if not cur.any():
        return Estimate(0.0, 0.0, 0.0, len(cur)), 0, np.zeros(len(cur), bool)
    estimate = GroupOverlap(level=LEVEL).measure(ref_group=ref[ref > 0] if ref.any() else ref, cur_group=cur[cur > 0])
    inside = np.isin(cur, ref[ref > 0])
    return estimate, int(inside.sum()), inside


def _shared_on_disk(train: DataSet, test: DataSet, name: str) -> tuple[Estimate, int, np.ndarray]:
    equal = equal_across(train, test, [name], complete=True)
    inside = equal.first >= 0
    if not equal.known:
        return Estimate(0.0, 0.0, 0.0, test.rows), 0, inside
    share = equal.total / equal.known
    low, high = clopper_pearson(share, equal.known**2 / equal.squares, LEVEL)
    return Estimate(share, low, high, equal.known), equal.total, inside


def known_values(data: DataSet, name: str) -> list[str]:
    """The distinct cells of a column as text, sorted: of all rows, unless there are too many to keep."""
    counted = None if data.whole is None else data.whole.values(name)
    return (
        sorted(counted)
        if counted is not None
        else data.frame[name].cast(pl.String).drop_nulls().unique().sort().to_list()
    )


def unseen_values(train: DataSet, test: DataSet, name: str) -> tuple[float, list[str]]:
    """The share of test rows with a value that training lacks, and those values, the most frequent first."""
    text, counted = test.frame[name].cast(pl.String), None if test.whole is None else test.whole.values(name)
    if (train.whole is not None and train.whole.values(name) is None) or (test.whole is not None and counted is None):
        equal = equal_across(train, test, [name], complete=True)
        strange = text.filter(pl.Series(equal.first < 0)).drop_nulls()
        return (equal.known - equal.total) / test.rows, _by_frequency(strange)
    known = known_values(train, name)
    if counted is not None:
        strange_counts = {value: times for value, times in counted.items() if value not in set(known)}
        values = sorted(strange_counts, key=lambda value: (-strange_counts[value], value))
        return sum(strange_counts.values()) / test.rows, values
    strange = text.drop_nulls().filter(~text.drop_nulls().is_in(known)) if known else text.drop_nulls()
    return len(strange) / max(test.rows, 1), _by_frequency(strange)


def _by_frequency(cells: pl.Series) -> list[str]:
    return cells.alias("cell").value_counts(sort=True)["cell"].to_list() if len(cells) else []
