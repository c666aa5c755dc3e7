"""What was read: the tables, their columns and labels, and the rows that models use."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.audit.check import NotApplicable
from holdfast.audit.load import DataSet, Loaded, Task, encode_target, row_weights
from holdfast.audit.records import ColumnRecord
from holdfast.audit.settings import Settings
from holdfast.ops.metrics import METRICS, Metric


def task(loaded: Loaded) -> Task:
    """Kind of task, target, classes."""
    return loaded.task


def train_set(loaded: Loaded) -> DataSet:
    """The training set as read, every row."""
    return loaded.train


def test_set(loaded: Loaded) -> DataSet:
    """The test set as read, every row."""
    if loaded.test is None:
        raise NotApplicable("there is no test set")
    return loaded.test


def columns(loaded: Loaded) -> tuple[ColumnRecord, ...]:
    """Every column with its role and kind."""
    return loaded.columns


def features(loaded: Loaded) -> tuple[ColumnRecord, ...]:
    """The columns that models and distances use: features that both sets have and that hold something."""
    sets = [loaded.train] if loaded.test is None else [loaded.train, loaded.test]
    shared = set[str].intersection(*(set(data.frame.columns) for data in sets))
    usable = tuple(
        column
        for column in loaded.columns
        if column.role in ("feature", "text", "image", "embedding") and column.kind != "empty" and column.name in shared
    )
    if not usable:
        raise NotApplicable("no feature column is left to learn from")
    return usable


def classes(task: Task) -> tuple[str, ...]:
    """The class names."""
    if task.kind not in ("binary", "multiclass"):
        raise NotApplicable("the target is not a class" if task.kind == "regression" else "there is no target column")
    return task.classes


def metric(task: Task, settings: Settings) -> Metric:
    """The metric that findings are priced in."""
    if task.kind == "none":
        raise NotApplicable("there is no target column")
    family = "regression" if task.kind == "regression" else "classification"
    return METRICS[settings.metric or {"regression": "r2"}.get(family, "accuracy")]


def train_target(loaded: Loaded) -> np.ndarray:
    """Labels of every training row: codes with -1 where missing, or numbers with NaN where missing."""
    if loaded.task.kind == "none":
        raise NotApplicable("there is no target column")
    return encode_target(loaded, "train")[0]


def test_target(loaded: Loaded, test_set: DataSet) -> np.ndarray:
    """Labels of every test row, -1 or NaN where missing or unseen in training."""
    if loaded.task.kind == "none":
        raise NotApplicable("there is no target column")
    if loaded.task.target not in test_set.frame.columns:
        raise NotApplicable("the test set has no labels")
    target = encode_target(loaded, "test")[0]
    if not _has_label(target).any():
        raise NotApplicable("the test set has no labels that occur in training")
    return target


def train_rows(loaded: Loaded, settings: Settings) -> np.ndarray:
    """File row numbers of the training rows that models use, ascending."""
    if loaded.task.kind == "none":
        return _sample(np.arange(loaded.train.frame.height), settings, 1)
    labelled = np.flatnonzero(_has_label(encode_target(loaded, "train")[0]))
    return _sample(labelled, settings, 1)


def test_rows(loaded: Loaded, test_set: DataSet, settings: Settings) -> np.ndarray:
    """File row numbers of the test rows that models use: the labelled ones where any is."""
    every = np.arange(test_set.frame.height)
    if loaded.task.target is None or loaded.task.target not in test_set.frame.columns:
        return _sample(every, settings, 2)
    labelled = np.flatnonzero(_has_label(encode_target(loaded, "test")[0]))
    return _sample(labelled if len(labelled) else every, settings, 2)


def train_table(train_set: DataSet, train_rows: np.ndarray) -> pl.DataFrame:
    """The training rows that models use, all columns."""
    return train_set.frame[train_rows]


def test_table(test_set: DataSet, test_rows: np.ndarray) -> pl.DataFrame:
    """The test rows that models use, all columns."""
    return test_set.frame[test_rows]


def train_cells(features: tuple[ColumnRecord, ...], train_table: pl.DataFrame) -> pl.DataFrame:
    """The feature columns of the training rows that models use."""
    return train_table.select([column.name for column in features])


def test_cells(features: tuple[ColumnRecord, ...], test_table: pl.DataFrame) -> pl.DataFrame:
    """The feature columns of the test rows that models use."""
    return test_table.select([column.name for column in features])


def train_y(train_target: np.ndarray, train_rows: np.ndarray) -> np.ndarray:
    """(n,) class codes or numbers of the training rows that models use."""
    return train_target[train_rows]


def test_y(test_target: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
    """(m,) class codes or numbers of the test rows that models use."""
    return test_target[test_rows]


def train_weight(loaded: Loaded, train_rows: np.ndarray) -> np.ndarray | None:
    """(n,) the user's weights of the training rows that models use; None without a weight column.

    They count in every fit of the audited model. Metrics, and models that only judge labels, count every row once.
    """
    weights = row_weights(loaded, "train")
    return None if weights is None else weights[train_rows]


def test_weight(loaded: Loaded, test_rows: np.ndarray) -> np.ndarray | None:
    """(m,) weights of the test rows, for fits that learn from them too; None without a weight column."""
    weights = row_weights(loaded, "test")
    return None if weights is None else weights[test_rows]


def train_group(loaded: Loaded, train_table: pl.DataFrame) -> np.ndarray | None:
    """(n,) codes of the group column in training, None where there is none or only one group."""
    return _group_codes(loaded, train_table)


def _has_label(target: np.ndarray) -> np.ndarray:
    return target >= 0 if target.dtype.kind == "i" else np.isfinite(target)


def _sample(rows: np.ndarray, settings: Settings, stream: int) -> np.ndarray:
    if len(rows) <= settings.max_rows:
        return rows
    rng = np.random.default_rng([settings.seed, stream])
    return np.sort(rng.choice(rows, settings.max_rows, replace=False))


def _group_codes(loaded: Loaded, table: pl.DataFrame) -> np.ndarray | None:
    names = [column.name for column in loaded.columns if column.role == "group" and column.name in table.columns]
    if not names:
        return None
    codes = table.select(pl.struct(names).rank("dense")).to_series().fill_null(0).to_numpy().astype(np.int64)
    return codes if len(np.unique(codes)) > 1 else None
