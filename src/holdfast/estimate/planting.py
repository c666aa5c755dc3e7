"""Which estimator can be trusted on these data: shifts are planted in the labelled rows, and every estimator is tried.

The labelled rows are halved again and again. One half is the reference; from the other, rows are drawn so that it
shifts, and what the estimators say of it without its labels is held against what its labels say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from holdfast.audit.estimators import NO_CHANGE, Evidence, estimates, no_change, some_rows
from holdfast.audit.load import Task
from holdfast.core import Estimate
from holdfast.ops.density_ratio import logistic_ratio, standardised
from holdfast.ops.metrics import Metric

MOST_ROWS = 3_000  # labelled rows that a trial uses
LEAST_ROWS = 120  # with fewer, halves are too small to fit an estimator on
SHARE = 0.4  # of the second half that a shift draws
LEVEL = 0.9
MOST_WIDENING = 4.0


class Trial(NamedTuple):
    """One planted shift: its name, the true metric before and after, and what every estimator said."""

    shift: str
    before: float
    truth: float
    said: dict[str, Estimate]

    def error(self, name: str) -> float:
        """How far off the estimator was."""
        return abs(self.said[name].value - self.truth)

    def reach_needed(self, name: str) -> float:
        """By what factor its interval would have to be stretched to hold the truth."""
        own = self.said[name]
        reach = own.high - own.value if self.truth > own.value else own.value - own.low
        return self.error(name) / reach if reach > 1e-12 else (np.inf if self.error(name) > 1e-12 else 0.0)


def plant_shifts(evidence: Evidence, metric: Metric, task: Task, seed: int, draws: int) -> list[Trial]:
    """`draws` trials of every kind of shift; none where there are too few labelled rows."""
    if len(evidence.ref_y) < LEAST_ROWS:
        return []
    kept = some_rows(len(evidence.ref_y), MOST_ROWS, seed)
    X, predicted, y = evidence.ref_X[kept], evidence.ref_predicted[kept], evidence.ref_y[kept]
    towards = np.log(logistic_ratio(X, evidence.cur_X[some_rows(len(evidence.cur_X), MOST_ROWS, seed)]))
    trials = []
    for place, (shift, pull) in enumerate(_SHIFTS.items()):
        for draw in range(draws):
            rng = np.random.default_rng([seed, 31, place, draw])
            order = rng.permutation(len(y))
            half = len(y) // 2
            ref, pool = order[:half], order[half:]
            log_weights = pull(Pool(X[pool], predicted[pool], y[pool], towards[pool]), rng)
            cur = pool[_drawn(log_weights, max(20, round(SHARE * len(pool))), rng)]
            planted = Evidence(X[ref], predicted[ref], y[ref], X[cur], predicted[cur])
            if task.kind != "regression" and min(len(np.unique(y[ref])), len(np.unique(y[cur]))) < 2:
                continue
            said = {**estimates(metric, task, planted), NO_CHANGE: no_change(metric, planted)}
            before, truth = float(metric(y[ref], predicted[ref])), float(metric(y[cur], predicted[cur]))
            trials.append(Trial(shift, before, truth, said))
    return trials


def choose(trials: list[Trial], default: str) -> tuple[str, str]:
    """The estimator to trust, and why: the one that erred least, unless the default's lead over it may be chance."""
    if not trials:
        return default, "too few labelled rows to plant shifts in: this is the default"
    errors = {name: np.array([trial.error(name) for trial in trials]) for name in trials[0].said}
    best = min(errors, key=lambda name: float(errors[name].mean()))
    if best == default:
        return default, f"it erred least in {len(trials)} shifts planted in the labelled rows"
    gap = errors[default] - errors[best]
    surely = gap.mean() > 1.645 * max(gap.std(ddof=1), 1e-12) / np.sqrt(len(gap))
    if surely:
        return best, f"in {len(trials)} shifts planted in the labelled rows it surely erred less than the default"
    return default, f"no other erred surely less in {len(trials)} shifts planted in the labelled rows"


def widening(trials: list[Trial], name: str) -> float:
    """The factor, at least 1, by which intervals of an estimator are stretched to hold the truth at their level.

    The conformal quantile over the planted shifts of what each would have needed.
    """
    if not trials:
        return 1.0
    needed = np.sort([trial.reach_needed(name) for trial in trials])
    place = min(int(np.ceil(LEVEL * (len(needed) + 1))), len(needed)) - 1
    return float(np.clip(needed[place], 1.0, MOST_WIDENING))


def stretched(estimate: Estimate, factor: float, metric: Metric) -> Estimate:
    """The estimate with its interval stretched, within the bounds of the metric."""
    low = max(metric.low, estimate.value - factor * (estimate.value - estimate.low))
    high = min(metric.high, estimate.value + factor * (estimate.high - estimate.value))
    return estimate._replace(low=low, high=high)


# --- the shifts: log weights of the rows of the second half --------------------------------------------------------
class Pool(NamedTuple):
    """The rows to draw from, and the log ratio of the production rows to them."""

    X: np.ndarray
    predicted: np.ndarray
    y: np.ndarray
    towards: np.ndarray


def _tilt(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    left, _ = standardised(pool.X, pool.X)
    return 1.5 * _scaled(left @ rng.normal(size=left.shape[1]))


def _harder(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    doubt = 1 - pool.predicted.max(axis=1) if pool.predicted.ndim == 2 else pool.predicted
    return _sign(rng) * _scaled(doubt)


def _labels(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    if pool.predicted.ndim == 1:
        return _sign(rng) * _scaled(pool.y)
    wanted = rng.dirichlet(np.full(pool.predicted.shape[1], 2.0)) + 1e-3
    shares = np.bincount(pool.y, minlength=len(wanted)) / len(pool.y)
    return np.log(wanted / np.maximum(shares, 1e-3))[pool.y]


def _region(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    left, _ = standardised(pool.X, pool.X)
    return -2.0 * _scaled(((left - left[rng.integers(len(left))]) ** 2).sum(axis=1) ** 0.5)


_SHIFTS: dict[str, Callable[[Pool, np.random.Generator], np.ndarray]] = {
    "no shift": lambda pool, rng: np.zeros(len(pool.y)),
    "towards the production rows": lambda pool, rng: pool.towards,
    "one direction of the features": _tilt,
    "rows of another difficulty": _harder,
    "other shares of the target": _labels,
    "one region of the features": _region,
}


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _scaled(values: np.ndarray) -> np.ndarray:
    return np.clip((values - values.mean()) / max(float(values.std()), 1e-12), -4, 4)


def _drawn(log_weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows drawn one by one, none put back, each with a chance in proportion to its weight (Gumbel's trick)."""
    return np.sort(np.argsort(-(log_weights + rng.gumbel(size=len(log_weights))), kind="stable")[:count])
