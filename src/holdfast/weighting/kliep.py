"""KLIEP: the density ratio that makes the target likeliest."""

from __future__ import annotations

import numpy as np

from holdfast.core import Weigher
from holdfast.ops.density_ratio import balance
from holdfast.weighting._landmarks import FOLDS, WIDTHS, folds, gaussian, landmark_distances

STEPS = 200  # of expectation and maximisation; it stops earlier where the mixture stands still


class KLIEP(Weigher):
    r"""A mixture of Gaussians at target rows, fitted as the ratio itself, in the sense of Kullback and Leibler.

    .. math:: w(x) = \sum_l \alpha_l e^{-\|x - c_l\|^2 / 2 \sigma^2}, \qquad
              \max_{\alpha \ge 0} \sum_j \log w(x'_j) \;\text{ with }\; \frac{1}{n} \sum_i w(x_i) = 1

    The centres c are `centres` random target rows; sigma is the width, out of five around the median distance, whose
    cross-validated likelihood is largest. Weights that leave a column's mean more than `tolerance` standard deviations
    away from the target are tilted as little as needed, or refused with a `ValueError`. Costs (n + m) centres d for the
    distances and 200 m centres a width and fold; memory (n + m) centres.

    Use it when the change has any smooth shape, in up to a dozen columns. It fails in many columns, where all
    distances are alike, and where target rows lie far from all reference rows.

    Three in four target rows are ones, against one in two of the reference. Of two random centres the ones' Gaussian
    takes what it can:

    >>> ref_X, cur_X = [[0.0], [1.0]] * 20, [[0.0], [1.0], [1.0], [1.0]] * 10
    >>> method = KLIEP(centres=40, tolerance=0.02, seed=1)
    >>> method.weigh_rows(ref_X=ref_X, cur_X=cur_X)[:2].round(1).tolist()
    [0.5, 1.5]
    """

    source = "sugiyama2008direct"
    claims = ("tilt", "truncation")

    centres: int = 100
    tolerance: float = 0.05
    seed: int = 0

    def weigh_rows(self, ref_X: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
        """(ref_n,) density ratio of every reference row, mean 1; the width chosen is in `width_`."""
        left, right = landmark_distances(ref_X, cur_X, self.centres, self.seed)
        fold = folds(len(right), self.seed)
        self.width_ = WIDTHS[int(np.argmax([_held_likelihood(left, right, fold, width) for width in WIDTHS]))]
        near = gaussian(left, self.width_)
        share = _mixture(near, gaussian(right, self.width_))
        weights = near @ share
        return balance(ref_X, cur_X, weights / weights.mean(), self.tolerance)


def _held_likelihood(left: np.ndarray, right: np.ndarray, fold: np.ndarray, width: float) -> float:
    """Mean log ratio of target rows that the fit has not seen."""
    ref, cur = gaussian(left, width), gaussian(right, width)
    held = np.empty(len(cur))
    for number in range(FOLDS if len(cur) >= FOLDS else 1):
        own = fold == number if len(cur) >= FOLDS else np.ones(len(cur), dtype=bool)
        seen = ~own if len(cur) >= FOLDS else own  # a handful of rows cannot be held out
        held[own] = np.log(np.maximum(cur[own] @ _mixture(ref, cur[seen]), 1e-300))
    return float(held.mean())


def _mixture(ref: np.ndarray, cur: np.ndarray) -> np.ndarray:
    """(c,) alpha. Divided by their means over the reference, the kernels are densities and alpha mixes them."""
    mass = np.maximum(ref.mean(axis=0), 1e-12)
    density = cur / mass
    share = np.full(len(mass), 1 / len(mass))
    for _ in range(STEPS):
        total = np.maximum(density @ share, 1e-300)
        new = share * (density.T @ (1 / total)) / len(density)
        new /= max(new.sum(), 1e-300)
        if np.abs(new - share).max() < 1e-7:
            break
        share = new
    return share / mass
