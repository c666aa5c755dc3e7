"""Replication gap: a new test set, collected as the old one was."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.lines import probit


class ReplicationGap(Measure):
    r"""Whether models that are better on a much used test set are as much better on a fresh replica of it.

    .. math:: a_\text{new} = \beta a_\text{old} + c

    Years of tuning on one test set ("adaptive overfitting") make gains that do not last: a slope below one, which is
    what the p-value of `of="slope"` tests. A drop with a slope of one or more speaks for harder data instead.
    `of="drop"` is the mean loss in accuracy, its p-value that of no loss. `scale` takes accuracies as they are or as
    probits. The chance of the old rows in the spread of the old accuracies, which flattens the slope, is taken off
    exactly; the errors are those of new models and of new rows, which all models share.

    Use it when a benchmark has been collected again. It fails with models of equal accuracy: the slope stays open.

    >>> def rows(*right): return [[True] * share + [False] * (1000 - share) for share in right]
    >>> old, new = rows(800, 850, 900, 950), rows(660, 750, 820, 900)
    >>> round(ReplicationGap().measure(old, new).value, 2)  # .01975 / .0125 = 1.58, freed from the chance of 1,000 rows
    1.59
    >>> round(ReplicationGap(of="drop").measure(old, new).value, 4)
    0.0925
    >>> round(ReplicationGap(scale="probit").measure(old, new).value, 2)
    1.07
    """

    source = "recht2019imagenet"
    claims = ("test_set_reuse",)
    of: Literal["slope", "drop"] = "slope"
    scale: Literal["accuracy", "probit"] = "accuracy"

    def measure(self, ref_correct_runs: np.ndarray, cur_correct_runs: np.ndarray) -> Estimate:
        """The slope (or the mean drop) from the old rows (`ref_`) to the new ones, with its 90 % interval."""
        m = len(ref_correct_runs)
        if m < 3 or min(ref_correct_runs.shape[1], cur_correct_runs.shape[1]) < 2:
            raise ValueError(f"ref_correct_runs holds {m} models; a line needs three, and two rows of each test set.")
        old, new = (_side(right, self.scale) for right in (ref_correct_runs, cur_correct_runs))
        if self.of == "drop":
            value = float((old.place - new.place).mean())
            pulls = [side.pulls.mean(axis=0) for side in (old, new)]
            spread = float((old.place - new.place).var(ddof=1)) / m
            return _estimate(value, value, spread, pulls, m, m - 1)
        centred, other = old.place - old.place.mean(), new.place - new.place.mean()
        n = old.pulls.shape[1]
        total = float(centred @ centred)
        real = total - float(old.pulls.var(axis=0, ddof=1).sum()) * (m - 1) / (n * (n - 1))
        if real <= 1e-3 * total or total == 0:
            raise ValueError(
                "ref_correct_runs differ in accuracy by no more than chance: no slope can be told. Give models that "
                "differ more."
            )
        slope = float(centred @ other) / real
        residual = other - slope * centred
        pulls = [(other - 2 * slope * centred) @ old.pulls / real, centred @ new.pulls / real]
        return _estimate(slope, 1 - slope, float(residual @ residual) / (m - 2) / real, pulls, m, m - 2)


class _Side(NamedTuple):
    """Accuracies (m,) on the scale, and what every row adds to each of them (m, n)."""

    place: np.ndarray
    pulls: np.ndarray


def _side(right: np.ndarray, scale: str) -> _Side:
    accuracy = right.mean(axis=1)
    pulls = right - accuracy[:, None]
    if scale == "accuracy":
        return _Side(accuracy, pulls)
    place = probit(accuracy)
    density = np.exp(-(place**2) / 2) / np.sqrt(2 * np.pi)
    return _Side(place, pulls / density[:, None])


def _estimate(value: float, fault: float, models: float, pulls: list[np.ndarray], m: int, freedom: int) -> Estimate:
    """A t interval from the variance between models and of the rows; the p-value is for "the fault is not there"."""
    from scipy.special import stdtr, stdtrit

    error = float(np.sqrt(models + sum(float(pull.var()) / (len(pull) - 1) for pull in pulls)))
    reach = float(stdtrit(freedom, 0.95)) * error
    tiny = float(np.finfo(float).tiny)
    pvalue = float(stdtr(freedom, -fault / error)) if error > 0 else (1.0 if fault <= 0 else tiny)
    return Estimate(value, value - reach, value + reach, m, max(pvalue, tiny))
