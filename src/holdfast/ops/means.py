"""Difference of two means."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate


def welch(ref: np.ndarray, cur: np.ndarray, level: float = 0.9) -> Estimate:
    """How far the mean of `cur` lies above that of `ref`, in pooled standard deviations; the p-value of not above.

    Welch's t with Satterthwaite's degrees of freedom.

    >>> found = welch(np.array([0.0, 2.0]), np.array([4.0, 6.0]), level=0.9)
    >>> round(found.value, 3), round(found.pvalue, 3)      # 4 / sqrt(2); t = 4 / sqrt(2) with 2 degrees of freedom
    (2.828, 0.053)
    """
    from scipy.special import stdtr, stdtrit

    n, m = len(ref), len(cur)
    if min(n, m) < 2:
        raise ValueError("a comparison of means needs two rows on each side: ref_... or cur_... holds only one.")
    parts = float(ref.var(ddof=1)) / n, float(cur.var(ddof=1)) / m
    gap = float(cur.mean(dtype=np.float64) - ref.mean(dtype=np.float64))
    spread = float(np.sqrt((parts[0] * n * (n - 1) + parts[1] * m * (m - 1)) / (n + m - 2)))
    spread = max(spread, 1e-9 * (abs(gap) + 1e-9))
    error = max(sum(parts) ** 0.5, spread / (n + m))
    freedom = (
        sum(parts) ** 2 / max(parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1), 1e-300) if sum(parts) else n + m - 2
    )
    pvalue = max(float(stdtr(max(freedom, 1.0), -gap / error)), float(np.finfo(float).tiny))
    value, reach = gap / spread, float(stdtrit(max(freedom, 1.0), 0.5 + level / 2)) * error / spread
    return Estimate(value, value - reach, value + reach, n + m, pvalue)
