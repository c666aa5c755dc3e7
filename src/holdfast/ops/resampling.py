"""Uncertainty of a metric, of a gain in a metric, and of any weighted statistic.

A model that is fitted again gives another metric, and another test set of the same size does too. `paired_gain` and
`metric_interval` keep the two apart with a two-way analysis of variance (refits x rows) of the rows' influences, which
gives what a two-way bootstrap gives in the limit of infinitely many draws, in one pass and without its bias at few
refits. `bootstrap_interval` is for statistics without a known influence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.metrics import METRICS, Metric

STOPPED = 0.05  # chance that the sequential test gives up a change that would end above zero
BLOCK = 1 << 22  # numbers of a (draws, rows) block of weights held together


def paired_gain(
    truth: np.ndarray, before: np.ndarray, after: np.ndarray, metric: str | Metric, level: float = 0.9
) -> Estimate:
    r"""What the metric gains from `before` to `after` (refits x rows [x classes]), positive = better.

    The interval is for the expected gain over new test rows and new refits; the p-value is for "no gain or a loss".
    With one refit the run-to-run noise cannot be seen and only the rows count.

    .. math:: \widehat{\mathrm{var}} = \frac{s_\text{rows}^2}{n} + \frac{\max(s_\text{refits}^2 - s_e^2 / n, 0)}{r}

    >>> truth = np.array([0, 1] * 20)
    >>> right = np.eye(2)[truth]
    >>> wrong = right.copy(); wrong[:10] = 1 - wrong[:10]
    >>> gain = paired_gain(truth, wrong[None], right[None], "accuracy", level=0.95)
    >>> [round(number, 2) for number in (gain.value, gain.low, gain.high)]
    [0.25, 0.1, 0.4]
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    sign = 1.0 if metric.higher_is_better else -1.0
    pairs = [_refits(truth, side, metric) for side in (before, after)]
    gains = sign * (pairs[1][0] - pairs[0][0])
    pulls = sign * (pairs[1][1] - pairs[0][1])
    value = float(gains.mean())
    error, freedom = two_way_error(gains, pulls, metric.counts)
    reach = _t_quantile(0.5 + level / 2, freedom) * error
    return Estimate(value, value - reach, value + reach, len(truth), _upper_tail(value, error, freedom, len(truth)))


def is_hopeless(gains: np.ndarray, repeats: int) -> bool:
    r"""Whether more refits would hardly bring the mean gain above zero: the sequential test that saves fits.

    After r of R refits with mean g and standard deviation s, the mean after all R lies, for normal refits, below

    .. math:: g + t_{1 - \alpha, r - 1} \, s \sqrt{1 / r - 1 / R}

    with probability 1 - alpha. The test stops where this is below zero; alpha is 5 % divided by the number of times
    that it looks, so that at most 5 % of the remedies that would have ended above zero are given up.

    >>> is_hopeless(np.array([-0.02, -0.021, -0.019]), 5), is_hopeless(np.array([-0.02, 0.01, 0.005]), 5)
    (True, False)
    """
    done = len(gains)
    if done < 2 or done >= repeats:
        return False
    alpha = STOPPED / (repeats - 2)
    reach = _t_quantile(1 - alpha, done - 1) * gains.std(ddof=1) * np.sqrt(1 / done - 1 / repeats)
    return bool(gains.mean() + reach < 0)


