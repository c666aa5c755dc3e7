"""Project and Probe: a few orthogonal directions that the source finds predictive, weighed by a few target labels."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from holdfast.core import Mapper


class ProjectAndProbe(Mapper):
    r"""Directions from many labels of the source, each orthogonal to those before; a probe from a few of the target.

    .. math:: \Pi_i = \arg\min_{\Pi_i \perp \Pi_1, \dots, \Pi_{i-1}} \ell_S(\Pi_i),\ \lVert \Pi_i \rVert = 1, \qquad
              f(x) = \mathrm{softmax}\big(W\, \Pi x + b\big),\ (W, b) = \arg\min \ell_T

    Both losses are logistic; `directions` is how many there are (K - 1 a round for K classes), `strength` the inverse
    of the ridge of the probe. Features are centred and scaled as a whole by the source. `directions_` shows what the
    probe could choose from, `weights_` (classes, directions) what it chose.

    Use it on embeddings of a frozen network when the source has many labels and the target a handful, and what fooled
    the source is one of several features. It fails where the target needs what the source never found predictive, and
    with labels enough for a probe of all features.

    The source separates by the first number, then by the second; the target, labelled twice, by the second alone:

    >>> source = [[2.0, 1.0], [2.0, 0.0], [-2.0, 0.0], [-2.0, -1.0]]
    >>> probe = ProjectAndProbe(directions=2, strength=9.0).fit(source, [1, 1, 0, 0], [[0.0, 1.0], [0.0, -1.0]], [1, 0])
    >>> (probe.directions_ @ probe.directions_.T).round(6).tolist(), probe.transform([[0.0, 3.0]]).argmax(1).tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [1])
    """

    source = "chen2024project"
    claims = ("few_labels",)
    blind = ("few_labels_of_another_question",)
    gives: ClassVar[str] = "adapted"
    directions: int = 8
    strength: float = 10.0

    def fit(self, ref_X: np.ndarray, ref_y: np.ndarray, cur_X: np.ndarray, cur_y: np.ndarray) -> Self:
        """Learn the directions from the source (`ref_`) and the probe from the labelled rows of the target (`cur_`)."""
        for name, y in (("ref_y", ref_y), ("cur_y", cur_y)):
            if len(np.unique(y)) < 2:
                raise ValueError(f"{name} holds one class; expected labels of two classes at least.")
        self.classes_ = int(max(ref_y.max(), cur_y.max())) + 1
        self.mean_ = ref_X.mean(axis=0, dtype=np.float64)
        centred = ref_X - self.mean_
        self.scale_ = float(np.sqrt((centred**2).mean())) or 1.0
        self.directions_ = _directions(centred / self.scale_, ref_y, self.directions)
        probe = _logistic(self._projected(cur_X), cur_y, self.strength)
        self.weights_ = np.zeros((self.classes_, len(self.directions_)))
        self.bias_ = np.full(self.classes_, -np.inf)  # a class without a label in the target is never answered
        seen = probe.classes_
        one = len(seen) == 2  # then one row of coefficients stands for the second class against the first
        self.weights_[seen] = np.concatenate([0 * probe.coef_, probe.coef_]) if one else probe.coef_
        self.bias_[seen] = np.r_[0.0, probe.intercept_] if one else probe.intercept_
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(n, classes) probabilities of new rows of the target."""
        from scipy.special import softmax

        return softmax(self._projected(X) @ self.weights_.T + self.bias_, axis=1)

    def _projected(self, X: np.ndarray) -> np.ndarray:
        return (X - self.mean_) / self.scale_ @ self.directions_.T


def _directions(X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    """(count, d) orthonormal rows, fewer where the data run out of directions."""
    found = np.empty((0, X.shape[1]))
    while len(found) < count:
        left = X - (X @ found.T) @ found
        weights = _logistic(left, y, 1.0).coef_
        apart = weights - weights.mean(axis=0) if len(weights) > 1 else weights
        weights = np.linalg.svd(apart, full_matrices=False)[2][: len(np.unique(y)) - 1]
        new = weights - (weights @ found.T) @ found
        lengths = np.linalg.norm(new, axis=1)
        new = new[lengths > 0.5] / lengths[lengths > 0.5, None]  # directions of unit length unless nothing was left
        if not len(new) or not (np.abs(left).max() > 1e-9):
            break
        found = np.concatenate([found, new])
    return found[:count]


def _logistic(X: np.ndarray, y: np.ndarray, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=200, solver="newton-cholesky").fit(X, y)
