"""The shifts that are planted in labelled rows: the library's own faults, and three that depend on the model.

A shift takes the rows of one half and says which of them stay. Faults (`holdfast.faults`) thin the cells as they were
read: categories, numbers and labels. The others need what no table holds: the production rows, the model's doubt, and
distances between the coordinates that estimators see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.load import Loaded, Task
from holdfast.audit.planting import tables_of
from holdfast.core import Fault
from holdfast.faults import ExponentialTilt, LabelShift, SubpopulationShift, Truncation
from holdfast.faults._tables import Tables
from holdfast.ops.density_ratio import standardised

SHARE = 0.4  # of the half that a shift of our own keeps
SMALLEST = 2  # strengths of a fault before this one move too little to tell estimators apart


class Half(NamedTuple):
    """Labelled rows that shift, the log ratio of the production rows to them, and their cells.

    The cells of a half are a test table, beside the other half as the training table; whole, they are a training table.
    """

    X: np.ndarray
    predicted: np.ndarray
    y: np.ndarray
    towards: np.ndarray
    tables: Tables

    def split(self, ref: np.ndarray, pool: np.ndarray) -> Half:
        """The rows of `pool`, with those of `ref` as the training table beside them."""
        frame = self.tables.train
        tables = self.tables.with_train(frame[ref]).with_test(frame[pool])
        return Half(self.X[pool], self.predicted[pool], self.y[pool], self.towards[pool], tables)


Shift = Callable[[Half, np.random.Generator], np.ndarray]


def shifts_for(task: Task) -> dict[str, Shift]:
    """Every shift by what the page calls it; each gives the rows that stay, or raises `CannotPlant`."""
    shares = _labels if task.kind == "regression" else _planted(_label_shift)
    return {
        "no shift": _weighted(lambda half, rng: np.zeros(len(half.y))),
        "towards the production rows": _weighted(lambda half, rng: half.towards),
        "a column tilted": _planted(lambda half, rng: ExponentialTilt(keep=SHARE)),
        "one end of a column cut off": _planted(lambda half, rng: Truncation(side="test")),
        "one group more frequent": _planted(lambda half, rng: SubpopulationShift()),
        "other shares of the target": shares,
        "rows of another difficulty": _weighted(_harder),
        "one region of the features": _weighted(_region),
    }


def cells_of(loaded: Loaded, rows: np.ndarray) -> Tables:
    """The labelled rows of these numbers in the training file, to plant in; the target keeps its name."""
    whole = tables_of(loaded)
    return Tables(whole.train[rows], None, whole.target, whole.task, whole.kinds)


def numeric_cells(X: np.ndarray, y: np.ndarray, task: Task) -> Tables:
    """Coordinates as a table of numbers, for predictions that come without one."""
    names = [f"x{column}" for column in range(X.shape[1])]
    frame = pl.DataFrame({**{name: X[:, column] for column, name in enumerate(names)}, "y": y})
    return Tables(frame, None, "y", task.kind, dict.fromkeys(names, "number"))


# --- planted by faults -------------------------------------------------------------------------------------------
def _planted(make: Callable[[Half, np.random.Generator], Fault]) -> Shift:
    def stay(half: Half, rng: np.random.Generator) -> np.ndarray:
        fault = make(half, rng)
        strength = float(rng.choice(fault.strengths[SMALLEST:]))
        _, truth = fault.plant(half.tables, strength, rng)  # type: ignore[attr-defined]
        return np.asarray(truth.test_origin)

    return stay


def _label_shift(half: Half, rng: np.random.Generator) -> Fault:
    labels = half.tables.train[str(half.tables.target)].drop_nulls().unique().sort()
    return LabelShift(label=labels[int(rng.integers(len(labels)))])


# --- drawn by weights: log weights of the rows ---------------------------------------------------------------------
def _weighted(pull: Callable[[Half, np.random.Generator], np.ndarray]) -> Shift:
    """Rows drawn one by one, none put back, each with a chance in proportion to its weight (Gumbel's trick)."""

    def stay(half: Half, rng: np.random.Generator) -> np.ndarray:
        keys = pull(half, rng) + rng.gumbel(size=len(half.y))
        return np.sort(np.argsort(-keys, kind="stable")[: max(20, round(SHARE * len(keys)))])

    return stay


def _harder(half: Half, rng: np.random.Generator) -> np.ndarray:
    doubt = 1 - half.predicted.max(axis=1) if half.predicted.ndim == 2 else half.predicted
    return _sign(rng) * _scaled(doubt)


def _region(half: Half, rng: np.random.Generator) -> np.ndarray:
    left, _ = standardised(half.X, half.X)
    return -2.0 * _scaled(((left - left[rng.integers(len(left))]) ** 2).sum(axis=1) ** 0.5)


_labels = _weighted(lambda half, rng: _sign(rng) * _scaled(half.y))  # a numeric target, to which no fault does this


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _scaled(values: np.ndarray) -> np.ndarray:
    return np.clip((values - values.mean()) / max(float(values.std()), 1e-12), -4, 4)
