"""The mean of some rows against that of the rest."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.binning import moments


def gap(values: np.ndarray, inside: np.ndarray, level: float = 0.9) -> Estimate:
    """Mean inside less mean outside, by Welch; the p-value is for "not higher inside".

    Without rows on both sides nothing can be said: a gap of 0 with p = 1.
    """
    number = int(inside.sum())
    if number == 0 or number == len(values):
        return Estimate(0.0, 0.0, 0.0, number, 1.0)
    sides = moments(inside.astype(np.intp), values, 2)
    return welch(sides.means[1] - sides.means[0], sides.variances / sides.sizes, sides.sizes, level)


def welch(value: float, errors: np.ndarray, sizes: np.ndarray, level: float) -> Estimate:
    """A difference of two means with squared standard `errors`; `n` is the size of the second side."""
    from scipy.special import stdtr, stdtrit

    error = float(np.sqrt(errors.sum()))
    if error == 0:
        return Estimate(value, value, value, int(sizes[1]), 1.0 if value <= 0 else 1 / (sizes.sum() + 1))
    freedom = float(errors.sum() ** 2 / (errors**2 / np.maximum(sizes - 1, 1)).sum())
    reach = float(stdtrit(freedom, 0.5 + level / 2)) * error
    pvalue = float(max(stdtr(freedom, -value / error), np.finfo(float).tiny))
    return Estimate(float(value), float(value - reach), float(value + reach), int(sizes[1]), pvalue)
