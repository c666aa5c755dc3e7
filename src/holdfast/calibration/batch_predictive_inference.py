"""Batch predictive inference: an interval for a number about many new rows at once."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from scipy.special import betaln, ndtri

from holdfast.core import Estimate, Measure


class BatchPredictiveInference(Measure):
    r"""What the mean of m responses that nobody has seen will be, or how large their errors, whatever the distribution.

    .. math:: h(r) \le q_h \Rightarrow g(S_\text{new}) \le \max_{h(r) \le q_h} g\big(S_{(r_1)}, \dots, S_{(r_m)}\big),
              \qquad r \sim U\{1 \le r_1 \le \dots \le r_m \le n + 1\}

    The j-th smallest new error lies below the r_j-th smallest of the n calibration errors S, and all vectors of ranks r
    are equally likely. `statistic` "mean" bounds the mean response: h sums the normal scores of the ranks, with its
    quantile from `draws` rank vectors, and forbids rank n + 1. "error_share" bounds the error that a `share` of the new
    rows stays within: h is that row's rank, the bound is one order statistic, and it is exact. `level` is for both ends
    together. Costs n log n and draws * m.

    Use it when a decision rests on a whole batch: the mean of next week's demand, the worst of fifty errors. It fails
    when new rows are drawn differently. "mean" needs more than 2 m / (1 - level) calibration rows, since nothing is
    assumed about how large an error can be: it raises a `ValueError` that says so. It is wide in heavy tails.

    Calibration errors are 1 to 9; of three new rows, 2/3 stay within their second error. It lies above the first old
    error with probability .955 and below the ninth with .955, and .85 leaves .075 to either side:

    >>> method = BatchPredictiveInference(statistic="error_share", share=2 / 3, level=0.85, draws=9, seed=1)
    >>> found = method.measure(ref_target=np.arange(1.0, 10.0), ref_prediction=np.zeros(9), cur_prediction=np.zeros(3))
    >>> found.low, found.high
    (1.0, 9.0)
    """

    source = "lee2024batch"
    claims = ("batches",)
    silent: ClassVar[tuple[str, ...]] = ("share",)  # of "error_share" only

    statistic: Literal["mean", "error_share"] = "mean"
    share: float = 0.5
    level: float = 0.9
    draws: int = 4999
    seed: int = 0

    def measure(self, ref_target: np.ndarray, ref_prediction: np.ndarray, cur_prediction: np.ndarray) -> Estimate:
        """The mean response (or the error that `share` of the rows stay within), with its interval at `level`."""
        if not 0 < self.level < 1 or not 0 < self.share <= 1:
            raise ValueError(f"level is {self.level} and share {self.share}; expected shares between 0 and 1.")
        errors = np.sort(ref_target - np.asarray(ref_prediction, dtype=np.float64))
        miss = (1 - self.level) / 2
        if self.statistic == "error_share":
            return _error_share(np.sort(np.abs(errors)), len(cur_prediction), self.share, miss)
        centre = float(cur_prediction.mean(dtype=np.float64))
        high = _mean_bound(errors, len(cur_prediction), miss, self.draws, self.seed)
        low = -_mean_bound(-errors[::-1], len(cur_prediction), miss, self.draws, self.seed)
        return Estimate(centre + float(np.clip(errors.mean(), low, high)), centre + low, centre + high, len(errors))


def _error_share(errors: np.ndarray, m: int, share: float, miss: float) -> Estimate:
    """The place'th smallest of m new errors lies between two order statistics; its rank is beta-binomial."""
    n, place = len(errors), max(1, int(np.ceil(share * m - 1e-9)))
    below = np.cumsum(np.exp(_rank_log_probability(n, m, place)))  # P(rank <= 1), ..., P(rank <= n + 1)
    upper = int(np.searchsorted(below, 1 - miss - 1e-12))
    lower = int(np.searchsorted(below, miss + 1e-12, side="right"))  # P(rank <= lower) is at most `miss`
    if upper >= n:
        raise ValueError(
            f"ref_target has {n} rows, too few to bound the {place}-th smallest of {m} errors (rows of cur_prediction) "
            f"at this level: it is above all of them with probability {1 - below[n - 1]:.3f}."
        )
    low = float(errors[lower - 1]) if lower else 0.0
    return Estimate(float(np.clip(np.quantile(errors, share), low, errors[upper])), low, float(errors[upper]), n)


def _rank_log_probability(n: int, m: int, place: int) -> np.ndarray:
    """(n + 1,) log P(r_place = 1, ..., n + 1): as many of n old errors, less one, lie below the place'th of m new."""
    i = np.arange(n + 1)
    choose_old = -betaln(i + 1, n - i + 1) - np.log(n + 1)
    return choose_old + betaln(i + place, n - i + m - place + 1) - betaln(place, m - place + 1)


def _mean_bound(errors: np.ndarray, m: int, miss: float, draws: int, seed: int) -> float:
    """What the mean of m new errors stays below with probability 1 - `miss`; `errors` are sorted."""
    n = len(errors)
    spare = miss - m / (n + m)  # the rest goes to a new error above all that were seen: nothing bounds it
    if spare * (draws + 1) < 1:
        least = int(np.ceil(m * (1 / max(miss - 1 / (draws + 1), 1e-12) - 1)))
        raise ValueError(
            f"ref_target has {n} rows; a bound on the mean of {m} rows (cur_prediction) needs {least} at this level: "
            "else a new error lies above all that were seen too often. Split the batch or lower the level."
        )
    scores = ndtri((np.arange(n + 1) + 0.5) / (n + 1))
    rng = np.random.default_rng(seed)
    gaps = rng.dirichlet(np.ones(m + 1), size=draws)  # between m sorted uniform numbers: n others fall in them
    ranks = np.cumsum(rng.multinomial(n, gaps)[:, :m], axis=1)
    totals = np.sort(scores[ranks].mean(axis=1))
    most = totals[int(np.ceil((draws + 1) * (1 - spare))) - 1]
    places, values = _concave_majorant(scores[:n], errors)
    return float(np.interp(most, places, values))


def _concave_majorant(places: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the least concave curve above: the best mean value at every mean place."""
    corners: list[int] = []
    for new in range(len(values)):
        while len(corners) > 1:
            left, middle = corners[-2], corners[-1]
            rise, run = values[[middle, new]] - values[left], places[[middle, new]] - places[left]
            if rise[0] * run[1] > rise[1] * run[0]:
                break
            corners.pop()
        corners.append(new)
    return places[corners], values[corners]
