"""Which methods are better, and which cannot be told apart: paired over plantings, with intervals and tiers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.multiple_testing import holm

DRAWS = 2000


def mean_interval(values: np.ndarray, cells: Sequence[str], seed: int, level: float = 0.9) -> Estimate:
    """Mean over plantings with a bootstrap interval: the draws of each cell (a fault at a strength) are drawn again.

    Which faults and strengths are planted is a choice, not a sample, so cells are kept as they are. Deviations are
    widened by sqrt(r / (r - 1)) for r draws in a cell, without which a few draws look surer than they are. With one
    draw in every cell nothing says how sure the mean is: the interval is infinite.

    >>> values = np.array([0.1, 0.3, 0.7, 0.9])
    >>> interval = mean_interval(values, ["a", "a", "b", "b"], seed=0)
    >>> round(interval.value, 2), round(interval.low, 2), round(interval.high, 2)
    (0.5, 0.36, 0.64)
    """
    known = np.isfinite(values)
    values, names = values[known], np.asarray(cells)[known]
    if not len(values):
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    rng, total = np.random.default_rng([seed, 41]), np.zeros(DRAWS)
    spread = False
    for cell in np.unique(names):
        inside = values[names == cell]
        r = len(inside)
        if r > 1:
            spread = True
            drawn = inside[rng.integers(r, size=(DRAWS, r))].sum(axis=1)
            total += inside.sum() + (drawn - inside.sum()) * np.sqrt(r / (r - 1))
        else:
            total += inside.sum()
    mean = float(values.mean())
    if not spread:
        return Estimate(mean, -float("inf"), float("inf"), len(values))
    low, high = np.quantile(total / len(values), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(mean, float(min(low, mean)), float(max(high, mean)), len(values))


def friedman(values: np.ndarray) -> float | None:
    """P-value of "all methods (rows) are alike" over plantings (columns), by Friedman's test in its F form.

    The form of Iman and Davenport (1980), which Demsar (2006) recommends. None with fewer than three methods or two
    plantings.

    >>> friedman(np.array([[3.0, 3.0, 3.0, 3.0], [2.0, 2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 2.0]])) < 0.01
    True
    """
    from scipy.stats import f, rankdata

    k, n = values.shape
    if k < 3 or n < 2:
        return None
    ranks = rankdata(values, axis=0)
    means = ranks.mean(axis=1)
    spread = float(((ranks - (k + 1) / 2) ** 2).sum()) / (n * (k - 1))  # k (k + 1) / 12 without ties
    if spread == 0:
        return 1.0
    statistic = n * float(((means - (k + 1) / 2) ** 2).sum()) / spread
    rest = n * (k - 1) - statistic
    if rest <= 1e-9:
        return float(np.finfo(float).tiny)
    return float(f.sf((n - 1) * statistic / rest, k - 1, (k - 1) * (n - 1)))


def tiers(values: np.ndarray, level: float = 0.05) -> list[int]:
    """The tier of every method (rows, best mean first) over plantings (columns): 1 = cannot be told from the best.

    The best method of those left heads a tier; the others of the tier are those that Wilcoxon's signed-rank test, with
    Holm's correction for their number, does not hold for worse (Benavoli, Corani and Mangili 2016 for why not by mean
    ranks), and those that rank between them. What is left makes the next tier.

    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(0, 0.01, (4, 20))
    >>> tiers(np.array([[0.9], [0.9], [0.5], [0.5]]) + noise)
    [1, 1, 2, 2]
    """
    tier = np.zeros(len(values), dtype=int)
    current = 0
    while (tier == 0).any():
        current += 1
        left = np.flatnonzero(tier == 0)
        head, others = left[0], left[1:]
        tier[head] = current
        pvalues = np.array([_worse(values[head], values[other]) for other in others])
        tied = np.flatnonzero(holm(pvalues) >= level) if len(others) else others
        tier[others[: tied[-1] + 1 if len(tied) else 0]] = current
    return tier.tolist()


def _worse(head: np.ndarray, other: np.ndarray) -> float:
    """P-value of "the head is not better", one-sided; plantings on which both are alike count half each way."""
    from scipy.stats import wilcoxon

    gaps = head - other
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) < 2 or not gaps.any():
        return 1.0
    return float(wilcoxon(gaps, alternative="greater", zero_method="zsplit", method="approx").pvalue)


def breaks_level(alarms: int, draws: int, level: float = 0.05) -> bool:
    """Whether so many false alarms would be seen in fewer than 5 % of benches if the level were held.

    >>> breaks_level(2, 20), breaks_level(5, 20)
    (False, True)
    """
    from scipy.stats import binom

    return bool(draws) and float(binom.sf(alarms - 1, draws, level)) < 0.05
