"""Weights of rows with noisy labels by the noise transition matrix: RENT."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np

from holdfast.core import Weigher
from holdfast.labels._confident import given_probabilities
from holdfast.labels.noise_corrected_posterior import NoiseCorrectedPosterior


class NoiseTransitionResampling(Weigher):
    r"""How much more often a row with this label belongs into a sample with right labels than into the noisy one.

    .. math:: w(x, y) \propto \frac{f_y(x)}{\sum_k T_{ky}\, f_k(x)}, \qquad T_{ky} = P(\text{given } y \mid
              \text{true } k)

    with f the probabilities of the true class. A wrong label has a small numerator beside its denominator. With
    `resample=True` the n rows are drawn again in proportion to w, and the weights are how often each came out. The
    paper does so in every batch (the limit of small shape in its Dirichlet distribution of weights, whose mean is w)
    and finds it more robust than training on w; one draw before training is not. `fit` estimates T as
    `NoiseCorrectedPosterior` does. With `probs_of="given"` f is what remains of the probabilities once the noise is
    taken out of them; with "true" they are taken as they are, as in the paper, where they come from the network that is
    being trained on the drawn rows. Should all weights vanish, they are 1.

    Use it when a model must be trained on labels of which many are wrong and rows should not be thrown away. It fails
    where the noise depends on the row, and where the probabilities are so bad that T cannot be told from them.

    >>> probs, y = [[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]], [0, 0, 1, 0]
    >>> method = NoiseTransitionResampling(probs_of="true").fit(probs, y)
    >>> method.noise_matrix_ = np.array([[1.0, 0.0], [0.5, 0.5]])  # known, not estimated: half of the ones are called 0
    >>> method.weigh_rows(probs, y).round(2).tolist()  # 0.8 / 0.9 twice, 0.8 / 0.4, 0.2 / 0.6; their mean is 1.03
    [0.86, 0.86, 1.95, 0.32]
    >>> method.set_params(resample=True, seed=1).weigh_rows(probs, y).tolist()
    [1.0, 2.0, 1.0, 0.0]
    """

    source = "bae2024dirichlet"
    claims = ("weights_symmetric", "weights_class_conditional")
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # of the draw, which is off by default
    probs_of: Literal["given", "true"] = "given"
    resample: bool = False
    seed: int = 0

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Estimate the transition matrix, `noise_matrix_` (k, k), rows by true class."""
        self.posterior_ = NoiseCorrectedPosterior(shrink=0.0).fit(probs, y)
        self.noise_matrix_ = self.posterior_.noise_matrix_
        return self

    def weigh_rows(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) weights of mean 1; whole numbers with `resample`."""
        weights = self._ratios(probs, y)
        total = float(weights.sum())
        shares = weights / total if total > 0 else np.full(len(y), 1 / len(y))
        if self.resample:
            return np.random.default_rng(self.seed).multinomial(len(y), shares).astype(float)
        return shares * len(y)

    def _ratios(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self.probs_of == "true":
            noisy = np.maximum(probs @ self.noise_matrix_, 1e-12)
            return given_probabilities(probs.astype(np.float64), y) / given_probabilities(noisy, y)
        right = 1 - self.posterior_.score_rows(probs, y)  # = T_yy f_y / sum_k T_ky f_k
        return np.maximum(right, 0) / np.maximum(self.noise_matrix_[y, y], 1e-12)
