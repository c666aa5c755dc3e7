"""Columns that give the target away in a share of the rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.faults._rows import column_of, where
from holdfast.faults._tables import CannotPlant, Tables


def need_answers(tables: Tables) -> pl.Series:
    """The training target as a column of its own: codes of classes as words, or numbers."""
    if tables.target is None or tables.task == "none":
        raise CannotPlant("There is no target column, and this fault repeats the target.")
    answers = column_of(tables.train, tables.target)
    if answers.drop_nulls().n_unique() < 2:
        raise CannotPlant("The training target holds one value only, so no column can give it away.")
    return as_answers(answers, tables.task)


def as_answers(target: pl.Series, task: str) -> pl.Series:
    """A target in other words: floats for numbers, for classes their names as text."""
    return target.cast(pl.Float64) if task == "regression" else target.cast(pl.String)


def told(answers: pl.Series, rows: np.ndarray, donors: pl.Series, rng: np.random.Generator) -> pl.Series:
    """The answer where `rows` is true, else the answer of a row drawn from `donors`."""
    known = donors.drop_nulls()
    return where(rows, answers, known.gather(rng.integers(0, len(known), len(answers))))


def free_name(tables: Tables, wanted: str) -> str:
    """The wanted name, with underscores behind it until no column has it."""
    taken = {*tables.train.columns, *(tables.test.columns if tables.test is not None else ())}
    while wanted in taken:
        wanted += "_"
    return wanted


def add_column(tables: Tables, name: str, train: pl.Series, test: pl.Series | None) -> Tables:
    """The tables with one more feature at their right end."""
    kind = "number" if train.dtype.is_numeric() else "category"
    right = None if tables.test is None or test is None else tables.test.with_columns(test.alias(name))
    left = tables.train.with_columns(train.alias(name))
    return Tables(left, right, tables.target, tables.task, {**tables.kinds, name: kind})
