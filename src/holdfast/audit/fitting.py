"""Fit and predict over folds: the few steps that probes, checks and pricing share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import numpy as np

from holdfast.audit.load import Task
from holdfast.audit.models import MANY_ROWS, Model, ProbeModel

Result = TypeVar("Result")
ROOM = 2 << 30  # bytes that fits made side by side may hold together
COPIES = 4  # of its inputs that a fit holds: the rows chosen, their seen columns, as bins, and what else it needs


def side_by_side(jobs: Sequence[Callable[[], Result]], model: Model, inputs: Any) -> list[Result]:
    """The results of independent fits, in order; of large fits of the house's model several at a time, a core each.

    The threads of one fit wait for each other thousands of times: where something else held a core, a fit of a second
    took 40. Fits that share nothing do not wait. A given model runs alone: it may not bear company.
    """
    workers = min(_workers(model, inputs), len(jobs))
    if workers < 2:
        return [job() for job in jobs]
    import sklearn.ensemble  # noqa: F401  (only a library that is loaded can be limited to a thread)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(_on_one_core, jobs))


def _workers(model: Model, inputs: Any) -> int:
    """How many fits at a time: few rows spend their time in Python, where threads stand in each other's way."""
    if not isinstance(model, ProbeModel) or model.linear or len(inputs) < MANY_ROWS:
        return 1
    from joblib import cpu_count

    given = os.environ.get("OMP_NUM_THREADS", "")
    cores = min(cpu_count(), int(given) if given.isdigit() else cpu_count())
    return max(1, min(cores, int(ROOM // max(COPIES * inputs.nbytes, 1))))


def _on_one_core(job: Callable[[], Result]) -> Result:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "openmp"):
        return job()


def tied_rows(embedding: np.ndarray, group: np.ndarray | None) -> np.ndarray:
    """(n,) codes of rows that must not be separated: the user's groups where there are enough, else exact copies."""
    if group is not None and len(np.unique(group)) >= 10:
        return np.unique(group, return_inverse=True)[1]
    if not embedding.shape[1]:
        return np.arange(len(embedding))
    rows = np.ascontiguousarray(embedding)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1].ravel()


def make_folds(y: np.ndarray, ties: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(n,) fold numbers: the tied sets are dealt in turn, class by class (numeric targets: by tenths of the range)."""
    rng = np.random.default_rng(seed)
    first = np.unique(ties, return_index=True)[1]
    strata = y if y.dtype.kind in "iu" else np.argsort(np.argsort(y)) * 10 // len(y)
    order = first[np.lexsort((rng.random(len(first)), strata[first]))]
    fold_of = np.empty(int(ties.max()) + 1, dtype=np.int64)
    fold_of[ties[order]] = (np.arange(len(order)) + rng.integers(count)) % count
    return fold_of[ties]


def out_of_fold(
    model: Model, inputs: Any, y: np.ndarray, folds: np.ndarray, seed: int, weight: np.ndarray | None = None
) -> np.ndarray:
    """Predictions of every row by a model that was fitted without its fold: (n, k) or (n,)."""

    def answers(fold: int) -> np.ndarray:
        outside = np.flatnonzero(folds != fold)
        part = model.fit(inputs[outside], y[outside], None if weight is None else weight[outside], seed)
        return part.predict(inputs[np.flatnonzero(folds == fold)])

    known = np.unique(folds)
    made = side_by_side([partial(answers, fold) for fold in known], model, inputs)
    predicted = np.zeros((len(y), *made[0].shape[1:]))
    for fold, answer in zip(known, made, strict=True):
        predicted[folds == fold] = answer
    return predicted


def row_loss(predicted: np.ndarray, y: np.ndarray, task: Task) -> np.ndarray:
    """(n,) 1.0 where the predicted class is wrong, or the absolute error of a numeric target."""
    if task.kind == "regression":
        return np.abs(predicted - y)
    return (predicted.argmax(axis=1) != y).astype(np.float64)
