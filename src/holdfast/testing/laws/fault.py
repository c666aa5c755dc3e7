"""The laws of faults: what is planted is exactly what the truth says, and nothing else is touched."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._tables import CannotPlant, Tables, Truth
from holdfast.testing.laws.running import Law, Worlds

Faults = type[Fault]
SLACK = 0.03  # of the largest amount: planting whole rows rounds


def plant(fault: Fault, tables: Tables, strength: float, seed: int = 0) -> tuple[Tables, Truth]:
    """Plant from a fresh stream."""
    return fault.plant(tables, strength, np.random.default_rng(seed))  # type: ignore[attr-defined]


def grounds(cls: Faults, worlds: Worlds, seed: int = 0) -> Iterator[tuple[str, Tables]]:
    """The worlds in which the fault can be planted at its largest strength, with the tables."""
    for name, make in worlds.items():
        tables = make(0).evidence["tables"]
        try:
            plant(cls(), tables, cls.strengths[-1], seed)
        except CannotPlant:
            continue
        yield name, tables


# --- the laws -------------------------------------------------------------------------------------------------
def plants_or_says_why_not(cls: Faults, worlds: Worlds) -> None:
    """In every world, at every strength, the fault is planted or `CannotPlant` says why; it is planted in one."""
    assert cls.unit, "no unit"
    assert cls.strengths and list(cls.strengths) == sorted(set(cls.strengths)), "strengths do not rise"
    assert cls.strengths[0] > 0, "strength 0 plants nothing and need not be tried"
    assert list(grounds(cls, worlds)), "it can be planted in no world"
    for name, make in worlds.items():
        tables = make(1).evidence["tables"]
        for strength in cls.strengths:
            try:
                _, truth = plant(cls(), tables, strength)
            except CannotPlant as reason:
                assert len(str(reason)) > 20 and str(reason).endswith("."), (
                    f"in {name!r} the reason says little: {reason}"
                )
                continue
            assert truth.note, f"in {name!r} the note is empty"


def strength_zero_is_the_identity(cls: Faults, worlds: Worlds) -> None:
    """Nothing is planted at strength 0: equal tables, no true row, amount 0."""
    for name, tables in grounds(cls, worlds):
        planted, truth = plant(cls(), tables, 0.0)
        for side, frame in _sides(tables):
            assert _equal(frame, getattr(planted, side)), f"in {name!r} the {side} table changes"
        assert dict(planted.kinds) == dict(tables.kinds), f"in {name!r} the kinds change"
        assert truth.amount == 0, f"in {name!r} the amount is {truth.amount}"
        for rows in (truth.train_rows, truth.test_rows):
            assert rows is None or not rows.any(), f"in {name!r} the truth marks rows"
        assert not truth.before, f"in {name!r} the truth says that cells were overwritten"


def tables_left_alone(cls: Faults, worlds: Worlds) -> None:
    """The tables given in hold the same bytes afterwards; the target, the task and old kinds are kept."""
    for name, tables in grounds(cls, worlds):
        before = {side: _bytes(frame) for side, frame in _sides(tables)}
        planted, _ = plant(cls(), tables, cls.strengths[-1])
        for side, frame in _sides(tables):
            assert _bytes(frame) == before[side], f"in {name!r} the {side} table is written to"
        assert (planted.target, planted.task) == (tables.target, tables.task), f"in {name!r} target or task change"
        assert dict(tables.kinds).items() <= dict(planted.kinds).items(), f"in {name!r} the kind of a column changes"


def same_stream_same_bits(cls: Faults, worlds: Worlds) -> None:
    """Two runs from the same state agree to the bit and leave numpy's global generator alone."""
    state = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002 - it is watched, not used
    for name, tables in grounds(cls, worlds, 3):
        first, second = (plant(cls(), tables, cls.strengths[-1], seed=3) for _ in range(2))
        for side, frame in _sides(first[0]):
            assert _equal(frame, getattr(second[0], side)), f"in {name!r} two runs differ in the {side} table"
        assert _same_truth(first[1], second[1]), f"in {name!r} two runs differ in their truth"
    assert (state == np.random.get_state()[1]).all(), "the global generator was used"  # type: ignore[index]  # noqa: NPY002


def truth_is_exact(cls: Faults, worlds: Worlds) -> None:
    """Rows outside the truth equal their origin, true rows differ in the named columns only, nulls stay null."""
    for name, tables in grounds(cls, worlds, 1):
        for strength in (cls.strengths[0], cls.strengths[-1]):
            planted, truth = plant(cls(), tables, strength, seed=1)
            for side, frame in _sides(tables):
                try:
                    _check_side(frame, getattr(planted, side), truth, side, tables.train)
                except AssertionError as wrong:
                    raise AssertionError(f"in {name!r} at {strength:g}, {side} table: {wrong}") from None


