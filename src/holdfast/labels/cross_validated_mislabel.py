"""Cross-validated mislabel detection."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._confident import given_probabilities
from holdfast.labels._crossfit import ModelKind, out_of_fold


class CrossValidatedMislabel(Scorer):
    r"""Loss of the given label under models that never saw the row, averaged over model kinds, folds and seeds.

    .. math:: s(x, y) = -\frac{1}{|M|\,R} \sum_{m \in M} \sum_{r=1}^R \log p_{m,r}^{(-\text{fold of } x)}(y \mid x)

    Model kinds: `linear`, `trees` (extremely randomised), `kernel` (RBF support vectors), `neighbours`, `boosting`.

    Use it when features and labels are at hand but no probabilities. It fails where the noise depends on the class so
    strongly that models learn it: `EnsembleNoiseCorrected` takes it out. Rows share models, so scores depend on the
    other rows.

    >>> X = [[i % 10 + 20.0 * (i % 2)] for i in range(60)]
    >>> y = [i % 2 if i != 7 else 0 for i in range(60)]
    >>> method = CrossValidatedMislabel(models=("linear",), folds=4, repeats=3, seed=1)
    >>> int(method.score_rows(X, y).argmax())
    7
    """

    source = "srikanth2023empirical"
    claims = ("class_conditional_binary", "symmetric")
    blind = ("class_overlap",)
    transductive = True
    models: tuple[ModelKind, ...] = ("linear", "neighbours")
    folds: int = 5
    repeats: int = 1
    seed: int = 0

    def score_rows(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) mean log loss of the given label, held out."""
        runs = [
            given_probabilities(out_of_fold(kind, X, y, self.folds, self.seed + 1000 * repeat), y)
            for kind in self.models
            for repeat in range(self.repeats)
        ]
        return -np.mean([np.log(np.maximum(run, 1e-6)) for run in runs], axis=0)
