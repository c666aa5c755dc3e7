"""The task: which column is predicted, of which kind, with which classes; and labels as codes or numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from holdfast.audit.load.data import DataSet, Loaded, Task
from holdfast.audit.load.errors import InputError, did_you_mean, listed, quoted, rows_text
from holdfast.audit.load.series import as_text

if TYPE_CHECKING:
    import polars

TASKS = ("binary", "multiclass", "regression")
TARGET_NAMES = ("target", "label", "class")
FEW = 10  # integers with at most so many distinct values are classes
MOST_CLASSES = 1000


def find_target(train: list[str], target: str | None, roles: dict[str, str]) -> str | None:
    """The target's name: as given, or a column that no role is given and whose name says so."""
    given = target or next((name for name, role in roles.items() if role == "target"), None)
    if given is not None:
        if given not in train:
            raise InputError(f"No column {quoted(given)} in train.{did_you_mean(given, train)}")
        return given
    named = [name for name in train if name.casefold() in TARGET_NAMES and name not in roles]
    return named[0] if len(named) == 1 else None


def infer_task(train: DataSet, target: str | None, task: str | None) -> Task:
    """The task of a target column; clear errors for one that cannot be learnt."""
    if task is not None and task not in (*TASKS, "classification"):
        raise InputError(f"task is {quoted(task)}; expected one of {', '.join(TASKS)}.")
    if target is None:
        if task is not None:
            raise InputError(f"task is {quoted(task)} but no target is given; name the target column.")
        return Task("none")
    labels = train.frame[target]
    known = labels.drop_nulls()
    where = f"target {quoted(target)} in {train.path}"
    if not len(known):
        raise InputError(f"{where} has no label in any of {rows_text(len(labels))}; expected labels in train.")
    count, total = train.distinct(target), train.rows - train.missing(target)
    if count == 1:
        raise InputError(
            f"{where} is always {quoted(known[0])} ({rows_text(total)}); expected at least two values. "
            "Is it the right column, or was the file filtered?"
        )
    kind = _kind(known, count, total, task, where)
    return Task(kind, target, () if kind == "regression" else _classes(known, train))


def encode_target(loaded: Loaded, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels of the set `name` ("train" or "test"): int64 codes into `task.classes`, -1 where missing or unseen in
    train; float64 with NaN for regression. And notes in words.
    """
    import polars as pl

    data, task = (loaded.train if name == "train" else loaded.test), loaded.task
    if data is None or task.target is None or task.target not in data.frame.columns:
        raise InputError(f"{name} has no target to encode.")
    labels = data.frame[task.target]
    if task.kind == "regression":
        return _numbers(labels)
    texts = as_text(labels)
    codes, repaired = _codes(task.classes, set(texts.drop_nulls().unique().to_list()))
    encoded = texts.replace_strict(codes, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy(writable=True)
    unseen = texts.filter(encoded == -1).drop_nulls()
    notes = [f"label {quoted(a)} was read as {quoted(b)}" for a, b in sorted(repaired.items())[:FEW]]
    if len(unseen):
        shown = listed(unseen.unique().sort().to_list())
        notes.append(f"labels that train does not have, in {rows_text(len(unseen))}: {shown}")
    if missing := data.missing(task.target):
        notes.append(f"no label in {rows_text(missing)}")
    return encoded, tuple(notes)


def _kind(known: polars.Series, count: int, total: int, task: str | None, where: str) -> str:
    import polars as pl

    is_number = known.dtype.is_numeric()
    if task == "regression":
        if not is_number:
            raise InputError(f"{where} holds text such as {quoted(known[0])}; expected numbers for regression.")
        return task
    if task == "binary" and count != 2:
        raise InputError(f"{where} has {count:,} classes; expected 2 for a binary task. Try task='multiclass'.")
    if task is None and is_number and count > 2 and (count > FEW or not (known % 1 == 0).all()):
        return "regression"
    if count > MOST_CLASSES or (known.dtype == pl.String and count > 20 and count > 0.5 * total):
        raise InputError(
            f"{where} has {count:,} different values in {rows_text(total)}; expected a class or a number to "
            "predict. Is it an id or free text?"
        )
    return "binary" if count == 2 else "multiclass"


def _classes(known: polars.Series, train: DataSet) -> tuple[str, ...]:
    """The classes of all rows, those too that no row held in memory has."""
    texts = as_text(known).unique().to_list()
    if train.whole is not None and not known.dtype.is_float():
        texts = list({*texts, *(train.whole.values(known.name) or ())})
    try:
        return tuple(sorted(texts, key=float))
    except ValueError:
        return tuple(sorted(texts))


def _numbers(labels: polars.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    import polars as pl

    numbers = labels.cast(pl.Float64, strict=False)
    lost = numbers.null_count() - labels.null_count()
    notes = [f"a target that is not a number in {rows_text(lost)}: it counts as missing"] if lost else []
    if labels.null_count():
        notes.append(f"no target in {rows_text(labels.null_count())}")
    return numbers.fill_null(float("nan")).to_numpy(writable=True), tuple(notes)


def _codes(classes: tuple[str, ...], texts: set[str]) -> tuple[dict[str, int], dict[str, str]]:
    """The code of every text; labels that differ only in case, outer spaces, a final point or ".0" are the same."""
    codes = {label: code for code, label in enumerate(classes)}
    plain: dict[str, list[str]] = {}
    for label in classes:
        plain.setdefault(_plain(label), []).append(label)
    repaired = {}
    for text in texts - set(codes):
        alike = plain.get(_plain(text), [])
        if len(alike) == 1:
            codes[text] = codes[alike[0]]
            repaired[text] = alike[0]
    return codes, repaired


def _plain(label: str) -> str:
    return re.sub(r"\.0*$", "", label.strip().casefold())
