"""Worlds of the faults family: untouched real tables of every type, to plant in. Evidence is one `tables`.

A fault either plants in a world or says why it cannot; the laws of faults hold it to that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)

from holdfast.datasets import load_heart_disease
from holdfast.faults._tables import Tables
from holdfast.faults.worlds import World, split

ROWS = 240
HOSTILE = ("^.*$", "*", "", " a\n", "<script>alert(1)</script>", "{x}", 'quote"', "col", "null", "nan", "..", "ü\u202e")


def hearts(seed: int) -> World:
    """Patients of one hospital and of three others: a binary target, numbers, categories, booleans, nulls."""
    return World({"tables": _hearts(seed)})


def digits(seed: int) -> World:
    """Handwritten digits as 16 averaged blocks: ten classes, whole numbers and fractions."""
    data = _digit_data()
    images, y = data.images, data.target
    blocks = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    frame = pl.DataFrame({f"block_{i}": blocks[:, i] for i in range(16)} | {"digit": y.astype(np.int8)})
    return World({"tables": _halves(frame, "digit", "multiclass", seed, 3 * ROWS)})


def pictures(seed: int) -> World:
    """Handwritten digits as one column of 8 x 8 pixel arrays."""
    data = _digit_data()
    frame = pl.DataFrame({"picture": data.images.astype(np.uint8), "digit": [f"digit {code}" for code in data.target]})
    return World({"tables": _halves(frame, "digit", "multiclass", seed, 2 * ROWS, picture="image")})


def progression(seed: int) -> World:
    """Diabetes progression: a numeric target and ten numbers."""
    X, target = load_diabetes(return_X_y=True, scaled=False)
    frame = pl.DataFrame({f"x{i}": X[:, i] for i in range(10)} | {"progression": target.astype(np.int64)})
    return World({"tables": _halves(frame, "progression", "regression", seed, 2 * ROWS)})


def notes(seed: int) -> World:
    """Lines of data descriptions, and which description they are from: text, dates, booleans, an enum, six classes."""
    rng = np.random.default_rng(seed)
    lines, names = _lines()
    n = len(lines)
    frame = pl.DataFrame(
        {
            "line": lines,
            "line_before": ["", *lines[:-1]],
            "read": [date(2024, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 365, n)],
            "long": [len(line) > 60 for line in lines],
            "reader": pl.Series(rng.choice(["Ann", "Bo", "Cy"], n), dtype=pl.Enum(["Ann", "Bo", "Cy"])),
            "about": pl.Series(names, dtype=pl.Categorical),
        }
    )
    kinds = {"line": "text", "line_before": "text", "read": "date", "long": "boolean", "reader": "category"}
    return World({"tables": _halves(frame, "about", "multiclass", seed, 2 * ROWS, **kinds)})


def one_table(seed: int) -> World:
    """The patients without a test table."""
    return World({"tables": replace(_hearts(seed), test=None)})


def no_target(seed: int) -> World:
    """The patients without a target."""
    tables = _hearts(seed)
    assert tables.test is not None
    train, test = tables.train.drop("disease"), tables.test.drop("disease")
    return World({"tables": Tables(train, test, None, "none", tables.kinds)})


def unlabelled_test(seed: int) -> World:
    """The patients, with a test table that lacks the target."""
    tables = _hearts(seed)
    assert tables.test is not None
    return World({"tables": tables.with_test(tables.test.drop("disease"))})


def hostile_names(seed: int) -> World:
    """The patients in columns whose names are patterns, markup, blanks and control characters."""
    tables = _hearts(seed)
    assert tables.test is not None
    renamed = dict(zip(tables.kinds, HOSTILE, strict=False)) | {"disease": "^target$"}
    kinds = {renamed.get(name, name): kind for name, kind in tables.kinds.items()}
    train, test = tables.train.rename(renamed), tables.test.rename(renamed)
    return World({"tables": Tables(train, test, "^target$", "binary", kinds)})


# --- the data -------------------------------------------------------------------------------------------------
@cache
def _digit_data() -> Any:
    return load_digits()


@cache
def _hearts(seed: int) -> Tables:
    train, test = load_heart_disease()
    rng = np.random.default_rng(seed)
    frames = [_typed(frame[np.sort(rng.permutation(frame.height)[:ROWS])]) for frame in (train, test)]
    names = [name for name in train.columns if name not in ("disease", "hospital")]
    kinds = dict.fromkeys(names, "number") | {"sex": "category", "cp": "category", "exang": "boolean"}
    return Tables(frames[0], frames[1], "disease", "binary", kinds)


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns as a careful user would type them: categories as words, a flag as a boolean, a short integer."""
    return frame.with_columns(
        pl.col("age").cast(pl.Int16),
        pl.col("exang").cast(pl.Boolean),
        pl.col("sex").replace_strict({0: "female", 1: "male"}),
        pl.format("pain {}", "cp").alias("cp"),
    )


def _halves(frame: pl.DataFrame, target: str, task: str, seed: int, rows: int, **kinds: str) -> Tables:
    rng = np.random.default_rng(seed)
    frame = frame[rng.permutation(frame.height)[:rows]]
    train, test = split(frame.height, 0.5, rng)
    features = {name: kinds.get(name, "number") for name in frame.columns if name != target}
    return Tables(frame[train], frame[test], target, task, features)


@cache
def _lines() -> tuple[list[str], list[str]]:
    loaders = {
        "tumours": load_breast_cancer,
        "diabetes": load_diabetes,
        "digits": load_digits,
        "iris": load_iris,
        "exercise": load_linnerud,
        "wine": load_wine,
    }
    pairs = [(line.strip(), name) for name, load in loaders.items() for line in load().DESCR.splitlines()]
    chosen = [(line, name) for line, name in pairs if line.count(" ") >= 3]
    return [line for line, _ in chosen], [name for _, name in chosen]
