"""Free energy of the logits."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class Energy(Scorer):
    r"""Free energy of the logits: high where the model has little evidence for any class.

    .. math:: s(x) = -T \log \sum_k e^{f_k(x) / T}

    `temperature` T sets how much the classes below the first count; towards 0 it becomes the largest logit. Use it
    when only the logits of a cross-entropy model are at hand; it needs no fitting. It fails on inputs far outside the
    training range, where a linear head grows without bound, and where logits come with an arbitrary constant added.

    >>> Energy(temperature=2.0).score_rows(logits=[[8.0, 0.0]]).round(2).tolist()
    [-8.04]
    """

    source = "liu2020energy"
    claims = ("held_out_class",)
    blind = ("far", "feature_shift")
    temperature: float = 1.0

    def score_rows(self, logits: np.ndarray) -> np.ndarray:
        """(n,) the free energy of every row, in the unit of the logits."""
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature!r}; expected a number above 0.")
        top = logits.max(axis=1)
        rest = np.exp((logits - top[:, None]) / self.temperature).sum(axis=1)
        return -(top + self.temperature * np.log(rest))