def metric_interval(truth: np.ndarray, prediction: np.ndarray, metric: str | Metric, level: float = 0.9) -> Estimate:
    """The metric of one prediction (n [, k]) or of the mean over refits (r, n [, k]), with its interval.

    Metrics between 0 and 1 get Wilson's interval at the effective number of rows, which holds near the ends.

    >>> right = metric_interval(np.array([0, 1] * 10), np.eye(2)[[0, 1] * 10], "accuracy", level=0.95)
    >>> [round(number, 2) for number in right[:4]]
    [1.0, 0.82, 1.0, 20]
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    many = prediction if prediction.ndim == _dims(metric) + 1 else prediction[None]
    values, pulls = _refits(truth, many, metric)
    value = float(values.mean())
    error, freedom = two_way_error(values, pulls, False)
    quantile = _t_quantile(0.5 + level / 2, freedom)
    if (metric.low, metric.high) == (0, 1):
        return Estimate(value, *wilson(value, error, len(truth), quantile), len(truth))
    low, high = value - quantile * error, value + quantile * error
    return Estimate(value, max(low, metric.low), min(high, metric.high), len(truth))


def two_way_error(values: np.ndarray, pulls: np.ndarray, counts: bool) -> tuple[float, float]:
    """Standard error and degrees of freedom of the mean of `values` (r,), given the rows' `pulls` (r, n) on each.

    `counts` adds the variance of one row that flips, so that no flip seen does not read as no flip possible.
    """
    refits, n = pulls.shape
    shared = pulls.mean(axis=0)
    rows = float(shared @ shared) / max(n * (n - 1), 1) + counts / n**2
    if refits == 1:
        return rows**0.5, max(n - 1, 1)
    interaction = float(((pulls - shared) ** 2).sum()) / max((refits - 1) * (n - 1), 1)
    between = float(values.var(ddof=1)) / refits
    extra = max(between - interaction / (n * refits), 0.0)
    total = rows + extra
    if extra == 0:
        return total**0.5, max(n - 1, 1)
    return total**0.5, total**2 / (rows**2 / max(n - 1, 1) + between**2 / (refits - 1))


def wilson(value: float, error: float, n: int, quantile: float) -> tuple[float, float]:
    """Wilson's interval for a number between 0 and 1 whose standard error is `error` (0: that of a share of n rows)."""
    effective = value * (1 - value) / error**2 if error > 0 and 0 < value < 1 else float(n)
    shrink = quantile**2 / effective
    centre = (value + shrink / 2) / (1 + shrink)
    reach = np.sqrt(value * (1 - value) * shrink + shrink**2 / 4) / (1 + shrink)
    return float(max(min(centre - reach, value), 0)), float(min(max(centre + reach, value), 1))


def clopper_pearson(share: float, effective: float, level: float) -> tuple[float, float]:
    """The exact interval of a share of `effective` independent rows, which need not be a whole number.

    >>> [round(end, 3) for end in clopper_pearson(0.0, 10, level=0.9)]
    [0.0, 0.259]
    """
    from scipy.special import betaincinv

    hits, tail = share * effective, (1 - level) / 2
    low = float(betaincinv(hits, effective - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, effective - hits, 1 - tail)) if share < 1 else 1.0
    return min(low, share), max(high, share)


def bootstrap_interval(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, draws: int = 1000, level: float = 0.9, seed: int = 0
) -> Estimate:
    """Bias-corrected percentile bootstrap of `statistic(weights (b, n)) -> (b,)` over n rows.

    >>> ages = np.arange(100.0)
    >>> mean = bootstrap_interval(lambda weights: weights @ ages / 100, 100, draws=2000, level=0.95, seed=1)
    >>> [round(number) for number in mean[:4]]
    [50, 44, 55, 100]
    """
    from scipy.special import ndtr, ndtri

    value = float(statistic(np.ones((1, n)))[0])
    drawn = np.concatenate([statistic(block) for block in bootstrap_weights(n, draws, seed)])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) == 0:
        return Estimate(value, value, value, n)
    below = ((drawn < value).mean() + (drawn <= value).mean()) / 2
    bias = ndtri(np.clip(below, 1 / (len(drawn) + 1), len(drawn) / (len(drawn) + 1)))
    tail = ndtri((1 - level) / 2)
    low, high = np.quantile(drawn, [ndtr(2 * bias + tail), ndtr(2 * bias - tail)])
    return Estimate(value, float(min(low, value)), float(max(high, value)), n)


def bootstrap_weights(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks (b, n) of how often each row is drawn when n rows are drawn with replacement, `draws` times."""
    rng = np.random.default_rng(seed)
    step = max(1, BLOCK // n)
    for first in range(0, draws, step):
        size = min(step, draws - first)
        picked = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(picked.ravel(), minlength=size * n).reshape(size, n).astype(float)


def _refits(truth: np.ndarray, predictions: np.ndarray, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([metric(truth, one) for one in predictions])
    return values, np.array([metric.influence(truth, one) for one in predictions])


def _dims(metric: Metric) -> int:
    return 1 if metric.tasks == ("regression",) else 2


def _t_quantile(share: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def _upper_tail(value: float, error: float, freedom: float, n: int) -> float:
    """P(a gain this large | none); never 0: without any spread it is what n rows can say at best."""
    from scipy.special import stdtr

    if error == 0:
        return 1.0 if value <= 0 else 1 / (n + 1)
    return float(max(stdtr(freedom, -value / error), np.finfo(float).tiny))
