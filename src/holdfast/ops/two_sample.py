"""Two samples of one column: statistics, honest p-values and effect sizes from one merged sort or one count.

P-values hold at every sample size, with ties, constant columns and rare categories, and are never 0. Effect sizes are
in units that do not grow with the sample (standard deviations, shares), so that large data do not make harmless
shifts look large. Missing values (NaN) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from holdfast.core import Estimate

TINY = float(np.finfo(np.float64).tiny)
EXACT_PAIRS = 10_000  # below this many pairs of rows the Kolmogorov-Smirnov p-value is exact
Z90 = 1.6448536269514722  # half-width of a 90 % normal interval
KS90 = 1.2238478702170825  # 90 % point of the Kolmogorov distribution
EXPECTED = 5.0  # Cochran: least expected count for the chi-squared approximation


class NumericComparison(NamedTuple):
    """What one merged sort of a numeric column says.

    `ks` is the largest gap between the distribution functions; `superiority` the chance that a current value exceeds
    a reference value, ties half; `wasserstein` the area between the distribution functions in standard deviations.
    """

    ks: Estimate
    superiority: Estimate
    wasserstein: Estimate

    @property
    def pvalue(self) -> float:
        """Of any change: the smaller of the two tests (shape, location), times two."""
        return min(1.0, 2 * min(self.ks.pvalue or TINY, self.superiority.pvalue or TINY))


class CategoryComparison(NamedTuple):
    """What the counts of a categorical column say: total variation distance and Cramer's V, same chi-squared test."""

    total_variation: Estimate
    cramers_v: Estimate
    chi_squared: float


class ColumnShift(NamedTuple):
    """One column of `compare_columns`: the effect with interval and p-value, its unit and the test used."""

    effect: Estimate
    unit: str
    test: str


def compare_columns(
    ref: Sequence[np.ndarray], cur: Sequence[np.ndarray], categorical: Sequence[bool]
) -> list[ColumnShift]:
    """Compare column by column; numeric columns may hold NaN, categorical ones are codes >= 0, missing -1.

    >>> rng = np.random.default_rng(0)
    >>> same, moved = rng.normal(size=(2, 1000)), rng.normal(size=(2, 1000)) + [[0.0], [0.5]]
    >>> [str(column.effect.value.__round__(1)) for column in compare_columns(same, moved, [False, False])]
    ['0.0', '0.5']
    """
    return [_compare_one(a, b, kind) for a, b, kind in zip(ref, cur, categorical, strict=True)]


def _compare_one(ref: np.ndarray, cur: np.ndarray, categorical: bool) -> ColumnShift:
    if categorical:
        counted = compare_category(ref[ref >= 0], cur[cur >= 0])
        return ColumnShift(counted.total_variation, "share of rows", "chi-squared")
    sorted_ = compare_numeric(ref[~np.isnan(ref)], cur[~np.isnan(cur)])
    effect = sorted_.wasserstein._replace(pvalue=sorted_.pvalue)
    return ColumnShift(effect, "standard deviations", "Kolmogorov-Smirnov and Mann-Whitney")


def compare_numeric(ref: np.ndarray, cur: np.ndarray) -> NumericComparison:
    """Kolmogorov-Smirnov, Mann-Whitney and Wasserstein from one merged sort.

    >>> result = compare_numeric(np.array([0.0, 1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0, 5.0]))
    >>> round(result.ks.value, 3), round(result.superiority.value, 3)
    (0.5, 0.875)
    """
    n, m = len(ref), len(cur)
    if not n or not m:
        nothing = Estimate(0.0, 0.0, float("inf"), n + m, 1.0)
        return NumericComparison(nothing._replace(high=1.0), Estimate(0.5, 0.0, 1.0, n + m, 1.0), nothing)
    merged = _merge(np.sort(ref.astype(np.float64)), np.sort(cur.astype(np.float64)))
    gap = merged.ref_upto / n - merged.cur_upto / m
    ks = float(np.abs(gap).max())
    band = KS90 * np.sqrt(1 / n + 1 / m)
    shape = Estimate(ks, max(0.0, ks - band), min(1.0, ks + band), n + m, _ks_pvalue(ks, ref, cur))
    return NumericComparison(shape, _superiority(merged, n, m), _wasserstein(merged, gap, n, m))


