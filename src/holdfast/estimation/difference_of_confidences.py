"""Difference of confidences."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._expected import bounded


class DifferenceOfConfidences(Measure):
    r"""Accuracy on the reference, moved by what the mean confidence moved.

    .. math:: \widehat{A} = \mathrm{acc}_\text{ref} - (\overline{c}_\text{ref} - \overline{c}_\text{cur}),
        \quad c(x) = \max_k p_k(x)

    Use it when the model's miscalibration is about the same everywhere: its constant part cancels. It fails when
    overconfidence grows with the shift, as it does far from the training data.

    >>> ref, cur = [[0.9, 0.1]] * 100, [[0.8, 0.2]] * 100
    >>> found = DifferenceOfConfidences().measure(ref, [0] * 85 + [1] * 15, cur)
    >>> [round(number, 2) for number in found[:4]]
    [0.75, 0.66, 0.84, 100]
    """

    source = "guillory2021predicting"
    claims = ("none", "tilt", "label_shift")

    def measure(self, ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray) -> Estimate:
        """The accuracy on the current sample with a 90 % interval: chance in both samples."""
        ref, cur = ref_probs.max(axis=1).astype(np.float64), cur_probs.max(axis=1).astype(np.float64)
        gap = (ref_probs.argmax(axis=1) == ref_y) - ref
        value = float(np.clip(cur.mean() + gap.mean(), 0, 1))
        learnt = (gap.var() + 0.5 / len(gap)) / len(gap)
        chance = (value * (1 - value) + 0.5 / len(cur)) / len(cur)
        return bounded(value, 1.645 * float(np.sqrt(learnt + chance)), len(cur), 0, 1)
