"""A cross-fitted ensemble with the label noise taken out."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._crossfit import ModelKind, out_of_fold
from holdfast.labels.noise_corrected_posterior import NoiseCorrectedPosterior


class EnsembleNoiseCorrected(Scorer):
    r"""Noise-corrected posterior on the mean of several cheap models of different kinds, each cross-fitted.

    .. math:: \bar p(x) = \frac{1}{|M|} \sum_{m \in M} p_m^{(-\text{fold of } x)}(x), \qquad
        s = \text{NoiseCorrectedPosterior}(\bar p, y)

    Models of different kinds make different mistakes, so their mean is steadier than any of them, and what is left of
    the noise is corrected once.

    Use it when you want the best ranking of label errors and can afford fitting a few cheap models. It fails on noise
    that depends on the row, and costs `len(models) * folds` fits.

    >>> X = [[i % 10 + 20.0 * (i % 2)] for i in range(60)]
    >>> y = [i % 2 if i != 7 else 0 for i in range(60)]
    >>> method = EnsembleNoiseCorrected(models=("linear", "kernel"), folds=4, seed=1)
    >>> int(method.score_rows(X, y).argmax())
    7
    """

    source = "brodley1999identifying"
    claims = ("class_conditional_binary", "class_conditional")
    blind = ("class_overlap",)
    transductive = True
    models: tuple[ModelKind, ...] = ("linear", "kernel", "trees", "neighbours")
    folds: int = 5
    seed: int = 0

    def score_rows(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) one minus the posterior probability of the given label."""
        probs = self.mean_probabilities(X, y)
        return NoiseCorrectedPosterior().fit(probs, y).score_rows(probs, y)

    def mean_probabilities(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n, k) out-of-fold probabilities, averaged over the models."""
        X, y = np.asarray(X), np.asarray(y)
        return np.mean([out_of_fold(kind, X, y, self.folds, self.seed) for kind in self.models], axis=0)