class _Merged(NamedTuple):
    """Distinct values in order; rows of each sample at each, and at or below each (as floats: products are fast)."""

    values: np.ndarray
    ref_here: np.ndarray
    cur_here: np.ndarray
    ref_upto: np.ndarray
    cur_upto: np.ndarray


def _merge(ref: np.ndarray, cur: np.ndarray) -> _Merged:
    both = np.concatenate([ref, cur])
    order = np.argsort(both, kind="stable")  # merges the two sorted runs in linear time
    values = both[order]
    cur_here = np.greater_equal(order, len(ref), out=both)  # buffers serve twice: new memory costs as much as the sums
    cur_upto = np.cumsum(cur_here)
    ref_upto = np.arange(1.0, len(values) + 1)
    ref_upto -= cur_upto
    last = values[1:] != values[:-1]
    if last.all():
        return _Merged(values, 1 - cur_here, cur_here, ref_upto, cur_upto)
    kept = np.append(np.flatnonzero(last), len(values) - 1)
    ref_upto, cur_upto = ref_upto[kept], cur_upto[kept]
    ref_here, cur_here = np.diff(ref_upto, prepend=0.0), np.diff(cur_upto, prepend=0.0)
    return _Merged(values[kept], ref_here, cur_here, ref_upto, cur_upto)


def _ks_pvalue(ks: float, ref: np.ndarray, cur: np.ndarray) -> float:
    n, m = len(ref), len(cur)
    if n * m <= EXACT_PAIRS:
        return max(TINY, float(stats.ks_2samp(ref, cur, method="exact").pvalue))
    size = np.round(n * m / (n + m))
    if size <= 1000:
        return float(np.clip(stats.kstwo.sf(ks, size), TINY, 1.0))
    root = np.sqrt(size)  # the limit distribution with Vrbik's (2018) correction: 1e-3 of p at most where p > 1e-3
    return max(TINY, float(special.kolmogorov(root * ks + 1 / (6 * root) + (root * ks - 1) / (4 * size))))


def _superiority(merged: _Merged, n: int, m: int) -> Estimate:
    """P(cur > ref) + P(cur = ref) / 2, with the tie-corrected Mann-Whitney p-value and a DeLong interval."""
    total = n + m
    below = merged.ref_upto - merged.ref_here / 2  # of a current value: the reference rows below it
    value = float(merged.cur_here @ below) / (n * m)
    spread = _variance(below, merged.cur_here, m) / n**2 / m
    np.subtract(merged.cur_upto, merged.cur_here / 2, out=below)  # of a reference value: the current rows below it
    spread += _variance(below, merged.ref_here, n) / m**2 / n
    tied = 0.0
    if len(merged.values) < total:
        ties = merged.ref_here + merged.cur_here
        tied = float((ties**3 - ties).sum()) / (total * max(total - 1, 1))
    deviation = np.sqrt(n * m / 12 * max(total + 1 - tied, 0.0))
    excess = abs(value - 0.5) * n * m - 0.5  # continuity correction
    pvalue = 1.0 if deviation == 0 or excess <= 0 else max(TINY, 2 * float(stats.norm.sf(excess / deviation)))
    half = Z90 * np.sqrt(max(spread, 0.25 / (n * m)))
    low, high = max(0.0, value - float(half)), min(1.0, value + float(half))
    return Estimate(value, low, high, total, min(1.0, pvalue))


