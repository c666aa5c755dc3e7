"""What faults are planted in, and what planting says: two tables in, two tables and the exact truth out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl


class CannotPlant(ValueError):
    """The fault has no place in this data; the message says why (no test set, no numeric column, one class)."""


@dataclass(frozen=True)
class Tables:
    """A training table, a test table or None, the target column or None, and the kind of every feature column.

    `kinds` maps the columns that models learn from, in order, to number, category, boolean, date, text or image.
    `task` is binary, multiclass, regression or none. `pictures` is a folder into which faults may write changed copies
    of the files that an image column names. Tables are never changed in place.
    """

    train: pl.DataFrame
    test: pl.DataFrame | None = None
    target: str | None = None
    task: str = "none"
    kinds: Mapping[str, str] = field(default_factory=dict)
    pictures: str = ""

    def columns_of(self, *kinds: str) -> list[str]:
        """The feature columns of these kinds, in order."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def with_train(self, train: pl.DataFrame) -> Tables:
        """The same with another training table."""
        return replace(self, train=train)

    def with_test(self, test: pl.DataFrame) -> Tables:
        """The same with another test table."""
        return replace(self, test=test)


@dataclass(frozen=True)
class Truth:
    """Exactly what was planted, as it stands in the planted tables.

    `train_rows` and `test_rows` are (n,) bool, true where the planted table's row has the fault; None where the fault
    is not one of rows. `columns` are the columns concerned. `train_origin` and `test_origin` are (n,) int: the row of
    the untouched table that each planted row came from, None where rows kept their places. Where training rows were
    put into the test table, `test_from_train` is (n,) int, the row of the untouched training table, -1 for rows of the
    test table's own, and `test_origin` is -1 for the others. `amount` is what was in fact planted, in the fault's unit
    (planting whole rows rounds). `before` holds, for a fault that overwrote cells of one column, the values that
    stood there, one per true row. `note` says in words what was done.
    """

    train_rows: np.ndarray | None = None
    test_rows: np.ndarray | None = None
    columns: tuple[str, ...] = ()
    train_origin: np.ndarray | None = None
    test_origin: np.ndarray | None = None
    test_from_train: np.ndarray | None = None
    amount: float = 0.0
    before: tuple[Any, ...] = ()
    note: str = ""
