"""A learned two-sample test for censored times."""

from __future__ import annotations

import numpy as np
from scipy import stats

from holdfast.core import Estimate, Measure
from holdfast.ops.kernels import Z90
from holdfast.shift._censored import TESTS, Ordered, ordered, redraw, restricted_mean, statistics
from holdfast.shift._censored_stack import scores


class CensoredTwoSample(Measure):
    r"""Whether two groups live equally long, where some were last seen alive: the restricted means and a learned test.

    .. math:: \Delta = \int_0^\tau \hat S_\text{cur}(t) - \hat S_\text{ref}(t)\, dt, \qquad
        p = \frac{1 + \#\{b : f(z_b) \ge f(z)\}}{1 + \text{draws}}

    z holds seven classical statistics (weighted log-rank tests with early, middle and late weights, Gehan, Tarone-Ware,
    Pepe-Fleming), the sample sizes and the shares censored; f is a stack of two classifiers that has learnt from
    simulated pairs with proportional, early, late and crossing hazards to tell a difference from none. The null is
    redrawn: times from the pooled survival curve, censoring from the curve of each group, which may differ. The value
    is the difference in mean time up to :math:`\tau`, the last time at which both groups have someone at risk.

    Use it when `duration` is the time to an event and rows leave before it, and nobody knows how the curves may
    differ. It fails where censoring depends on what would have happened. After a call `tests_` holds the p-value of
    every classical test, `score_` what f says.

    >>> method = CensoredTwoSample(draws=99, seed=2)
    >>> estimate = method.measure(
    ...     ref_duration=[1.0, 2.0, 3.0, 4.0] * 5, ref_event=[1, 1, 1, 0] * 5,  # mean up to 4: 1 + .75 + .5 + .25
    ...     cur_duration=[4.0, 4.0, 4.0, 4.0] * 5, cur_event=[1, 0, 1, 0] * 5,
    ... )
    >>> round(estimate.value, 9), estimate.pvalue, method.tests_["log-rank"] < 0.01
    (1.5, 0.01, True)
    """

    source = "philonenko2024machine"
    claims = ("shorter_lives", "crossing_lives")
    blind = ("unequal_censoring",)
    draws: int = 199
    seed: int = 0

    def measure(
        self, ref_duration: np.ndarray, ref_event: np.ndarray, cur_duration: np.ndarray, cur_event: np.ndarray
    ) -> Estimate:
        """The difference of restricted mean times (current less reference), its interval; p of "no difference"."""
        n, m = len(ref_duration), len(cur_duration)
        if min(ref_event.sum(), cur_event.sum()) < 2:
            raise ValueError(
                f"ref_event is true in {ref_event.sum()} and cur_event in {cur_event.sum()} rows; expected at least 2 "
                "each: without events nothing is known of when they happen."
            )
        time = np.concatenate([ref_duration, cur_duration]).astype(np.float64)
        event, is_cur = np.concatenate([ref_event, cur_event]), np.arange(n + m) >= n
        data = ordered(time[None], event[None], is_cur[None])
        pvalues = np.maximum(2 * stats.norm.sf(np.abs(statistics(data)[0])), 1e-300)
        self.tests_ = dict(zip(TESTS, pvalues.tolist(), strict=True))
        self.score_ = float(scores(data)[0])
        pvalue = (1 + int((scores(self._null(time, event, is_cur)) >= self.score_).sum())) / (1 + self.draws)
        (cur, cur_error), (ref, ref_error) = (restricted_mean(data, g) for g in (data.is_cur, ~data.is_cur))
        value, half = float(cur[0] - ref[0]), Z90 * float(np.sqrt(cur_error[0] + ref_error[0]))
        return Estimate(value, value - half, value + half, n + m, pvalue)

    def _null(self, time: np.ndarray, event: np.ndarray, is_cur: np.ndarray) -> Ordered:
        """Pairs without a difference in survival, censored as each group is."""
        rng = np.random.default_rng(self.seed)
        lives = redraw(time, event, (self.draws, len(time)), rng)
        left = np.empty_like(lives)
        for group in (is_cur, ~is_cur):
            left[:, group] = redraw(time[group], ~event[group], (self.draws, int(group.sum())), rng)
        both = np.minimum(lives, left)
        seen = np.where(np.isinf(both), time.max(), both)  # neither curve says when: still there at the end
        return ordered(seen, (lives <= left) & np.isfinite(lives), np.broadcast_to(is_cur, seen.shape))