def _wasserstein(merged: _Merged, gap: np.ndarray, n: int, m: int) -> Estimate:
    """Area between the distribution functions in standard deviations, with an interval.

    The area is the difference of the means of one function with slope 1 or -1, the potential: its variance gives the
    standard error. Equal distributions differ a little in every sample: the lower end allows for that too.
    """
    values = merged.values
    size = max(abs(float(values[0])), abs(float(values[-1])), TINY)
    scaled = values / size if size > 1e100 or size < 1e-100 else values  # squares must not overflow
    scaled = scaled - scaled[len(scaled) // 2]
    sd = np.sqrt((_variance(scaled, merged.ref_here, n) + _variance(scaled, merged.cur_here, m)) / 2)
    if sd <= 1e-12 * float(scaled[-1] - scaled[0]):  # two different constants: the spread of both together
        sd = np.sqrt(_variance(scaled, merged.ref_here / n + merged.cur_here / m, 2))
    if sd == 0:
        return Estimate(0.0, 0.0, 0.0, n + m, 1.0)
    steps = np.diff(scaled)
    steps /= sd
    area = float(np.abs(gap[:-1]) @ steps)
    moves = np.copysign(steps, gap[:-1])
    potential = np.zeros(len(values))
    np.cumsum(moves, out=potential[1:])
    error = np.sqrt(_variance(potential, merged.ref_here, n) / n + _variance(potential, merged.cur_here, m) / m)
    share = np.add(merged.ref_upto[:-1], merged.cur_upto[:-1], out=moves)
    share /= n + m
    share -= share**2
    by_chance = np.sqrt(2 / np.pi * (1 / n + 1 / m)) * float(np.sqrt(share, out=share) @ steps)
    low = max(0.0, area - by_chance - Z90 * error) if min(n, m) > 1 else 0.0  # one row has no spread to go by
    return Estimate(area, float(low), float(area + Z90 * error), n + m)


def _variance(values: np.ndarray, counts: np.ndarray, total: float) -> float:
    weighted = counts * values
    mean = float(weighted.sum()) / total
    return max(0.0, float(weighted @ values) / total - mean**2)


def compare_category(ref: np.ndarray, cur: np.ndarray) -> CategoryComparison:
    """Pearson's chi-squared test of equal shares, total variation distance and Cramer's V of a column of codes.

    >>> result = compare_category(np.repeat([0, 1], [60, 40]), np.repeat([0, 1], [40, 60]))
    >>> round(result.chi_squared, 3), round(result.total_variation.value, 3), round(result.cramers_v.value, 3)
    (8.0, 0.2, 0.2)
    """
    n, m = len(ref), len(cur)
    if not n or not m:
        nothing = Estimate(0.0, 0.0, 1.0, n + m, 1.0)
        return CategoryComparison(nothing, nothing, 0.0)
    counts = _counts(ref, cur)
    together = counts.sum(axis=0)
    expected_ref = together * (n / (n + m))
    chi_squared = float(((counts[0] - expected_ref) ** 2 / together).sum()) * (n + m) ** 2 / (n * m)
    pvalue = chi_squared_pvalue(counts)
    variation = _total_variation(counts)._replace(pvalue=pvalue)
    return CategoryComparison(variation, _cramers_v(chi_squared, len(together) - 1, n + m, pvalue), chi_squared)


def _counts(ref: np.ndarray, cur: np.ndarray) -> np.ndarray:
    """(2, k) counts of the k codes that occur."""
    both = np.concatenate([ref, cur])
    if int(both.max()) > 4 * len(both) + 1000:  # sparse codes, such as hashes
        both = np.unique(both, return_inverse=True)[1]
    codes = int(both.max()) + 1
    counts = np.stack([np.bincount(both[: len(ref)], minlength=codes), np.bincount(both[len(ref) :], minlength=codes)])
    return counts[:, counts.sum(axis=0) > 0].astype(np.float64)


def chi_squared_pvalue(counts: np.ndarray) -> float:
    r"""P-value of equal shares in the two rows of `counts`.

    With rare categories the chi-squared approximation is far off: two categories take Fisher's exact test, more a
    gamma distribution with the statistic's exact mean and variance over all splits of the rows (Haldane 1940, Dawson
    1954). Categories seen once say nothing one by one: they count as one category.

    >>> round(chi_squared_pvalue(np.array([[60.0, 40.0], [40.0, 60.0]])), 4)
    0.0047
    """
    together = counts.sum(axis=0)
    once = together == 1
    if once.sum() > 1:
        counts = np.column_stack([counts[:, ~once], counts[:, once].sum(axis=1)])
        together = counts.sum(axis=0)
    (n, m), total, k = counts.sum(axis=1), counts.sum(), len(together)
    if k < 2:
        return 1.0
    statistic = float(((counts[0] - together * (n / total)) ** 2 / together).sum()) * total**2 / (n * m)
    if together.min() * min(n, m) / total >= EXPECTED:
        return max(TINY, float(stats.chi2.sf(statistic, k - 1)))
    if k == 2:
        return max(TINY, float(stats.fisher_exact(counts.astype(np.int64)).pvalue))
    if total <= 3:
        return 1.0
    mean = total * (k - 1) / (total - 1)
    rows = (total * (1 / n + 1 / m) - 4) / (total - 2), (total - 2) / (total - 1)
    columns = (total * (1 / together).sum() - k**2) / (total - 2), (total - k) * (k - 1) / (total - 1)
    variance = 2 * total / (total - 3) * (rows[1] - rows[0]) * (columns[1] - columns[0])
    variance += total**2 / (total - 1) * rows[0] * columns[0]
    if variance <= 1e-9 * mean:
        return 1.0
    return max(TINY, float(stats.gamma.sf(statistic, mean**2 / variance, scale=variance / mean)))


def _total_variation(counts: np.ndarray) -> Estimate:
    n, m = counts.sum(axis=1)
    p, q = counts[0] / n, counts[1] / m
    value = float(np.abs(p - q).sum()) / 2
    side = np.sign(p - q)
    spread = [max(0.0, 1 - float(part @ side) ** 2) for part in (p, q)]  # disjoint shares may sum to 1 + 1e-16
    error = np.sqrt(spread[0] / n + spread[1] / m) / 2
    share = counts.sum(axis=0) / (n + m)
    by_chance = float(np.sqrt(2 / np.pi * (1 / n + 1 / m) * share * (1 - share)).sum()) / 2
    low, high = max(0.0, value - by_chance - Z90 * error), min(1.0, value + Z90 * error)
    return Estimate(value, float(low), float(max(high, value)), int(n + m))


def _cramers_v(chi_squared: float, degrees: int, total: int, pvalue: float) -> Estimate:
    """With two samples V is sqrt(chi2 / n); the interval turns the noncentral chi-squared around (Patnaik's normal)."""
    value = min(1.0, float(np.sqrt(chi_squared / total)))
    if degrees == 0:
        return Estimate(0.0, 0.0, 1.0, total, pvalue)
    excess = max(chi_squared - degrees, 0.0)
    half = Z90 * np.sqrt(2 * (degrees + 2 * excess))
    low, high = np.sqrt(max(0.0, excess - half) / total), np.sqrt((excess + half) / total)
    return Estimate(value, min(float(low), value), min(1.0, max(float(high), value)), total, pvalue)


def dealt_anew(ref: np.ndarray, cur: np.ndarray, draws: int, seed: int) -> float:
    """The p-value of a mean of `cur` above that of `ref`: how often rows dealt at random to both differ as much.

    Exact at any size and for any distribution where the rows of both sides are alike.

    >>> dealt_anew(np.array([0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0]), draws=199, seed=0) < 0.1      # 1 of 20
    True
    """
    every, n = np.concatenate([ref, cur]).astype(np.float64), len(cur)
    gap = float(cur.mean(dtype=np.float64) - ref.mean(dtype=np.float64))
    rng = np.random.default_rng(seed)
    sums = np.array([every[rng.permutation(len(every))[:n]].sum() for _ in range(draws)])
    extreme = int((sums / n - (every.sum() - sums) / len(ref) >= gap - 1e-12).sum())
    return (1 + extreme) / (draws + 1)
