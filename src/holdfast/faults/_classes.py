"""Class labels as codes and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.faults._rows import column_of
from holdfast.faults._tables import CannotPlant, Tables


class Labels(NamedTuple):
    """`classes` in sorted order, as they stand in the data; `train` and `test` (n,) int codes, -1 where null."""

    classes: pl.Series
    train: np.ndarray
    test: np.ndarray | None

    @property
    def k(self) -> int:
        return len(self.classes)

    def values(self, codes: np.ndarray) -> pl.Series:
        """The labels of codes; -1 becomes null."""
        return self.classes.gather(pl.Series(codes).replace(-1, None))


def need_classes(tables: Tables, least: int = 2, test: bool = False) -> Labels:
    """The labels of a classification; `CannotPlant` without a target, with numbers, or with too few classes."""
    if tables.target is None or tables.task == "none":
        raise CannotPlant("There is no target column, and this fault lies in the labels.")
    if tables.task == "regression":
        raise CannotPlant("The target is numeric, and this fault lies in class labels.")
    labels = column_of(tables.train, tables.target)
    classes = labels.drop_nulls().unique().sort()
    if len(classes) < least:
        raise CannotPlant(f"The training labels hold {len(classes)} class(es); this fault needs {least}.")
    known = tables.test is not None and tables.target in tables.test.columns
    if test and not known:
        raise CannotPlant("There is no test table with labels, and this fault lies in test labels.")
    test_codes = codes_of(column_of(tables.test, tables.target), classes) if known and tables.test is not None else None
    return Labels(classes, codes_of(labels, classes), test_codes)


def codes_of(values: pl.Series, classes: pl.Series) -> np.ndarray:
    """(n,) int: the place of every value among the classes, -1 where null or not among them."""
    codes = pl.Series(np.arange(len(classes)))
    return values.replace_strict(classes, codes, default=-1, return_dtype=pl.Int64).to_numpy()


def place_of(label: Any, classes: pl.Series) -> int:
    """The place of a label among the classes; `ValueError` where it is none."""
    names = classes.to_list()
    if label not in names:
        raise ValueError(f"no class {label!r}; there are: {', '.join(map(repr, names[:10]))}.")
    return names.index(label)
