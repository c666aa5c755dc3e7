"""Confident learning; the study of test sets that made it known is `northcutt2021pervasive`."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._confident import (
    TOLERANCE,
    blocks,
    calibrated_joint,
    class_thresholds,
    confident_classes,
    confident_counts,
    given_probabilities,
)
from holdfast.labels._prune import Prune, label_issues
from holdfast.vocabulary import ARGUMENTS, check

Quality = Literal["self_confidence", "normalized_margin", "confidence_weighted_entropy"]


class ConfidentLearning(Scorer):
    r"""Label quality against class thresholds: a row belongs to the likeliest class among those it is confident of.

    .. math:: t_j = \operatorname{mean}_{y_i = j} p_j(x_i), \qquad
        C_{ij} = \#\{x : y = i,\ j = \arg\max_{l : p_l(x) \ge t_l} p_l(x)\}

    `score_rows` is one minus the label quality (`kuan2022model`): the probability of the given label
    (`self_confidence`), its margin over the best other class (`normalized_margin`) or its ratio to the entropy
    (`confidence_weighted_entropy`); `adjust` first subtracts the thresholds from the probabilities. `fit` learns the
    thresholds and the confident joint (`joint_`: rows labelled i that truly are j); `find_issues` learns and says which
    rows to prune.

    Use it when you have out-of-sample probabilities of a decent model and noise that depends on the class. It fails on
    hard clean tasks, where it takes overlap of the classes for label errors, and with in-sample probabilities.

    >>> probs, y = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]], [0, 0, 0, 1]
    >>> ConfidentLearning().fit(probs, y).thresholds_.round(2).tolist()
    [0.7, 0.7]
    >>> ConfidentLearning(score="normalized_margin").fit(probs, y).score_rows(probs, y).round(2).tolist()
    [0.1, 0.2, 0.6, 0.3]
    >>> imbalanced = ConfidentLearning(adjust=True).fit([[0.9, 0.1], [0.6, 0.4]], [0, 1])  # thresholds 0.9 and 0.4
    >>> imbalanced.score_rows([[0.7, 0.3]], [0]).round(3).tolist()  # 1 - (0.7 - 0.9 + 0.9) / 1.5
    [0.533]
    >>> ConfidentLearning().find_issues([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]], [0, 0, 1, 0]).tolist()
    [False, False, False, True]
    """

    source = "northcutt2021confident"
    claims = ("symmetric", "class_conditional", "class_conditional_binary")
    blind = ("class_overlap",)
    score: Quality = "self_confidence"
    adjust: bool = False

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Learn the class thresholds and the confident joint."""
        self._learn(probs, y)
        return self

    def score_rows(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) one minus the label quality."""
        quality = np.empty(len(y))
        for part in blocks(*probs.shape):
            block = _adjusted(probs[part], self.thresholds_) if self.adjust else probs[part]
            quality[part] = _QUALITIES[self.score](block, y[part])
        return 1 - quality

    def find_issues(self, probs: np.ndarray, y: np.ndarray, prune: Prune = "noise_rate") -> np.ndarray:
        """(n,) true where the label is to be pruned; learns from the same rows.

        `noise_rate`: for every pair, the estimated number of rows with the largest margin; `class`: for every class,
        the estimated number with the least self-confidence; `both`: rows that both name; `confident`: the off-diagonal
        of the counts. A row whose given label is its likeliest class is never an issue.
        """
        sizes: dict[str, tuple[int, str]] = {}
        probs = check("probs", probs, ARGUMENTS["probs"], sizes)
        y = check("y", y, ARGUMENTS["y"], sizes)
        confident, doubted = self._learn(probs, y)
        return label_issues(probs, y, self.joint_, confident, doubted, prune)

    def _learn(self, probs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Thresholds and joint; returns every row's confident class and whether another class beats the given one."""
        given = given_probabilities(probs, y)
        self.thresholds_ = class_thresholds(given, y, probs.shape[1])
        confident, largest = confident_classes(probs, self.thresholds_)
        self.joint_ = calibrated_joint(confident_counts(y, confident, probs.shape[1]), y)
        return confident, largest > given + TOLERANCE


def _adjusted(probs: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    shifted = probs - thresholds + thresholds.max()
    return shifted / shifted.sum(axis=1, keepdims=True)


def _normalized_margin(probs: np.ndarray, y: np.ndarray) -> np.ndarray:
    others = probs.copy()
    others[np.arange(len(y)), y] = 0
    return (given_probabilities(probs, y) - others.max(axis=1) + 1) / 2


def _confidence_weighted_entropy(probs: np.ndarray, y: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    entropy = -xlogy(probs, np.maximum(probs, 1e-300)).sum(axis=1) / np.log(max(probs.shape[1], 2))
    # the clips and log(x + 1) / x, which maps onto (0, 1], follow the paper's released code
    ratio = np.maximum(entropy / np.maximum(given_probabilities(probs, y), 1e-6), 1e-6)
    return np.log1p(ratio) / ratio


_QUALITIES = {
    "self_confidence": given_probabilities,
    "normalized_margin": _normalized_margin,
    "confidence_weighted_entropy": _confidence_weighted_entropy,
}
