"""Which estimator can be trusted on these data: shifts are planted in the labelled rows, and every estimator is tried.

The labelled rows are halved again and again. One half is the reference; the other is made to shift (`shifts`), and
what the estimators say of it without its labels is held against what its labels say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.audit.estimators import NO_CHANGE, Evidence, estimates, no_change, some_rows
from holdfast.audit.load import Task
from holdfast.core import Estimate
from holdfast.estimate.shifts import Half, Shift, numeric_cells, shifts_for
from holdfast.faults._tables import CannotPlant, Tables
from holdfast.ops.density_ratio import logistic_ratio
from holdfast.ops.metrics import Metric

MOST_ROWS = 3_000  # labelled rows that a trial uses
LEAST_ROWS = 120  # with fewer, halves are too small to fit an estimator on
LEAST_SHIFTED = 20  # rows that a shift has to leave
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


def plant_shifts(
    evidence: Evidence, metric: Metric, task: Task, seed: int, draws: int, cells: Tables | None = None
) -> list[Trial]:
    """`draws` trials of every kind of shift; none where there are too few labelled rows.

    `cells` is the table of the reference rows as it was read, in which faults are planted; their coordinates otherwise.
    """
    if len(evidence.ref_y) < LEAST_ROWS:
        return []
    cells = cells or numeric_cells(evidence.ref_X, evidence.ref_y, task)
    kept = some_rows(len(evidence.ref_y), MOST_ROWS, seed)
    towards = logistic_ratio(evidence.ref_X[kept], evidence.cur_X[some_rows(len(evidence.cur_X), MOST_ROWS, seed)])
    rows = Half(
        evidence.ref_X[kept], evidence.ref_predicted[kept], evidence.ref_y[kept], np.log(towards),
        cells.with_train(cells.train[kept]),
    )  # fmt: skip
    trials = []
    for place, (name, shift) in enumerate(shifts_for(task).items()):
        for draw in range(draws):
            planted = _planted(rows, shift, task, np.random.default_rng([seed, 31, place, draw]))
            if planted is None:
                continue
            shown, hidden = planted
            said = {**estimates(metric, task, shown), NO_CHANGE: no_change(metric, shown)}
            before, truth = metric(shown.ref_y, shown.ref_predicted), metric(hidden, shown.cur_predicted)
            trials.append(Trial(name, float(before), float(truth), said))
    return trials


def _planted(rows: Half, shift: Shift, task: Task, rng: np.random.Generator) -> tuple[Evidence, np.ndarray] | None:
    """One half as the reference, the other after the shift, and its labels, which no estimator sees.

    None where the shift has no place in these rows or leaves too few of them.
    """
    ref, pool = np.array_split(rng.permutation(len(rows.y)), [len(rows.y) // 2])
    try:
        cur = pool[shift(rows.split(ref, pool), rng)]
    except CannotPlant:
        return None
    if len(cur) < LEAST_SHIFTED or (task.kind != "regression" and _is_of_one_class(rows.y[ref], rows.y[cur])):
        return None
    return Evidence(rows.X[ref], rows.predicted[ref], rows.y[ref], rows.X[cur], rows.predicted[cur]), rows.y[cur]


def _is_of_one_class(*sides: np.ndarray) -> bool:
    return min(len(np.unique(y)) for y in sides) < 2


def choose(trials: list[Trial], default: str) -> tuple[str, str]:
    """The estimator to trust, and why: the one that erred least, unless its lead over the default may be chance."""
    from scipy.special import ndtri

    if not trials:
        return default, "too few labelled rows to plant shifts in: this is the default"
    errors = {name: np.array([trial.error(name) for trial in trials]) for name in trials[0].said}
    best = min(errors, key=lambda name: float(errors[name].mean()))
    if best == default:
        return default, f"it erred least in {len(trials)} shifts planted in the labelled rows"
    gap, rivals = errors[default] - errors[best], len(errors) - 1
    quantile = float(ndtri(1 - 0.05 / rivals))  # the best of several: Bonferroni
    surely = gap.mean() > quantile * max(gap.std(ddof=1), 1e-12) / np.sqrt(len(gap))
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
