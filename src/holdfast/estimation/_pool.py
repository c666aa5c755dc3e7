"""A second opinion from the reference's own labels, and a logarithmic opinion pool that weighs it against the model's.

The second opinion is a kernel ridge classifier (random Fourier features) fitted on the reference; its scores of the
reference rows are leave-one-out. The pool is a multinomial logistic regression with few parameters, fitted by Newton's
method, whose curvature gives the uncertainty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from holdfast.ops.density_ratio import standardised

FLOOR = 1e-4  # a probability below this says "never", not how much less than never
SCALE = 5.0  # a score difference of 1 between two classes is worth this many logits per unit of coefficient
PENALTIES = np.logspace(-2, 3, 16)


class Pool(NamedTuple):
    """Coefficients of the pool, their covariance, and the design matrices (n, k, m) of both samples."""

    coefficients: np.ndarray
    covariance: np.ndarray
    ref_design: np.ndarray
    cur_design: np.ndarray


def second_opinion(
    ref_X: np.ndarray, ref_y: np.ndarray, cur_X: np.ndarray, classes: int, features: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(ref_n, k) leave-one-out and (cur_n, k) scores, near 1 for the class that the reference's labels suggest."""
    ref, cur = _fourier(*standardised(ref_X, cur_X), features, seed)
    centre = ref.mean(axis=0)
    ref, cur = ref - centre, cur - centre
    prior = np.bincount(ref_y, minlength=classes) / len(ref_y)
    wanted = np.eye(classes)[ref_y] - prior
    values, vectors = np.linalg.eigh(ref.T @ ref)
    values, turned = np.maximum(values, 0), ref @ vectors
    answers, squares = turned.T @ wanted, turned**2
    best, error = (np.zeros_like(wanted), np.zeros((ref.shape[1], classes))), np.inf
    for penalty in PENALTIES:
        shrink = 1 / (values + penalty)
        residual = wanted - turned @ (shrink[:, None] * answers)
        left_out = residual / np.maximum(1 - squares @ shrink - 1 / len(ref), 1e-3)[:, None]
        if (left_out**2).mean() < error:
            error = float((left_out**2).mean())
            best = wanted - left_out, vectors @ (shrink[:, None] * answers)
    return np.clip(best[0] + prior, -0.5, 1.5), np.clip(cur @ best[1] + prior, -0.5, 1.5)


def fit_pool(
    ref_probs: np.ndarray,
    ref_y: np.ndarray,
    cur_probs: np.ndarray,
    opinions: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
) -> Pool:
    """Weighted multinomial logistic regression on log probabilities, opinion scores and class intercepts."""
    classes = ref_probs.shape[1]
    ref = _design(ref_probs, opinions[0])
    prior = np.r_[1.0, 0.0, np.zeros(classes)]
    precision = np.r_[1.0, 0.1, np.full(classes, 10.0)]
    coefficients, covariance = _newton(ref, ref_y, weights, prior, precision)
    return Pool(coefficients, covariance, ref, _design(cur_probs, opinions[1]))


def pooled(design: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """(n, k) probabilities of the pool."""
    return softmax(design @ coefficients, axis=1)


def _fourier(ref: np.ndarray, cur: np.ndarray, features: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random Fourier features of a Gaussian kernel as wide as half the median squared distance."""
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(ref), size=(2, 500))
    width = np.median(((ref[pairs[0]] - ref[pairs[1]]) ** 2).sum(axis=1)) or 1.0
    turns = rng.normal(size=(ref.shape[1], features)) * np.sqrt(2 / width)
    phases = rng.uniform(0, 2 * np.pi, features)
    return np.cos(ref @ turns + phases) * np.sqrt(2 / features), np.cos(cur @ turns + phases) * np.sqrt(2 / features)


def _design(probs: np.ndarray, scores: np.ndarray) -> np.ndarray:
    n, classes = probs.shape
    own = np.log(np.clip(probs.astype(np.float64), FLOOR, 1))
    intercepts = np.broadcast_to(np.eye(classes), (n, classes, classes))
    return np.concatenate([own[..., None], SCALE * scores[..., None], intercepts], axis=2)


def _newton(
    design: np.ndarray, y: np.ndarray, weights: np.ndarray, prior: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n, classes, size = design.shape
    chosen = design[np.arange(n), y]

    def height(at: np.ndarray) -> float:
        logs = log_softmax(design @ at, axis=1)[np.arange(n), y]
        return float(weights @ logs - 0.5 * precision @ (at - prior) ** 2)

    at, top = prior.copy(), height(prior)
    for _ in range(50):
        share = softmax(design @ at, axis=1)
        mean = np.einsum("nkm,nk->nm", design, share)
        slope = weights @ (chosen - mean) - precision * (at - prior)
        centred = (design - mean[:, None, :]).reshape(n * classes, size)
        bend = (centred * (share * weights[:, None]).reshape(-1, 1)).T @ centred + np.diag(precision)
        step, length = np.linalg.solve(bend, slope), 1.0
        while length > 1e-6 and height(at + length * step) < top:
            length /= 2
        at = at + length * step
        gain, top = height(at) - top, height(at)
        if gain < 1e-7:
            break
    return at, np.linalg.inv(bend)
