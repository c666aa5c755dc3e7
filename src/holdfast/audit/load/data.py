"""What reading returns: data sets, their columns and the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.audit.records import ColumnRecord

if TYPE_CHECKING:
    import numpy as np
    import polars

    from holdfast.audit.load.whole import Whole

ROLES = ("target", "id", "group", "time", "text", "image", "embedding", "weight", "proba", "feature", "ignored")
KINDS = ("number", "category", "boolean", "date", "text", "image", "embedding", "empty")


@dataclass(frozen=True)
class DataSet:
    """One data set as it was read: every column in file order, rows in their original order.

    Columns have one of these types: Int64, Float32, Float64 (no NaN or infinity: both are missing), Boolean, String,
    Date, Datetime (without a time zone; UTC where one was given), List(Float32) (vectors of one length). `notes` say
    in words what was left out or repaired.
    """

    name: str
    frame: polars.DataFrame
    path: str
    fingerprint: str
    notes: tuple[str, ...] = ()
    whole: Whole | None = None  # where `frame` is only a random sample of the rows

    @property
    def rows(self) -> int:
        """Rows of the data set, held or not."""
        return self.frame.height if self.whole is None else self.whole.rows

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """File row numbers of rows of `frame`."""
        return rows if self.whole is None else self.whole.numbers[rows]

    def missing(self, name: str) -> int:
        """Missing cells of a column, in all rows."""
        return self.frame[name].null_count() if self.whole is None else self.whole.missing(name, self.frame[name])

    def top(self, name: str) -> int:
        """How often the most frequent value of a column comes, in all rows."""
        column = self.frame[name]
        if self.whole is not None:
            return self.whole.top(name, column)
        counts = column.drop_nulls().alias("cell").value_counts()["count"]  # a column may itself be called "count"
        return int(counts.max()) if len(counts) else 0  # type: ignore[arg-type]

    def distinct(self, name: str) -> int:
        """Distinct values of a column, in all rows."""
        column = self.frame[name]
        if self.whole is not None:
            return self.whole.distinct(name, column)
        return column.n_unique() - (column.null_count() > 0)


@dataclass(frozen=True)
class Task:
    """What is predicted: kind "binary", "multiclass", "regression" or "none"; classes as text, in order."""

    kind: str
    target: str | None = None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """Both data sets with the role and kind of every column and the task."""

    train: DataSet
    test: DataSet | None
    columns: tuple[ColumnRecord, ...]
    task: Task

    def features(self) -> list[ColumnRecord]:
        """The columns a model may learn from: role "feature", present in every set, not missing everywhere."""
        return [column for column in self.columns if column.role == "feature" and self._is_everywhere(column)]

    def with_role(self, role: str) -> list[ColumnRecord]:
        """The columns of one role, in order."""
        return [column for column in self.columns if column.role == role]

    def _is_everywhere(self, column: ColumnRecord) -> bool:
        return column.missing_train is not None and (self.test is None or column.missing_test is not None)
