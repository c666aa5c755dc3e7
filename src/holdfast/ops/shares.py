"""Shares of counted rows: exact intervals, and the difference of two shares."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate


def clopper_pearson(hits: int, n: int, level: float = 0.9) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson, 1934).

    >>> [round(end, 3) for end in clopper_pearson(0, 10, level=0.9)]      # 1 - 0.05 ** (1 / 10)
    [0.0, 0.259]
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    return low, 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))


def share_difference(ref: np.ndarray, cur: np.ndarray, level: float = 0.9, exact: bool = True) -> Estimate:
    """How much larger the share of true rows is in `cur` than in `ref`, and the one-sided p-value of no more.

    The interval is Newcombe's (1998, method 10, from two Wilson intervals). The p-value is Fisher's exact one, or with
    `exact=False` that of the two-proportion z test with a pooled share.

    >>> found = share_difference(np.array([1, 0, 0, 0]), np.array([1, 1, 1, 0]), level=0.9, exact=True)
    >>> found.value, round(found.pvalue, 4)      # 4 of 8 true: (C(4,3) C(4,1) + 1) / C(8,4)
    (0.5, 0.2429)
    """
    from scipy.special import ndtr
    from scipy.stats import hypergeom

    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a share between 0 and 1.")
    n, m, hits, others = len(ref), len(cur), int(cur.sum()), int(ref.sum())
    p, q = others / n, hits / m
    (p_low, p_high), (q_low, q_high) = wilson_interval(p, n, level), wilson_interval(q, m, level)
    low = q - p - float(np.hypot(q - q_low, p_high - p))
    high = q - p + float(np.hypot(q_high - q, p - p_low))
    if exact:
        pvalue = float(hypergeom.sf(hits - 1, n + m, hits + others, m))
    else:
        pooled = (hits + others) / (n + m)
        error = (pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5
        pvalue = float(ndtr(-(q - p) / error)) if error > 0 else 1.0
    return Estimate(q - p, max(low, -1.0), min(high, 1.0), n + m, max(pvalue, float(np.finfo(float).tiny)))


def wilson_interval(share: float, n: int, level: float = 0.9) -> tuple[float, float]:
    """Wilson's interval of a share of n rows.

    >>> [round(end, 3) for end in wilson_interval(0.5, 10, level=0.95)]
    [0.237, 0.763]
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(centre - reach, 0.0), min(centre + reach, 1.0)