def before_restores_the_table(cls: Faults, worlds: Worlds) -> None:
    """Every true row of an overwritten column differs from what stood there, and that brings the column back."""
    for name, tables in grounds(cls, worlds, 2):
        planted, truth = plant(cls(), tables, cls.strengths[-1], seed=2)
        if not truth.before:
            continue
        assert len(truth.columns) == 1, f"in {name!r} `before` is given for {len(truth.columns)} columns"
        assert (truth.train_rows is None) != (truth.test_rows is None), f"in {name!r} `before` is of two tables"
        side = "test" if truth.train_rows is None else "train"
        rows = truth.test_rows if truth.train_rows is None else truth.train_rows
        column = truth.columns[0]
        now = getattr(planted, side).get_column(column).alias("cells")
        old = _origin_of(getattr(tables, side), tables.train, truth, side).get_column(column).alias("cells")
        assert now.dtype == old.dtype, f"in {name!r} {column!r} is {now.dtype} after and {old.dtype} before"
        if now.dtype == pl.Categorical:  # old versions of polars do not compare categories of different tables
            now, old = now.cast(pl.String), old.cast(pl.String)
        assert rows is not None and len(truth.before) == rows.sum(), f"in {name!r} not one value per true row"
        stood = pl.Series("stood", truth.before, dtype=now.dtype)
        assert now.filter(pl.Series(rows)).ne_missing(stood).all(), f"in {name!r} a true row holds what it held before"
        places = np.cumsum(rows) - 1
        restored = stood.gather(np.maximum(places, 0)).zip_with(pl.Series(rows), now)
        assert restored.equals(old, check_dtypes=True, null_equal=True), f"in {name!r} `before` does not restore"


def amount_is_what_is_counted(cls: Faults, worlds: Worlds) -> None:
    """The amount grows with the strength from the same stream; a share of rows is the share of true rows."""
    for name, tables in grounds(cls, worlds, 4):
        amounts = [0.0]
        for strength in cls.strengths:
            try:
                _, truth = plant(cls(), tables, strength, seed=4)
            except CannotPlant:
                continue
            amounts.append(truth.amount)
            for side, rows in (("training", truth.train_rows), ("test", truth.test_rows)):
                if cls.unit.startswith(f"share of the {side} rows"):
                    assert rows is not None, f"in {name!r} no {side} rows are marked"
                    counted = float(rows.mean())
                    assert truth.amount == counted, f"in {name!r} amount {truth.amount}, counted {counted}"
        assert np.isfinite(amounts).all(), f"in {name!r} an amount is not finite: {amounts}"
        falls = -np.diff(amounts).min(initial=0.0)
        assert falls <= SLACK * max(amounts), f"in {name!r} the amount falls as the strength grows: {amounts}"
        assert amounts[-1] > 0, f"in {name!r} nothing is planted: {amounts}"


def every_setting_changes_something(cls: Faults, worlds: Worlds) -> None:
    """Every setting that is not declared `silent` changes what is planted in some world."""
    hints = get_type_hints(cls)
    places = list(grounds(cls, worlds))
    usual = {name: plant(cls(), tables, cls.strengths[-1]) for name, tables in places}
    for setting, default in cls.settings().items():
        if setting in getattr(cls, "silent", ()):
            continue
        tried = False
        for name, tables in places:
            for value in _others(hints[setting], setting, default, tables):
                try:
                    other = plant(cls(**{setting: value}), tables, cls.strengths[-1])
                except ValueError:  # refusing a value is no sign that it is used as said
                    continue
                tried = tried or not _same_plant(usual[name], other)
        assert tried, f"setting {setting!r} changes nothing"


def bad_strengths_are_refused(cls: Faults, worlds: Worlds) -> None:
    """Negative, missing and infinite strengths and text: one `ValueError` that names the argument."""
    _, tables = next(iter(grounds(cls, worlds)))
    for bad in (-0.1, float("nan"), float("inf"), "0.1", True):
        try:
            plant(cls(), tables, bad)  # type: ignore[arg-type]
        except ValueError as problem:
            assert "strength" in str(problem), f"{bad!r}: the message does not name the strength: {problem}"
            continue
        raise AssertionError(f"strength {bad!r} is accepted")


