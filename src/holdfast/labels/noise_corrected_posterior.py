"""Noise-corrected posterior of the true class."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.special import entr

from holdfast.core import Scorer
from holdfast.labels._confident import (
    blocks,
    calibrated_joint,
    class_thresholds,
    confident_classes,
    confident_counts,
    even_noise,
    given_probabilities,
    noise_matrix,
)
from holdfast.labels._cooling import best_temperature, cooled


class NoiseCorrectedPosterior(Scorer):
    r"""How improbable the given label is once the estimated label noise is taken out of the probabilities.

    The model was fitted on noisy labels, so its probabilities are mixtures of the clean ones, :math:`p = T^\top q` with
    :math:`T_{ji} = P(\text{given } i \mid \text{true } j)`. `steps` rounds of expectation-maximisation per row solve
    for q, and Bayes' rule adds what was given:

    .. math:: q_j \leftarrow q_j \sum_i \frac{T_{ji}\, p_i(x)}{\sum_l q_l T_{li}}, \qquad
        s(x, y) = 1 - \frac{q_y T_{yy}}{\sum_j q_j T_{jy}}

    `fit` estimates T from the confident counts, then `rounds` times from the posterior, mixed with `floor` of uniform
    noise (a pair of classes never seen confused may still be); `calibrate` first sets the temperature of the
    probabilities on the given labels, since an overconfident model hides the noise. Scores use T drawn by `shrink`
    towards the noise of the cleanest class, spread evenly: where classes overlap, rows of the rare one look
    mislabelled, and a matrix that believes it ranks them all first. Unless given, it is the share of what could be
    known of the labels under such noise that the probabilities do not tell.

    Use it when you have out-of-sample probabilities and no other model, above all where classes are apart and noise
    depends on the class. It fails where noise depends on the row (boundary rows), and is slow above a few
    hundred classes: each step costs n k² products.

    >>> probs, y = [[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]], [0, 0, 1, 0]
    >>> plain = NoiseCorrectedPosterior(steps=1, rounds=0, floor=0.0, shrink=0.0, calibrate=False).fit(probs, y)
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
    shrink: float | None = None
    calibrate: bool = True

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Estimate the temperature and the noise matrix."""
        self.temperature_ = best_temperature(probs, y) if self.calibrate else 1.0
        k = probs.shape[1]
        colder = cooled(probs, self.temperature_)
        thresholds = class_thresholds(given_probabilities(colder, y), y, k)
        confident, _ = confident_classes(colder, thresholds)
        self._learn(calibrated_joint(confident_counts(y, confident, k), y))
        for _ in range(self.rounds):
            self._learn(self._expected_joint(probs, y))
        self.shrink_ = self._untold(colder, y) if self.shrink is None else self.shrink
        return self

    def score_rows(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) one minus the posterior probability of the given label."""
        posteriors = self._posteriors(probs, y, self._drawn_in())
        return np.concatenate([1 - given_probabilities(part, label) for part, label in posteriors])

    def suggest_labels(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) the class with the largest posterior probability, the given label included."""
        probs, y = np.asarray(probs), np.asarray(y)
        return np.concatenate([part.argmax(axis=1) for part, _ in self._posteriors(probs, y, self.noise_matrix_)])

    def _drawn_in(self) -> np.ndarray:
        return (1 - self.shrink_) * self.noise_matrix_ + self.shrink_ * even_noise(self.noise_matrix_)

    def _untold(self, colder: np.ndarray, y: np.ndarray) -> float:
        left = -float(np.log(np.maximum(given_probabilities(colder, y), 1e-12)).mean())
        alone = float(entr(np.bincount(y, minlength=colder.shape[1]) / len(y)).sum())
        most = alone - float(entr(even_noise(self.noise_matrix_)[0]).sum())
        return 1 - min(1.0, max(0.0, (alone - left) / most)) if most > 0 else 1.0

    def _learn(self, joint: np.ndarray) -> None:
        self.noise_matrix_ = (1 - self.floor) * noise_matrix(joint) + self.floor / len(joint)

    def _expected_joint(self, probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(k, k) expected rows labelled i of true class j, under the current noise matrix."""
        joint = np.zeros_like(self.noise_matrix_)
        for part, labels in self._posteriors(probs, y, self.noise_matrix_):
            np.add.at(joint, labels, part)
        return joint

    def _posteriors(self, probs: np.ndarray, y: np.ndarray, matrix: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(self._posterior(probs[part], y[part], matrix), y[part]) for part in blocks(*probs.shape)]

    def _posterior(self, probs: np.ndarray, y: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        observed = cooled(probs, self.temperature_)
        clean = np.full_like(observed, 1 / observed.shape[1])
        for _ in range(self.steps):
            clean *= (observed / np.maximum(clean @ matrix, 1e-12)) @ matrix.T
            clean /= clean.sum(axis=1, keepdims=True)
        joint = clean * matrix[:, y].T
        totals = joint.sum(axis=1, keepdims=True)
        return np.where(totals > 1e-300, joint / np.maximum(totals, 1e-300), clean)
