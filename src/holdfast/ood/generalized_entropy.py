"""Generalized entropy of the probabilities."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Scorer


class GeneralizedEntropy(Scorer):
    r"""Entropy that small departures from a certain answer already raise.

    .. math:: s(x) = \sum_{j=1}^{M} p_{(j)}^\gamma (1 - p_{(j)})^\gamma

    The sum is over the `top` M largest probabilities (all where None or where there are fewer classes): with many
    classes the long tail of tiny ones is noise. `gamma` lies between 0 and 1; the smaller, the more a probability of a
    thousandth weighs. Use it when only probabilities are at hand and unknown inputs differ in what is left for the
    other classes. Scores of models with different numbers of classes do not compare. It fails far from the training
    data, where a model can be certain of anything.

    >>> probs = [[0.8, 0.1, 0.1], [1.0, 0.0, 0.0]]
    >>> GeneralizedEntropy(gamma=0.5, top=2).score_rows(probs=probs).round(2).tolist()  # .4 + .3
    [0.7, 0.0]
    """

    source = "liu2023gen"
    claims = ("held_out_class",)
    blind = ("far", "feature_shift")
    silent: ClassVar[tuple[str, ...]] = ("top",)  # with no more classes than that it changes nothing
    gamma: float = 0.1
    top: int | None = 100

    def score_rows(self, probs: np.ndarray) -> np.ndarray:
        """(n,) the generalized entropy of every row."""
        if not 0 < self.gamma < 1:
            raise ValueError(f"gamma is {self.gamma!r}; expected a number between 0 and 1, both left out.")
        if self.top is not None and self.top < 1:
            raise ValueError(f"top is {self.top!r}; expected a whole number of at least 1, or None for all classes.")
        classes = probs.shape[1]
        largest = probs if self.top is None or self.top >= classes else _largest(probs, self.top)
        largest = np.clip(largest, 0, 1)  # the vocabulary allows for rounding
        return ((largest * (1 - largest)) ** self.gamma).sum(axis=1)


def _largest(probs: np.ndarray, count: int) -> np.ndarray:
    return np.partition(probs, probs.shape[1] - count, axis=1)[:, -count:]
