"""Did nothing but the frequencies of the classes change? What follows if so, and how well that explains the inputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logsumexp

from holdfast.ops.density_ratio import logistic_coefficients, standardised
from holdfast.ops.label_shift import em_weights

DIRECTIONS = 4  # leading ones of the features that a change of the inputs may follow


class ClassChange(NamedTuple):
    """What is believed of the current rows if only class frequencies changed, (n, k), and how likely that is."""

    belief: np.ndarray
    likely: float


def class_change(
    ref_belief: np.ndarray, cur_belief: np.ndarray, share: np.ndarray, ref: np.ndarray, cur: np.ndarray
) -> ClassChange:
    """Beliefs under new class frequencies, and whether these explain the inputs as well as a change of the inputs does.

    Frequencies are those under which the current rows are likeliest. They imply a density ratio, the sum of the
    classes' weights times their beliefs, which is held against a logistic one in `ref` and `cur`, (n, d) features:
    mean log ratio of the current rows, each less what its parameters gain by chance (Akaike). The answer to whether
    *anything* changed counts as well, so that an unchanged sample leaves no doubt.
    """
    weights = em_weights(cur_belief, share)
    mass = cur_belief * weights
    evidence = np.maximum(mass.sum(axis=1), np.finfo(float).tiny)
    by_class = float(np.log(evidence / (ref_belief @ weights).mean()).mean())
    left, right = standardised(ref, cur)
    slopes = logistic_coefficients(left, right, penalty=3.0)[1:]
    by_input = float((right @ slopes).mean() - logsumexp(left @ slopes) + np.log(len(left)))
    free, chance = len(share) - 1, 1 + len(right) / len(left)
    changed = max(0.0, 1 - free / max(2 * len(right) * by_class, 1e-9))
    margin = len(right) * (by_class - by_input) + (len(slopes) - free) * chance
    return ClassChange(mass / evidence[:, None], changed * float(expit(margin)))


def leading(ref_X: np.ndarray, cur_X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, at most 4) both samples along the directions in which the reference varies most, on one scale."""
    ref, cur = standardised(ref_X, cur_X)
    vectors = np.linalg.eigh(ref.T @ ref)[1][:, -DIRECTIONS:]
    return ref @ vectors, cur @ vectors
