"""Metrics of predictions, weighted and vectorised, with the influence of every row.

`metric(truth, prediction, weights=None)`: `prediction` is probabilities `(n, k)` for classification and numbers `(n,)`
for regression. Weights `(n,)` give a float, weights `(b, n)` give `(b,)` values at once, which is what a bootstrap asks
for. `influence(truth, prediction)` is how much each row pulls the metric (mean zero): its variance divided by the
number of rows is the sampling variance of the metric, without a single draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = Any  # a float for weights (n,), an array (b,) for weights (b, n)
BLOCK = 1 << 22  # numbers of a (draws, rows) block held together


@dataclass(frozen=True)
class Metric:
    """A metric and what a table needs to know about it.

    `tasks` are "binary", "multiclass", "regression"; `unit` "points" means that reports show it times 100; `counts` is
    true where one row moves the metric in a jump (hits and misses), so that no change at all is still uncertain.
    """

    name: str
    label: str
    function: Callable[..., Value]
    influence: Callable[[np.ndarray, np.ndarray], np.ndarray]
    higher_is_better: bool
    tasks: tuple[str, ...]
    unit: str = ""
    low: float = 0.0
    high: float = float("inf")
    counts: bool = False

    def __call__(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
        """The metric of `prediction` against `truth`."""
        return self.function(truth, prediction, weights)


def accuracy(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Share of rows whose most probable class is the true one."""
    return _mean(_hits(truth, prediction), weights)


