"""Palimpsestic provenance."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.correlation import spearman


class PalimpsesticProvenance(Measure):
    r"""Does a model derive from your training run? Later examples are remembered better, and only you know the order.

    .. math:: \rho = \text{Spearman}\big(\log p_\text{suspect}(x_i) - \log p_\text{reference}(x_i), \; t_i\big)

    :math:`t_i` is the step at which example i was seen. A model that is independent of your random order has no
    correlation with it, whatever it was trained on: the one-sided p-value (all orders up to 8 examples, Student's t
    with n - 2 beyond) needs nothing but that the order was random. `partial` takes the reference out by rank
    regression instead of subtraction. Use it when a model or its fine-tunes are suspected to stem from yours, and only
    log-probabilities can be read. It fails where the order was not random (a curriculum), and after long further
    training: the palimpsest is overwritten.

    >>> found = PalimpsesticProvenance(partial=False).measure(
    ...     log_likelihood=[-5.0, -4.0, -3.0, -1.0], training_step=[1, 2, 4, 3])
    >>> round(found.value, 2), round(found.pvalue, 3)      # 1 - 6 * 2 / (4 * 15); 4 of 24 orders reach 0.8
    (0.8, 0.167)
    """

    source = "kuditipudi2025blackbox"
    claims = ("derived_model",)
    blind = ("other_run",)

    partial: bool = False

    def measure(
        self, log_likelihood: np.ndarray, training_step: np.ndarray, reference_log_likelihood: np.ndarray | None = None
    ) -> Estimate:
        from scipy.stats import rankdata

        n = len(log_likelihood)
        if n < 4:
            raise ValueError(f"log_likelihood holds {n} examples; a correlation with the order needs at least 4.")
        signal = log_likelihood.astype(np.float64)
        if reference_log_likelihood is not None and self.partial:
            signal, known = rankdata(signal), rankdata(reference_log_likelihood)
            known -= known.mean()
            signal = signal - known * (known @ signal) / max(float(known @ known), 1e-300)
        elif reference_log_likelihood is not None:
            signal = signal - reference_log_likelihood
        return spearman(signal, training_step, "greater")
