"""Variance between training runs: what the test set adds and what is real."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure


class RunVariance(Measure):
    r"""The spread of accuracy between runs on the distribution itself, freed from the chance of a finite test set.

    .. math:: \sigma^2_\text{dist} = \frac{n \, \mathrm{Var}_r(\mathrm{acc}_r) - \overline{v}}{n - 1},
        \qquad v_i = \mathrm{Var}_r(c_{ri})

    Runs that differ by chance on each row differ in their test accuracies although none is better: `of` chooses the
    standard deviation on the distribution, on the test set, or what rows that err independently of each other would
    give. Use it when the best of several seeds looks better than the rest. It fails with few runs: at five, the
    interval is wider than the number.

    >>> a, b = [1] * 60 + [0] * 40, [0] * 20 + [1] * 60 + [0] * 20
    >>> runs = [a, b, a[:90] + [1] * 10, b]  # accuracies .6, .6, .7, .6: variance 1/400
    >>> [round(RunVariance(of=kind).measure(runs).value, 4) for kind in ("distribution", "test", "independent")]
    [0.0304, 0.05, 0.0398]
    """

    source = "jordan2024calibrated"
    claims = ("runs",)
    of: Literal["distribution", "test", "independent"] = "distribution"

    def measure(self, correct_runs: np.ndarray) -> Estimate:
        """The standard deviation of accuracy between runs; the 90 % interval holds for normally spread accuracies."""
        from scipy.special import chdtri

        runs, n = correct_runs.shape
        if runs < 2 or n < 2:
            raise ValueError(f"correct_runs is {runs} runs x {n} rows; a spread needs at least two of both.")
        right = correct_runs.astype(np.float64)
        total = float(right.mean(axis=1).var(ddof=1))
        alone = float(right.var(axis=0, ddof=1).mean()) / n
        if self.of == "independent":
            return Estimate(alone**0.5, alone**0.5, alone**0.5, n)
        share = 1.0 if self.of == "distribution" else 0.0
        scale = n / (n - 1) if self.of == "distribution" else 1.0
        ends = [total * (runs - 1) / float(chdtri(runs - 1, tail)) for tail in (0.05, 0.95)]
        value, low, high = (max(scale * (size - share * alone), 0.0) ** 0.5 for size in (total, *ends))
        return Estimate(value, low, high, n)