def balanced_accuracy(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Mean over the classes present of the share of their rows that is predicted right."""
    members = _one_hot(truth, prediction.shape[1])
    weights = _given(weights, len(truth))
    sizes, hits = weights @ members, weights @ (members * _hits(truth, prediction)[:, None])
    return _scalar(_mean_where(hits, sizes, sizes > 0))


def f1(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """F1 of class 1 for two classes; the mean over classes that occur (true or predicted) for more."""
    truths, choices = _one_hot(truth, prediction.shape[1]), _one_hot(prediction.argmax(axis=1), prediction.shape[1])
    if prediction.shape[1] == 2:
        truths, choices = truths[:, 1:], choices[:, 1:]
    weights = _given(weights, len(truth))
    sizes = weights @ (truths + choices)
    found = _mean_where(2 * (weights @ (truths * choices)), sizes, sizes > 0)
    return _scalar(np.nan_to_num(found))


def auroc(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Chance that a row of the class scores above one of another class, ties half; mean over classes (one versus rest).

    A class without rows, or with all of them, is left out; NaN where no class is left.
    """
    weights = _given(weights, len(truth))
    classes = [1] if prediction.shape[1] == 2 else range(prediction.shape[1])
    areas = np.array([_area(truth == c, prediction[:, c], weights) for c in classes])
    return _scalar(_mean_where(np.moveaxis(np.nan_to_num(areas), 0, -1), 1.0, np.moveaxis(~np.isnan(areas), 0, -1)))


def log_loss(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Mean of minus the logarithm of the probability of the true class."""
    return _mean(_surprise(truth, prediction), weights)


def brier(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Mean squared distance of the probabilities to the truth; halved for two classes, as is the custom."""
    return _mean(_squared_distance(truth, prediction), weights)


def mae(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Mean absolute error."""
    return _mean(np.abs(truth - prediction), weights)


def rmse(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """Root of the mean squared error."""
    return _scalar(np.sqrt(_mean((truth - prediction) ** 2, weights)))


def r2(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> Value:
    """One minus the squared error divided by that of the mean; 0 for a constant truth that is missed."""
    centred = truth - np.mean(truth)  # a variance from raw moments loses its digits far from zero
    spread = _mean(centred**2, weights) - _mean(centred, weights) ** 2
    error = _mean((truth - prediction) ** 2, weights)
    safe = np.where(spread > 0, spread, 1.0)
    return _scalar(np.where(spread > 0, 1 - error / safe, np.where(error > 0, 0.0, 1.0)))


# --- influences: how much a row pulls the metric ----------------------------------------------------------------
def _influence_of_mean(terms: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    def influence(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        values = terms(truth, prediction)
        return values - values.mean()

    return influence


def _balanced_accuracy_influence(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    hits, sizes = _hits(truth, prediction), np.bincount(truth, minlength=prediction.shape[1])
    recalls = np.bincount(truth, hits, prediction.shape[1]) / np.maximum(sizes, 1)
    return (hits - recalls[truth]) * len(truth) / (sizes[truth] * (sizes > 0).sum())


def _f1_influence(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    truths, choices = _one_hot(truth, prediction.shape[1]), _one_hot(prediction.argmax(axis=1), prediction.shape[1])
    if prediction.shape[1] == 2:
        truths, choices = truths[:, 1:], choices[:, 1:]
    sizes = (truths + choices).mean(axis=0)
    there = sizes > 0
    truths, choices, sizes = truths[:, there], choices[:, there], sizes[there]
    scores = 2 * (truths * choices).mean(axis=0) / sizes
    return ((2 * truths * choices - scores * (truths + choices)) / sizes).sum(axis=1) / max(there.sum(), 1)


def _auroc_influence(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    classes = [1] if prediction.shape[1] == 2 else range(prediction.shape[1])
    pulls = [_placements(truth == c, prediction[:, c]) for c in classes if 0 < (truth == c).sum() < len(truth)]
    return np.mean(pulls, axis=0) if pulls else np.zeros(len(truth))


def _placements(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """DeLong's structural components: the share of the other side that a row beats, centred, over its class share."""
    above = np.empty(len(score))
    for side in (positive, ~positive):
        others = np.sort(score[~side])
        below = np.searchsorted(others, score[side], "left") + np.searchsorted(others, score[side], "right")
        above[side] = below / (2 * len(others))
    above[~positive] = 1 - above[~positive]
    share = positive.mean()
    return (above - above[positive].mean()) / np.where(positive, share, 1 - share)


def _rmse_influence(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    squares = (truth - prediction) ** 2
    return (squares - squares.mean()) / (2 * np.sqrt(squares.mean()) or 1.0)


def _r2_influence(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    errors, spreads = (truth - prediction) ** 2, (truth - truth.mean()) ** 2
    if spreads.mean() == 0:
        return np.zeros(len(truth))
    return (errors.mean() / spreads.mean() * spreads - errors) / spreads.mean()


# --- shared parts -------------------------------------------------------------------------------------------------
def _given(weights: np.ndarray | None, n: int) -> np.ndarray:
    return np.ones(n) if weights is None else np.asarray(weights, dtype=float)


def _mean(terms: np.ndarray, weights: np.ndarray | None) -> Value:
    if weights is None:
        return float(terms.mean())
    return _scalar(np.asarray(weights, dtype=float) @ terms / np.sum(weights, axis=-1))


def _scalar(value: np.ndarray) -> Value:
    return float(value) if np.ndim(value) == 0 else value


def _mean_where(values: np.ndarray, sizes: np.ndarray | float, there: np.ndarray) -> np.ndarray:
    """Mean over the last axis of values / sizes where `there`; NaN where there is nothing."""
    ratios = np.divide(values, sizes, out=np.zeros(np.shape(values)), where=there)
    number = there.sum(axis=-1)
    return np.where(number > 0, ratios.sum(axis=-1) / np.maximum(number, 1), np.nan)


def _hits(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    return (prediction.argmax(axis=1) == truth).astype(float)


def _one_hot(codes: np.ndarray, k: int) -> np.ndarray:
    return (np.asarray(codes)[:, None] == np.arange(k)).astype(float)


def _surprise(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    chosen = prediction[np.arange(len(truth)), truth]
    return -np.log(np.clip(chosen, np.finfo(prediction.dtype).eps, 1.0))


def _squared_distance(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    own = prediction[np.arange(len(truth)), truth]
    whole = np.einsum("ij,ij->i", prediction, prediction) - 2 * own + 1  # |p - e|^2 without the one-hot matrix
    return whole / 2 if prediction.shape[1] == 2 else whole


def _area(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted area under the ROC curve for every row of `weights`, in blocks; NaN where one side has no weight."""
    order = np.argsort(score, kind="stable")
    positive, score = positive[order], score[order]
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
    rows = np.atleast_2d(weights)
    areas = np.empty(len(rows))
    step = max(1, BLOCK // len(score))
    for first in range(0, len(rows), step):
        block = rows[first : first + step][:, order]
        up = np.add.reduceat(block * positive, starts, axis=1)
        down = np.add.reduceat(block * ~positive, starts, axis=1)
        pairs = up.sum(axis=1) * down.sum(axis=1)
        won = np.einsum("ij,ij->i", up, np.cumsum(down, axis=1) - down / 2)
        areas[first : first + step] = np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return areas if weights.ndim == 2 else areas[0]


_CLASSES = ("binary", "multiclass")
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", accuracy, _influence_of_mean(_hits), True, _CLASSES, "points", 0, 1, True),
        Metric("balanced_accuracy", "balanced accuracy", balanced_accuracy, _balanced_accuracy_influence, True,
               _CLASSES, "points", 0, 1, True),
        Metric("auroc", "AUROC", auroc, _auroc_influence, True, _CLASSES, "points", 0, 1),
        Metric("f1", "F1", f1, _f1_influence, True, _CLASSES, "points", 0, 1, True),
        Metric("log_loss", "log loss", log_loss, _influence_of_mean(_surprise), False, _CLASSES),
        Metric("brier", "Brier score", brier, _influence_of_mean(_squared_distance), False, _CLASSES, "", 0, 2),
        Metric("r2", "R2", r2, _r2_influence, True, ("regression",), "points", -float("inf"), 1),
        Metric("mae", "mean absolute error", mae, _influence_of_mean(lambda t, p: np.abs(t - p)), False,
               ("regression",)),
        Metric("rmse", "root mean squared error", rmse, _rmse_influence, False, ("regression",)),
    )
}  # fmt: skip
