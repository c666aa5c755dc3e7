"""Faults planted in copies of what was read: the one mechanism behind the power of all-clears and behind drills.

`planted_facts` takes the facts of untouched tables to those of planted ones and computes again only what the fault
touches; `trial` asks a check about them and compares what it names with the exact truth. The fault is drawn from a
random stream that no check reads.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.check import Check
from holdfast.audit.load import DataSet, Loaded
from holdfast.audit.load.loading import _columns as column_records
from holdfast.audit.load.reconcile import reconcile
from holdfast.audit.probes import Probes
from holdfast.audit.records import ColumnRecord, Finding
from holdfast.audit.settings import Settings
from holdfast.core import Fault
from holdfast.faults._pixels import PictureFault
from holdfast.faults._tables import Tables, Truth

NAMED = 5_000  # rows named by one finding that are compared with the truth
KEPT = 20  # rows confused that one trial keeps


@dataclass(frozen=True, eq=False)
class Base:
    """Untouched facts to plant in, and for every row of both sets its number in the file, None where all are there."""

    facts: Probes
    train_rows: np.ndarray | None = None
    test_rows: np.ndarray | None = None

    @property
    def rows(self) -> dict[str, int]:
        """How many rows of each set there are to plant in."""
        loaded = self.facts["loaded"]
        return {data.name: data.frame.height for data in (loaded.train, loaded.test) if data is not None}

    def in_file(self, name: str, rows: np.ndarray) -> np.ndarray:
        """File row numbers of rows of the set `name`."""
        known = self.train_rows if name == "train" else self.test_rows
        return rows if known is None else known[rows]


@dataclass(frozen=True)
class Trial:
    """What one check said about one planted copy.

    `amount` is what was in fact planted. Where the finding names rows of the set in which the fault has rows, `hits`
    of the `named` rows are among the `true` ones; `missed` and `wrong` are file row numbers of some that were not
    named and of some that should not have been. Without such rows these are None and empty.
    """

    outcome: str
    found: bool
    amount: float
    set: str = ""
    hits: int | None = None
    named: int | None = None
    true: int | None = None
    missed: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()
    reason: str = ""


# --- from what was read to tables, and back ----------------------------------------------------------------------
def tables_of(loaded: Loaded) -> Tables:
    """What faults are planted in: the feature columns that both sets have."""
    test = None if loaded.test is None else loaded.test.frame
    shared = set(loaded.train.frame.columns) & set(loaded.train.frame.columns if test is None else test.columns)
    kinds = {
        c.name: c.kind
        for c in loaded.columns
        if c.role in ("feature", "text", "image") and c.kind != "empty" and c.name in shared
    }
    return Tables(loaded.train.frame, test, loaded.task.target, loaded.task.kind, kinds)


def loaded_with(loaded: Loaded, train: pl.DataFrame, test: pl.DataFrame | None) -> Loaded:
    """The same with other tables. Columns keep the role and kind that they had; new ones get theirs as when read."""
    if test is not None and any(test.schema[name] != kind for name, kind in train.schema.items() if name in test):
        train, test, _ = reconcile(train, test, loaded.task.target)
    sets = replace(loaded.train, frame=train, whole=None), _test_set(loaded, test)
    return Loaded(*sets, _records(loaded, *sets), loaded.task)


def _test_set(loaded: Loaded, frame: pl.DataFrame | None) -> DataSet | None:
    if frame is None:
        return None
    return replace(loaded.train if loaded.test is None else loaded.test, name="test", frame=frame, whole=None)


def _records(loaded: Loaded, train: DataSet, test: DataSet | None) -> tuple[ColumnRecord, ...]:
    known = {column.name: column for column in loaded.columns}
    roles = {name: column.role for name, column in known.items() if name != loaded.task.target}
    fresh = column_records(train, test, loaded.task.target, None, roles)
    return tuple(
        replace(record, kind=known[record.name].kind, given=known[record.name].given)
        if record.name in known and _same_type(record.name, loaded, train)
        else record
        for record in fresh
    )


def _same_type(name: str, loaded: Loaded, train: DataSet) -> bool:
    return train.frame.schema.get(name) == loaded.train.frame.schema.get(name)


# --- planting ----------------------------------------------------------------------------------------------------
def planted_facts(
    base: Base, fault: Fault, strength: float, rng: np.random.Generator, tables: Tables | None = None
) -> tuple[Probes, Truth]:
    """The facts of a copy with the fault, and the exact truth. Raises `CannotPlant` where it has no place.

    Changed pictures are files in a temporary folder, which goes when the facts do.
    """
    loaded = base.facts["loaded"]
    tables = tables or tables_of(loaded)
    settings = replace(base.facts["settings"], rows_shown=NAMED)
    folder = tempfile.mkdtemp(prefix="holdfast-") if isinstance(fault, PictureFault) else ""
    try:
        planted, truth = fault.plant(replace(tables, pictures=folder), strength, rng)  # type: ignore[attr-defined]
        facts = base.facts.with_tables(loaded_with(loaded, planted.train, planted.test), settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if folder:
        weakref.finalize(facts, shutil.rmtree, folder, ignore_errors=True)
    return facts, truth


def trial(check: type[Check], planted: Probes, truth: Truth, base: Base, by_rows: bool = False) -> Trial:
    """One check on one planted copy.

    `by_rows` is for checks that find something in the untouched tables already, so that an alarm alone tells nothing:
    then a fault counts as found where at least half of its rows are named.
    """
    from holdfast.audit.run import run_check

    finding = run_check(check(), planted)
    scored = _scored(finding, truth, base)
    found = finding.outcome == "found"
    if by_rows:
        found = found and 2 * scored.get("hits", 0) >= scored.get("true", 1)
    return Trial(finding.outcome, found, truth.amount, reason=finding.reason, **scored)


def _scored(finding: Finding, truth: Truth, base: Base) -> dict[str, Any]:
    """The rows named against the rows planted. Copies of one row are one row: either may be the one that is named."""
    named = finding.rows
    if named is None or named.total > len(named.shown):
        return {}
    rows = truth.train_rows if named.set == "train" else truth.test_rows
    origin = truth.train_origin if named.set == "train" else truth.test_origin
    if rows is None:
        return {}
    places = np.arange(len(rows))
    origin = places if origin is None else np.where(origin < 0, -2 - places, origin)  # from elsewhere: a row of its own
    true = np.unique(origin[rows])
    said = np.unique(origin[[row.row for row in named.shown]]) if named.shown else np.zeros(0, np.int64)
    missed, wrong = np.setdiff1d(true, said), np.setdiff1d(said, true)
    return {
        "set": named.set, "hits": len(said) - len(wrong), "named": len(said), "true": len(true),
        "missed": _numbers(base, named.set, missed), "wrong": _numbers(base, named.set, wrong),
    }  # fmt: skip


def _numbers(base: Base, name: str, rows: np.ndarray) -> tuple[int, ...]:
    """File row numbers of some of the rows; a row that stands in no file has none."""
    known = base.in_file(name, rows[rows >= 0])
    return tuple(known[known >= 0][:KEPT].tolist())


# --- what to plant in --------------------------------------------------------------------------------------------
def sampled(facts: Probes, most: int, seed: int) -> Base:
    """The facts themselves where both sets have at most `most` rows, else facts of random rows, in file order."""
    loaded = facts["loaded"]
    sets = [data for data in (loaded.train, loaded.test) if data is not None]
    if all(data.frame.height <= most for data in sets):
        return Base(facts)
    rows = {}
    for stream, data in enumerate(sets):
        rng = np.random.default_rng([seed, 97, stream])
        size = min(most, data.frame.height)
        rows[data.name] = np.sort(rng.choice(data.frame.height, size, replace=False))
    test = None if loaded.test is None else loaded.test.frame[rows["test"]]
    part = loaded_with(loaded, loaded.train.frame[rows["train"]], test)
    return Base(fresh_facts(part, facts["settings"], facts["given_model"]), rows["train"], rows.get("test"))


def fresh_facts(loaded: Loaded, settings: Settings, given_model: Any = None) -> Probes:
    """Facts of tables of which nothing is known yet."""
    return Probes(loaded=loaded, settings=settings, given_model=given_model, given_proba=None)
