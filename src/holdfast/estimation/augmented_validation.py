"""Augmented validation: which of two models to take to unseen domains, from transformed source rows."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class AugmentedValidation(Measure):
    r"""How much better the second of two models is on average over many transformations of the validation rows.

    .. math:: \frac{1}{m}\sum_{t=1}^m \Big(\mathrm{acc}_2(t(V)) - \mathrm{acc}_1(t(V))\Big)

    A broad list of transformations stands for domains that nobody has seen; plain validation accuracy does not rank
    models for them. The errors are those of drawing other transformations and other rows (both models see the same
    ones), the p-value is that of no difference. Transformations that a model was trained with must not be among those
    it is validated with: fold the list and use the other part.

    Use it when a method or a learning rate is chosen for single-source domain generalisation. It fails where the new
    domain is like none of the transformations.

    >>> first = [[1, 1, 0, 0], [1, 0, 0, 0]]  # two transformations of four rows: .5 and .25
    >>> second = [[1, 1, 1, 0], [1, 1, 0, 0]]  # .75 and .5
    >>> AugmentedValidation().measure(first, second).value
    0.25
    """

    source = "efthymiadis2025crafting"
    claims = ("trained_for_noise",)

    def measure(self, ref_correct_runs: np.ndarray, cur_correct_runs: np.ndarray) -> Estimate:
        """The gain of the second model (`cur_`) over the first, a row per transformation, with its 90 % interval."""
        from scipy.special import stdtr, stdtrit

        if ref_correct_runs.shape != cur_correct_runs.shape or min(ref_correct_runs.shape) < 2:
            raise ValueError(
                f"ref_correct_runs is {ref_correct_runs.shape} and cur_correct_runs {cur_correct_runs.shape}; expected "
                "the same transformations (at least two) of the same rows (at least two) for both models."
            )
        gains = cur_correct_runs.astype(np.float64) - ref_correct_runs
        m, n = gains.shape
        value = float(gains.mean())
        over_rows = float(gains.mean(axis=0).var(ddof=1)) / n
        over_kinds = float(gains.mean(axis=1).var(ddof=1)) / m
        error = max((over_rows + over_kinds) ** 0.5, 1 / (n * m) if value == 0 else 0.0)
        reach = float(stdtrit(m - 1, 0.95)) * error
        tiny = float(np.finfo(float).tiny)
        pvalue = min(2 * float(stdtr(m - 1, -abs(value) / error)), 1.0) if error > 0 else tiny
        return Estimate(value, value - reach, value + reach, n, max(pvalue, tiny))
