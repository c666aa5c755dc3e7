"""Paired bootstrap comparison of two models on the same rows."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class PairedBootstrap(Measure):
    r"""How much more often the second model is right, rows drawn again together for both.

    .. math:: \Delta = \frac{1}{n}\sum_i (c_i^{(2)} - c_i^{(1)}), \qquad \Delta^* \text{ from } n
        \text{ rows drawn with replacement}

    Both models share the rows, so that only rows on which they disagree count; their numbers are drawn as the bootstrap
    draws them, from a multinomial, which is exact and needs no rows. The p-value is McNemar's exact test. Use it when
    two fitted models are compared on one test set. It fails to speak about new training runs: another seed may
    turn the order around.

    >>> first, second = [1] * 70 + [0] * 30, [1] * 65 + [0] * 5 + [1] * 20 + [0] * 10
    >>> found = PairedBootstrap(draws=4000, seed=1).measure(ref_correct=first, cur_correct=second)
    >>> found.value, round(found.low, 2), round(found.high, 2), round(found.pvalue, 4)
    (0.15, 0.07, 0.23, 0.0041)
    """

    source = "efron1993introduction"
    claims = ("better_model",)
    silent = ("draws",)
    draws: int = 2000
    seed: int = 0

    def measure(self, ref_correct: np.ndarray, cur_correct: np.ndarray) -> Estimate:
        """The gain in accuracy of the second model, with its 90 % interval and the p-value of "no difference"."""
        if len(ref_correct) != len(cur_correct):
            raise ValueError(
                f"ref_correct has {len(ref_correct)} rows and cur_correct {len(cur_correct)}; a paired comparison "
                "needs both models on the same rows."
            )
        n = len(ref_correct)
        gained, lost = int((cur_correct & ~ref_correct).sum()), int((ref_correct & ~cur_correct).sum())
        value = (gained - lost) / n
        padded = np.array([gained + 0.5, lost + 0.5, n - gained - lost + 0.5])  # no flip seen is not no flip possible
        counts = np.random.default_rng(self.seed).multinomial(n, padded / padded.sum(), size=self.draws)
        low, high = np.quantile((counts[:, 0] - counts[:, 1]) / n, [0.05, 0.95])
        return Estimate(value, float(min(low, value)), float(max(high, value)), n, _exact(gained, lost))


def _exact(gained: int, lost: int) -> float:
    """Two-sided binomial test of an even split of the disagreements."""
    from scipy.special import bdtr

    smaller = min(gained, lost)
    return float(min(1.0, max(2 * bdtr(smaller, gained + lost, 0.5), np.finfo(float).tiny)))
