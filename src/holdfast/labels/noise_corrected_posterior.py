"""Noise-corrected posterior of the true class."""

from __future__ import annotations

from typing import Self

import numpy as np

from holdfast.core import Scorer
from holdfast.labels._confident import (
    blocks,
    calibrated_joint,
    class_thresholds,
    confident_classes,
    confident_counts,
    given_probabilities,
    noise_matrix,
)

TUNED_ON = 20_000  # evenly spaced rows that the temperature is chosen on


class NoiseCorrectedPosterior(Scorer):
    r"""How improbable the given label is once the estimated label noise is taken out of the probabilities.

    The model was fitted on noisy labels, so its probabilities are mixtures of the clean ones, :math:`p = T^\top q` with
    :math:`T_{ji} = P(\text{given } i \mid \text{true } j)`. `steps` rounds of expectation-maximisation per row solve
    for q, and Bayes' rule adds what was given:

    .. math:: q_j \leftarrow q_j \sum_i \frac{T_{ji}\, p_i(x)}{\sum_l q_l T_{li}}, \qquad
        s(x, y) = 1 - \frac{q_y T_{yy}}{\sum_j q_j T_{jy}}

    `fit` estimates T from the confident counts, then `rounds` times from the posterior, mixed with `floor` of uniform
    noise (a pair of classes never seen confused may still be); `calibrate` first sets the temperature of the
    probabilities on the given labels, since an overconfident model hides the noise.

    Use it when you have out-of-sample probabilities and no other model: it is the strongest scorer on them, above all
    where noise depends on the class. It fails where noise depends on the row (boundary rows), and is slow above a few
    hundred classes: each step costs n k² products.

    >>> probs, y = [[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]], [0, 0, 1, 0]
    >>> plain = NoiseCorrectedPosterior(steps=1, rounds=0, floor=0.0, calibrate=False).fit(probs, y)
    >>> plain.noise_matrix_.round(2).tolist()  # thresholds 0.6 and 0.8: one of two rows of class 1 is labelled 0
    [[1.0, 0.0], [0.5, 0.5]]
    >>> plain.score_rows(probs[:1], [0]).round(3).tolist()  # q = (0.533, 0.467): 1 - 0.533 / (0.533 + 0.467 * 0.5)
    [0.304]
    >>> plain.suggest_labels(probs, y).tolist()
    [0, 0, 1, 1]
    """

    source = "patrini2017making"
    claims = ("class_conditional_binary", "symmetric", "class_conditional")
    blind = ("class_overlap",)
    steps: int = 10
    rounds: int = 3
    floor: float = 0.03
    calibrate: bool = True

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Estimate the temperature and the noise matrix."""
        self.temperature_ = _temperature(probs, y) if self.calibrate else 1.0
        k = probs.shape[1]
        cooled = _cooled(probs, self.temperature_)
        thresholds = class_thresholds(given_probabilities(cooled, y), y, k)
        confident, _ = confident_classes(cooled, thresholds)
        self._learn(calibrated_joint(confident_counts(y, confident, k), y))
        for _ in range(self.rounds):
            self._learn(self._expected_joint(probs, y))
        return self

    def score_rows(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) one minus the posterior probability of the given label."""
        return np.concatenate([1 - given_probabilities(part, label) for part, label in self._posteriors(probs, y)])

    def suggest_labels(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) the class with the largest posterior probability, the given label included."""
        probs, y = np.asarray(probs), np.asarray(y)
        return np.concatenate([part.argmax(axis=1) for part, _ in self._posteriors(probs, y)])

    def _learn(self, joint: np.ndarray) -> None:
        self.noise_matrix_ = (1 - self.floor) * noise_matrix(joint) + self.floor / len(joint)

    def _expected_joint(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(k, k) expected rows labelled i of true class j, under the current noise matrix."""
        joint = np.zeros_like(self.noise_matrix_)
        for part, labels in self._posteriors(probs, y):
            np.add.at(joint, labels, part)
        return joint

    def _posteriors(self, probs: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(self._posterior(probs[part], y[part]), y[part]) for part in blocks(*probs.shape)]

    def _posterior(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        observed = _cooled(probs, self.temperature_)
        clean = np.full_like(observed, 1 / observed.shape[1])
        for _ in range(self.steps):
            clean *= (observed / np.maximum(clean @ self.noise_matrix_, 1e-12)) @ self.noise_matrix_.T
            clean /= clean.sum(axis=1, keepdims=True)
        joint = clean * self.noise_matrix_[:, y].T
        totals = joint.sum(axis=1, keepdims=True)
        return np.where(totals > 1e-300, joint / np.maximum(totals, 1e-300), clean)


def _cooled(probs: np.ndarray, temperature: float) -> np.ndarray:
    logs = np.log(np.maximum(probs, 1e-12, dtype=np.float64)) / temperature
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _temperature(probs: np.ndarray, y: np.ndarray) -> float:
    """The temperature between 1/8 and 64 with the least log loss on the given labels."""
    from scipy.optimize import minimize_scalar

    every = -(-len(y) // TUNED_ON)
    some, labels = probs[::every], y[::every]

    def loss(log_temperature: float) -> float:
        return -float(np.log(given_probabilities(_cooled(some, np.exp(log_temperature)), labels)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(1 / 8), np.log(64)), method="bounded").x))
