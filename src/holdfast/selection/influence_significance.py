"""Whether an influence is more than the noise of training."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class InfluenceSignificance(Measure):
    r"""The mean effect of a training row on a test row over trainings, with a t-test against none.

    .. math:: t = \frac{\bar I}{s_I / \sqrt m}

    The I are those of m networks trained alike but for the seed.

    Use it when a single influence is to be reported: train a few networks, and trust pairs with a small p-value only.
    It fails with fewer than about five networks, and says nothing of effects that all of them miss. Many pairs tested
    need a correction for their number.

    Effects 1, 2 and 3: mean 2, standard error 0.577.

    >>> found = InfluenceSignificance(level=0.9).measure(effects=[1.0, 2.0, 3.0])
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2), round(found.pvalue, 3)
    (2.0, 0.31, 3.69, 0.074)
    """

    source = "nguyen2023bayesian"
    claims = ("steady_effect",)
    level: float = 0.9

    def measure(self, effects: np.ndarray) -> Estimate:
        """The mean effect."""
        from scipy.stats import t

        m, mean = len(effects), float(effects.mean(dtype=np.float64))
        if m < 2:
            raise ValueError("effects holds one number; expected those of at least two trained networks.")
        error = float(effects.std(ddof=1, dtype=np.float64)) / m**0.5
        half = float(t.ppf(0.5 + self.level / 2, m - 1)) * error
        pvalue = 2 * float(t.sf(abs(mean) / error, m - 1)) if error > 0 else 1.0 if mean == 0 else 1e-300
        return Estimate(mean, mean - half, mean + half, m, max(pvalue, 1e-300))
