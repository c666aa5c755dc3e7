"""Memorisation forecast by a cheaper model."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure


class MemorizationForecast(Measure):
    r"""How well a small or early model's memorised texts forecast those of the full model.

    .. math:: \text{precision} = \frac{|S \cap L|}{|S|}, \quad \text{recall} = \frac{|S \cap L|}{|L|}

    S and L are the texts with a score of at least `threshold` under the small and the large model. The interval is
    Clopper and Pearson's; the p-value (Fisher's exact, one-sided) is that of a forecast no better than chance. Use it
    when a costly run is planned and its memorisation is to be known before. It fails where hardly anything is
    memorised: without texts in S or L there is no answer but an error.

    S holds the first two texts, L the first and the third:

    >>> small, large = [0.9, 0.8, 0.1, 0.2], [1.0, 0.3, 0.9, 0.0]
    >>> MemorizationForecast(of="precision", threshold=0.7).measure(small, large).value
    0.5
    >>> MemorizationForecast(of="recall", threshold=0.25).measure(small, large).value
    0.6666666666666666
    """

    source = "biderman2023emergent"
    claims = ("forecast",)

    of: Literal["precision", "recall"] = "recall"
    threshold: float = 0.5

    def measure(self, small_score: np.ndarray, large_score: np.ndarray) -> Estimate:
        from scipy.stats import hypergeom

        from holdfast.ops.shares import clopper_pearson

        small, large = small_score >= self.threshold, large_score >= self.threshold
        both, base = int((small & large).sum()), int((small if self.of == "precision" else large).sum())
        if base == 0:
            side = "small_score" if self.of == "precision" else "large_score"
            raise ValueError(f"{side} reaches {self.threshold} on no text: there is no {self.of} to speak of.")
        pvalue = float(hypergeom.sf(both - 1, len(small), int(small.sum()), int(large.sum())))
        low, high = clopper_pearson(both, base)
        return Estimate(both / base, low, high, len(small), max(pvalue, float(np.finfo(float).tiny)))
