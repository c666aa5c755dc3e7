"""The expected value of a metric when labels are known only as probabilities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.hashing import row_hashes
from holdfast.ops.metrics import METRICS

MetricName = Literal["accuracy", "balanced_accuracy", "auroc", "f1", "log_loss", "brier"]

MARGIN = 1.1  # draws know nothing of the error in the form of the calibration itself; measured on the benchmark's panel


def expected_metric(name: str, belief: np.ndarray, probs: np.ndarray) -> float:
    """The metric of `probs` when row i is of class j with probability `belief[i, j]`.

    Every row stands once for each class, weighted by the belief: the expected confusion matrix and all that follows.

    >>> belief = np.array([[0.8, 0.2], [0.4, 0.6]])
    >>> expected_metric("accuracy", belief, np.array([[0.9, 0.1], [0.3, 0.7]])).__round__(3)
    0.7
    """
    n, k = belief.shape
    if name == "accuracy":
        return float(belief[np.arange(n), probs.argmax(axis=1)].mean())
    if name == "log_loss":
        return float(-(belief * np.log(np.maximum(probs, np.finfo(probs.dtype).eps))).sum(axis=1).mean())
    if name == "auroc":
        return _expected_auroc(belief, probs)
    copies = np.repeat(np.arange(n), k)
    return float(METRICS[name](np.tile(np.arange(k), n), probs[copies], belief.ravel()))


def _expected_auroc(belief: np.ndarray, probs: np.ndarray) -> float:
    """One versus rest; a row is never paired with itself. Classes that nobody believes in are left out."""
    areas = []
    for c in [1] if belief.shape[1] == 2 else range(belief.shape[1]):
        order = np.argsort(probs[:, c], kind="stable")
        up, down, score = belief[order, c], 1 - belief[order, c], probs[order, c]
        starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
        own = float(up @ down)
        ups, downs = np.add.reduceat(up, starts), np.add.reduceat(down, starts)
        pairs = up.sum() * down.sum() - own
        if pairs > 1e-9:
            areas.append((ups @ (np.cumsum(downs) - downs / 2) - own / 2) / pairs)
    return float(np.clip(np.mean(areas), 0, 1)) if areas else 0.5


def same_rows(*parts: np.ndarray) -> np.ndarray:
    """(n,) one code for all rows that are equal in every part: they share one label, known or not."""
    hashes = [row_hashes(part, seed) for seed, part in enumerate(parts)]
    return np.unique(np.add.reduce(hashes), return_inverse=True)[1].ravel()


def simulated_interval(
    name: str,
    value: float,
    beliefs: Iterable[np.ndarray],
    probs: np.ndarray,
    entity: np.ndarray,
    doubt: float,
    seed: int,
) -> Estimate:
    """90 % interval: labels are drawn from every belief in turn and the metric is taken.

    The spread of the beliefs is what is not known of the calibration, that of the labels is chance. `doubt` is the
    standard deviation of what no draw can show, such as a shift that the beliefs do not follow.
    """
    rng = np.random.default_rng(seed)
    metric, drawn = METRICS[name], []
    for belief in beliefs:
        chance = rng.random(int(entity.max()) + 1)[entity]
        labels = (belief.cumsum(axis=1) < chance[:, None] * (1 - 1e-12)).sum(axis=1)
        drawn.append(metric(np.minimum(labels, probs.shape[1] - 1), probs))
    finite = np.array(drawn)[np.isfinite(drawn)]
    spread = float(np.hypot(MARGIN * finite.std(), doubt)) if len(finite) else 1.0
    return bounded(value, 1.645 * spread, len(probs), metric.low, metric.high)


def bounded(value: float, reach: float, n: int, low: float, high: float) -> Estimate:
    """`value` +- `reach`; between bounds the side that is cut off moves to the other, half of it."""
    below, above = value - reach, value + reach
    below, above = below - max(above - high, 0) / 2, above + max(low - below, 0) / 2
    return Estimate(value, float(max(min(below, value), low)), float(min(max(above, value), high)), n)
