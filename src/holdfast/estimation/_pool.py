"""A second opinion from the reference's own labels, and a logarithmic opinion pool that weighs it against the model's.

The second opinion is a kernel ridge classifier (random Fourier features) fitted on the reference; its scores of the
reference rows are leave-one-out. The pool is a multinomial logistic regression with few parameters, fitted by Newton's
method, whose curvature gives the uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from holdfast.ops.density_ratio import standardised

FLOOR = 1e-4  # a probability below this says "never", not how much less than never
SCALE = 5.0  # a score difference of 1 between two classes is worth this many logits per unit of coefficient
PENALTIES = np.logspace(-2, 3, 16)
BLOCK = 1 << 21  # numbers of Fourier features held together


class Voices(NamedTuple):
    """What the pool hears about every row: log probabilities of the model and scores of the second opinion, (n, k)."""

    model: np.ndarray
    second: np.ndarray

    @classmethod
    def of(cls, probs: np.ndarray, scores: np.ndarray) -> Voices:
        return cls(np.log(np.clip(probs.astype(np.float64), FLOOR, 1)), SCALE * scores)

    def logits(self, at: np.ndarray) -> np.ndarray:
        """(n, k) logits of the pool: two coefficients, then one intercept per class."""
        return at[0] * self.model + at[1] * self.second + at[2:]


def second_opinion(
    ref_X: np.ndarray, ref_y: np.ndarray, cur_X: np.ndarray, classes: int, features: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(ref_n, k) leave-one-out and (cur_n, k) scores, near 1 for the class that the reference's labels suggest."""
    ref, cur = standardised(ref_X, cur_X)
    lift = _fourier(ref, features, seed)
    n, prior = len(ref), np.bincount(ref_y, minlength=classes) / len(ref_y)
    centre, gram, answers = np.zeros(features), np.zeros((features, features)), np.zeros((features, classes))
    for rows, part in _parts(ref, lift, features):
        centre, gram = centre + part.sum(axis=0) / n, gram + part.T @ part
        answers += part.T @ (np.eye(classes)[ref_y[rows]] - prior)  # the answers sum to 0: no centring is needed
    values, vectors = np.linalg.eigh(gram - n * np.outer(centre, centre))
    shrink = 1 / (np.maximum(values, 0)[:, None] + PENALTIES)
    answers = vectors.T @ answers

    def residuals(rows: slice, part: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """(rows, penalties, k) leave-one-out residuals under the chosen columns of `shrink`."""
        turned, wanted = (part - centre) @ vectors, np.eye(classes)[ref_y[rows]] - prior
        found = wanted[:, None, :] - np.tensordot(turned, chosen[:, :, None] * answers[:, None, :], 1)
        return found / np.maximum(1 - turned**2 @ chosen - 1 / n, 1e-3)[:, :, None]

    errors = sum((residuals(*block, shrink) ** 2).sum(axis=(0, 2)) for block in _parts(ref, lift, features))
    best = shrink[:, [int(np.argmin(errors))]]
    missed = np.concatenate([residuals(*block, best)[:, 0] for block in _parts(ref, lift, features)])
    told = np.concatenate([(part - centre) @ (vectors @ (best * answers)) for _, part in _parts(cur, lift, features)])
    return np.clip(np.eye(classes)[ref_y] - missed, -0.5, 1.5), np.clip(told + prior, -0.5, 1.5)


def fit_pool(voices: Voices, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the weighted multinomial logistic regression and their covariance."""
    n, classes = voices.model.shape
    prior = np.r_[1.0, 0.0, np.zeros(classes)]
    precision = np.r_[1.0, 0.1, np.full(classes, 10.0)]

    def height(at: np.ndarray) -> float:
        logs = log_softmax(voices.logits(at), axis=1)[np.arange(n), y]
        return float(weights @ logs - 0.5 * precision @ (at - prior) ** 2)

    at, top = prior.copy(), height(prior)
    for _ in range(50):
        slope, bend = _slope_and_bend(voices, y, weights, at)
        step, length = np.linalg.solve(bend + np.diag(precision), slope - precision * (at - prior)), 1.0
        while length > 1e-6 and height(at + length * step) < top:
            length /= 2
        at = at + length * step
        before, top = top, height(at)
        if top - before < 1e-7:
            break
    return at, np.linalg.inv(_slope_and_bend(voices, y, weights, at)[1] + np.diag(precision))


def _slope_and_bend(
    voices: Voices, y: np.ndarray, weights: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and negative Hessian of the weighted log likelihood, without an (n, k, k + 2) design matrix."""
    rows, share = np.arange(len(y)), softmax(voices.logits(at), axis=1)
    mass = share * weights[:, None]
    centred = [part - (part * share).sum(axis=1, keepdims=True) for part in voices]
    slope = np.r_[
        [weights @ part[rows, y] for part in centred], np.bincount(y, weights, len(at) - 2) - mass.sum(axis=0)
    ]
    bend = np.empty((len(at), len(at)))
    bend[:2, :2] = [[float((mass * one * other).sum()) for other in centred] for one in centred]
    bend[:2, 2:] = [(mass * part).sum(axis=0) for part in centred]
    bend[2:, :2] = bend[:2, 2:].T
    bend[2:, 2:] = np.diag(mass.sum(axis=0)) - share.T @ mass
    return slope, bend


def _fourier(ref: np.ndarray, features: int, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Random Fourier features of a Gaussian kernel whose variance is a quarter of the median squared distance."""
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(ref), size=(2, 500))
    width = np.median(((ref[pairs[0]] - ref[pairs[1]]) ** 2).sum(axis=1)) or 1.0
    turns = rng.normal(size=(ref.shape[1], features)) * np.sqrt(2 / width)
    phases = rng.uniform(0, 2 * np.pi, features)
    return lambda rows: np.cos(rows @ turns + phases) * np.sqrt(2 / features)


def _parts(
    rows: np.ndarray, lift: Callable[[np.ndarray], np.ndarray], features: int
) -> Iterator[tuple[slice, np.ndarray]]:
    step = max(1, BLOCK // features)
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        yield part, lift(rows[part])