def clones_and_pickles(cls: Faults, worlds: Worlds) -> None:
    """`get_params`, scikit-learn's `clone` and pickle keep the settings and what is planted."""
    from sklearn.base import clone

    fault = cls()
    assert clone(fault).get_params() == fault.get_params(), "clone changes the settings"
    _, tables = next(iter(grounds(cls, worlds)))
    twin = pickle.loads(pickle.dumps(fault))
    same = _same_plant(plant(fault, tables, cls.strengths[-1]), plant(twin, tables, cls.strengths[-1]))
    assert same, "pickling changes what is planted"


# --- looking closely ------------------------------------------------------------------------------------------
def _sides(tables: Tables) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "train", tables.train
    if tables.test is not None:
        yield "test", tables.test


def _check_side(old: pl.DataFrame, new: pl.DataFrame, truth: Truth, side: str, train: pl.DataFrame) -> None:
    added = new.columns[old.width :]
    assert new.columns[: old.width] == old.columns, "columns are lost or in another order"
    assert set(added) <= set(truth.columns), f"columns {added} are added, the truth names {truth.columns}"
    assert new.schema.items() >= old.schema.items(), "a dtype changes"
    base = _origin_of(old, train, truth, side)
    assert base.height == new.height, f"{new.height} rows, origins of {base.height}"
    rows = truth.train_rows if side == "train" else truth.test_rows
    assert rows is None or (rows.dtype == bool and rows.shape == (new.height,)), "the mask of rows has a wrong shape"
    may_change = np.zeros(new.height, dtype=bool) if rows is None else rows
    for column in old.columns:
        was = base.get_column(column).alias("was")  # polars takes some names for patterns
        now = new.get_column(column).alias("now")
        differs = _differs(was, now)
        assert column in truth.columns or not differs.any(), f"column {column!r} changes unsaid"
        assert not (differs & ~may_change).any(), f"column {column!r} changes outside the true rows"
        assert not (was.is_null() & now.is_not_null()).any(), f"nulls of column {column!r} are filled"


def _origin_of(old: pl.DataFrame, train: pl.DataFrame, truth: Truth, side: str) -> pl.DataFrame:
    """The untouched row that every planted row came from."""
    origin = truth.train_origin if side == "train" else truth.test_origin
    if origin is None:
        return old
    if side == "train" or truth.test_from_train is None:
        return old[origin]
    absent = pl.Series([None] * train.height)
    theirs = {
        name: train.get_column(name) if name in train.columns else absent.cast(dtype)
        for name, dtype in old.schema.items()
    }
    both = pl.concat([old, pl.DataFrame(theirs)])
    is_own = truth.test_from_train < 0
    assert ((origin >= 0) == is_own).all(), "a test row has no origin or two"
    return both[np.where(is_own, origin, old.height + truth.test_from_train)]


def _differs(old: pl.Series, new: pl.Series) -> np.ndarray:
    if old.dtype == pl.Array:
        return (old.to_numpy() != new.to_numpy()).reshape(len(old), -1).any(axis=1)
    return old.ne_missing(new).to_numpy()


def _equal(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    return left.schema == right.schema and left.columns == right.columns and left.equals(right, null_equal=True)


def _bytes(frame: pl.DataFrame) -> bytes:
    return frame.write_ipc(None).getvalue()


def _same_truth(left: Truth, right: Truth) -> bool:
    pairs = zip(vars(left).values(), vars(right).values(), strict=True)
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def _same_plant(left: tuple[Tables, Truth], right: tuple[Tables, Truth]) -> bool:
    sides = zip(_sides(left[0]), _sides(right[0]), strict=True)
    return all(_equal(a[1], b[1]) for a, b in sides)


def _others(hint: Any, setting: str, default: Any, tables: Tables) -> list[Any]:
    """Other values of a setting: names come from the tables, numbers lie around the default."""
    if get_origin(hint) is Literal:
        return [value for value in get_args(hint) if value != default]
    if setting == "column":
        return list(tables.kinds)
    if setting == "label" and tables.target:
        return tables.train.get_column(str(tables.target)).alias("labels").drop_nulls().unique().sort().to_list()
    if setting == "name":
        return ["another name"]
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, (int, float)):
        return [default * 2, default / 2, default + 1, default + 0.25]
    return []


LAWS: tuple[Law, ...] = (
    plants_or_says_why_not,
    strength_zero_is_the_identity,
    tables_left_alone,
    same_stream_same_bits,
    truth_is_exact,
    before_restores_the_table,
    amount_is_what_is_counted,
    every_setting_changes_something,
    bad_strengths_are_refused,
    clones_and_pickles,
)  # type: ignore[assignment]
