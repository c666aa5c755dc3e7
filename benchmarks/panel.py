"""The real data sets that the tables of all families share: 15 for classification, 6 with a number to predict.

    from panel import panel
    for name, (X, y) in panel().items(): ...

From scikit-learn (digits, wine, tumours, iris) and from the folder that HOLDFAST_DATA names; rows in an order dealt out
once, at most `ROWS` of them; categories as one column a level where there are at most 12 levels, numbers standardised,
missing numbers at the mean. `numeric()` holds the sets with a number to predict.
"""

from __future__ import annotations

import csv
import gzip
import os
from functools import cache
from pathlib import Path

import numpy as np

ROWS = 1000
Data = tuple[np.ndarray, np.ndarray]


@cache
def panel() -> dict[str, Data]:
    """Standardised features and class codes by name."""
    from sklearn import datasets

    found: dict[str, Data] = {}
    for name, load in (
        ("digits", datasets.load_digits),
        ("wine", datasets.load_wine),
        ("tumours", datasets.load_breast_cancer),
        ("iris", datasets.load_iris),
    ):
        found[name] = _ready(*load(return_X_y=True))
    for kind in ("mnist", "kmnist", "notmnist"):
        found[kind] = _images(kind)
    found["hearts"] = _table("heart_disease/processed.cleveland.data", "target", lambda v: float(v) > 0)
    found["adult"] = _table("adult/adult.data.gz", 14, lambda v: v.startswith(">"))
    found["german credit"] = _table("german_credit/german_RegLog.data.gz", 20, lambda v: v == "2", " ")
    found["spam"] = _table("spambase/spambase.data.gz", 57, lambda v: v == "1")
    found["rain"] = _table("noaa_weather/weather.csv.gz", "target", lambda v: v == "1")
    found["compas"] = _table(
        "compas/compas-scores-two-years.csv.gz", "two_year_recid", lambda v: v == "1",
        keep=("sex", "age", "race", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count",
              "c_charge_degree"),
    )  # fmt: skip
    found["students"] = _table(
        "student_performance/student-por.csv.gz", "G3", lambda v: float(v) >= 12, drop=("G1", "G2")
    )
    found["law school"] = _table("law_school/law_school_clean.csv.gz", "pass_bar", lambda v: v == "1.0")
    return found


@cache
def numeric() -> dict[str, Data]:
    """Standardised features and a number to predict, in its own deviations, by name."""
    from sklearn.datasets import load_diabetes

    def number(value: str) -> float:
        return float(value)

    found = {"diabetes": _ready(*load_diabetes(return_X_y=True))}
    found["bikes"] = _table(
        "bike_sharing/hour.csv.gz", "cnt", number, drop=("instant", "dteday", "casual", "registered")
    )
    found["houses"] = _table("california_housing/cal_housing.data.gz", 8, number)
    found["grades"] = _table("student_performance/student-por.csv.gz", "G3", number, drop=("G1", "G2"))
    found["law grades"] = _table("law_school/law_school_clean.csv.gz", "zgpa", number)
    found["hours a week"] = _table("adult/adult.data.gz", 12, number)
    return {name: (X, (y - y.mean()) / y.std()) for name, (X, y) in found.items()}


def root() -> Path:
    """The folder with the data."""
    folder = os.environ.get("HOLDFAST_DATA")
    if not folder:
        raise SystemExit("HOLDFAST_DATA is not set: it names the folder with the real data that this panel reads.")
    return Path(folder)


def _ready(X: np.ndarray, y: np.ndarray) -> Data:
    rows = np.random.default_rng(0).permutation(len(y))[:ROWS]
    X = np.asarray(X, dtype=float)[rows]
    X = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    deviation = X.std(axis=0)
    return ((X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1))[:, deviation > 0], np.asarray(y)[rows]


def _table(path: str, target, wanted, delimiter: str = ",", keep=(), drop=()) -> Data:  # type: ignore[no-untyped-def]
    """Columns by name where `target` is one, by number where the file has no header."""
    file = root() / path
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        table = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter) if row]
    names = table.pop(0) if isinstance(target, str) else list(range(len(table[0])))
    place = names.index(target)
    table = [row for row in table if len(row) == len(names)]
    rows = np.random.default_rng(1).permutation(len(table))[: 2 * ROWS]
    columns = []
    for j, name in enumerate(names):
        if j == place or name in drop or (keep and name not in keep):
            continue
        columns += _columns([table[i][j] for i in rows])
    answers = np.array([wanted(table[i][place]) for i in rows])
    return _ready(np.column_stack(columns), answers.astype(int) if answers.dtype == bool else answers)


def _columns(cells: list[str]) -> list[np.ndarray]:
    try:
        return [np.array([float(cell) if cell not in ("", "?", "NA") else np.nan for cell in cells])]
    except ValueError:
        levels = sorted(set(cells))
        if len(levels) > 12:
            return []
        return [np.array([cell == level for cell in cells], dtype=float) for level in levels[1:]]


def _images(kind: str) -> Data:
    """Pictures of 28 x 28 averaged to 7 x 7."""
    if kind == "kmnist":
        with np.load(root() / "kmnist/kmnist-test-imgs.npz") as file:
            images = file["arr_0"]
        with np.load(root() / "kmnist/kmnist-test-labels.npz") as file:
            y = file["arr_0"]
    else:
        images, y = (_idx(root() / kind / f"t10k-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
    return _ready(images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49), y.astype(int))


def _idx(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        raw = file.read()
    dims = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


if __name__ == "__main__":
    for name, (X, y) in {**panel(), **numeric()}.items():
        print(f"{name}: {X.shape[0]} x {X.shape[1]}, {len(np.unique(y))} values")
