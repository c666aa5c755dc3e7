"""Effective robustness, controlled for accuracy on one or several in-distribution test sets."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.lines import least_squares, logit, probit


class EffectiveRobustness(Measure):
    r"""How much more accurate some models are under shift than others of the same accuracy where nothing shifted.

    .. math:: \text{logit}(\hat{a}_\text{ood}) = b + \sum_i w_i \, \text{logit}(a_{\text{id}, i}), \qquad
        \rho = a_\text{ood} - \hat{a}_\text{ood}

    The plane is fitted on the `baseline` models; the value is the mean :math:`\rho` of the others, the p-value that of
    none. Give one column of `id_accuracies` per training distribution among the models: with the first test set alone
    (`first_only`, the older definition), models trained on other data look robust because they are strong on what is
    not measured. Use it when models of different training are compared under one shift. It fails where the others lie
    outside the baseline's range of accuracies, for there the plane is a guess.

    >>> ids = [[0.5], [0.6], [0.7], [0.8], [0.9], [0.7]]
    >>> ood = [0.32, 0.39, 0.51, 0.62, 0.79, 0.60]  # the last one is trained otherwise
    >>> line = EffectiveRobustness(scale="probit", first_only=True)
    >>> round(line.measure(ids, ood, [1, 1, 1, 1, 1, 0]).value, 3)
    0.091
    """

    source = "shi2023effective"
    claims = ("robust_group",)
    scale: Literal["logit", "probit", "accuracy"] = "logit"
    first_only: bool = False

    def measure(self, id_accuracies: np.ndarray, cur_accuracies: np.ndarray, baseline: np.ndarray) -> Estimate:
        """The mean effective robustness of the models not in `baseline`, with its 90 % interval and p-value."""
        from scipy.special import stdtr, stdtrit

        if baseline.all():
            raise ValueError("baseline holds every model: mark as false those whose robustness is asked for.")
        columns = id_accuracies[:, :1] if self.first_only else id_accuracies
        inputs, outputs = (self._scaled(part) for part in (columns, cur_accuracies))
        if baseline.sum() <= inputs.shape[1] + 1:
            raise ValueError(
                f"baseline holds {int(baseline.sum())} models; a plane over {inputs.shape[1]} test sets needs at least "
                f"{inputs.shape[1] + 2}."
            )
        plane = least_squares(inputs[baseline], outputs[baseline])
        others = np.column_stack([np.ones(int((~baseline).sum())), inputs[~baseline]])
        expected = others @ plane.coefficients
        residuals = cur_accuracies[~baseline] - self._accuracy(expected)
        mean = others.mean(axis=0)
        error = float(np.sqrt(plane.variance / len(others) + mean @ plane.covariance @ mean))
        shift = float((outputs[~baseline] - expected).mean())
        reach = float(stdtrit(plane.freedom, 0.95)) * error
        low, high = (self._moved(expected, shift + step) for step in (-reach, reach))
        value = float(residuals.mean())
        tiny = float(np.finfo(float).tiny)
        pvalue = float(2 * stdtr(plane.freedom, -abs(shift) / error)) if error > 0 else (1.0 if shift == 0 else tiny)
        return Estimate(value, min(low, value), max(high, value), len(others), max(pvalue, tiny))

    def _scaled(self, shares: np.ndarray) -> np.ndarray:
        if self.scale == "accuracy":
            return shares.astype(np.float64)
        return logit(shares) if self.scale == "logit" else probit(shares)

    def _accuracy(self, values: np.ndarray) -> np.ndarray:
        from scipy.special import expit, ndtr

        if self.scale == "accuracy":
            return values
        return expit(values) if self.scale == "logit" else ndtr(values)

    def _moved(self, expected: np.ndarray, shift: float) -> float:
        """What a shift on the scale is in accuracy, on average over the models."""
        return float((self._accuracy(expected + shift) - self._accuracy(expected)).mean())
