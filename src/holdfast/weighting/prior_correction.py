"""Correction of probabilities for another class mix."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.core import Mapper


class PriorCorrection(Mapper):
    r"""Probabilities of a model that was trained on one class mix, for use where classes have another.

    .. math:: q_k(x) \propto p_k(x) \, \frac{\pi'_k}{\pi_k}

    pi is the mix of the training rows (as they were fitted: after resampling, if any), pi' that of `cur_y`, or all
    classes alike where none is given: then the largest q is the best guess for balanced accuracy, the thresholding
    that mends imbalance without touching the training. A class without training rows keeps probability 0.

    Use it when only the class mix differs: after SMOTE or undersampling, or in a clinic where the disease is rarer. It
    fails when classes themselves look different, and with probabilities that were never calibrated.

    Trained on one positive in ten, used where both are alike: odds 1 : 3 become 9 : 3:

    >>> method = PriorCorrection().fit(ref_y=[0] * 9 + [1])
    >>> method.transform(probs=[[0.75, 0.25], [1.0, 0.0]]).round(2).tolist()
    [[0.25, 0.75], [1.0, 0.0]]
    """

    source = "buda2018systematic"
    claims = ("class_mix",)
    gives: ClassVar[str] = "probs"

    def fit(self, ref_y: np.ndarray, cur_y: np.ndarray | None = None) -> Self:
        """Learn both mixes from class codes: of the training rows, and of rows as they are met."""
        classes = int(max(ref_y.max(), 0 if cur_y is None else cur_y.max())) + 1
        known = np.bincount(ref_y, minlength=classes) / len(ref_y)
        wanted = np.ones(classes) if cur_y is None else np.bincount(cur_y, minlength=classes)
        self.growth_ = np.divide(wanted, known, out=np.zeros(classes), where=known > 0)
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) probabilities under the other mix; as they were where no class with weight is possible."""
        growth = np.zeros(probs.shape[1])
        growth[: len(self.growth_)] = self.growth_[: probs.shape[1]]
        out = probs * growth
        total = out.sum(axis=1, keepdims=True)
        return np.where(total > 0, out / np.where(total > 0, total, 1), probs)
