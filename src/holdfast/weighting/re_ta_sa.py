"""ReTaSA: weights for a numeric response whose distribution moved."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.spatial.distance import cdist

from holdfast.core import Weigher
from holdfast.ops.density_ratio import balance, logistic_coefficients, standardised
from holdfast.ops.kernels import median_distance

KNOTS = 40  # values of the response at which the weight is solved for
ROWS = 1000  # reference rows at which the equation is asked to hold


class ReTaSA(Weigher):
    r"""How much likelier every value of the response became, from inputs alone: p(x | y) stayed, p(y) moved.

    .. math:: E_\text{ref}[w(Y) \mid x] = \eta(x) = \frac{p_\text{cur}(x)}{p_\text{ref}(x)}, \qquad
              w = 1 + (\alpha I + T^* T)^{-1} T^* (\eta - 1)

    T smooths a function of the response over the reference (a kernel regression on the inputs, `bandwidth` in units of
    the median distance), T* smooths back; alpha is `penalty`, in units of the largest eigenvalue of T* T. eta is a
    logistic ratio, quadratic in the inputs. w is solved for at 40 quantiles of the response, linear between them, and
    clipped at 0; the curve is in `knots_` and `curve_`. Weights that leave a column's mean more than `tolerance`
    standard deviations away from the target are tilted as little as needed, or refused with a `ValueError`: p(x | y)
    then did not stay. Costs 1,000 n d; memory n by blocks.

    Use it when a numeric response became larger or smaller in the target, where no response is known, while rows of
    one response look as before. It fails when inputs hardly predict the response, when the relation itself changed,
    and for responses that the reference lacks.

    The response is read off the input; ones became three in four, from one in two:

    >>> ref_X, cur_X = [[0.0], [1.0]] * 20, [[0.0], [1.0], [1.0], [1.0]] * 10
    >>> method = ReTaSA(penalty=0.001, bandwidth=0.1, tolerance=0.02, seed=1)
    >>> method.weigh_rows(ref_X=ref_X, ref_target=[0.0, 1.0] * 20, cur_X=cur_X)[:2].round(1).tolist()
    [0.5, 1.5]
    """

    source = "kim2024retasa"
    claims = ("target_shift",)
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # which rows of a large reference the equation is asked at

    penalty: float = 0.03
    bandwidth: float = 0.1
    tolerance: float = 0.05
    seed: int = 0

    def weigh_rows(self, ref_X: np.ndarray, ref_target: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
        """(ref_n,) weight of every reference row's response, mean 1."""
        left, right = standardised(ref_X, cur_X)
        asked = np.sort(np.random.default_rng(self.seed).permutation(len(left))[:ROWS])
        basis, self.knots_ = _hats(np.asarray(ref_target, dtype=np.float64))
        width = self.bandwidth * median_distance(left, np.random.default_rng(self.seed))
        forth = _smoothed(left[asked], left, basis, width)
        back = basis[asked].T / np.maximum(basis[asked].sum(axis=0), 1e-12)[:, None]
        square = back @ forth
        scale = max(float(np.linalg.norm(square, 2)), 1e-12)
        moved = back @ (_quadratic_ratio(left, right)[asked] - 1)
        rest = np.linalg.solve(square + self.penalty * scale * np.eye(len(square)), moved)
        self.curve_ = np.maximum(1 + rest, 0)
        weights = basis @ self.curve_
        if weights.sum() <= 0:
            raise ValueError("no value of ref_target became likelier: cur_X looks like no response of the reference.")
        return balance(ref_X, cur_X, weights / weights.mean(), self.tolerance)


def _hats(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, g) weights of the two knots around every response, and the knots."""
    knots = np.unique(np.quantile(target, np.linspace(0, 1, KNOTS)))
    place = np.clip(np.searchsorted(knots, target, side="right") - 1, 0, max(len(knots) - 2, 0))
    basis = np.zeros((len(target), len(knots)))
    if len(knots) == 1:
        return basis + 1, knots
    share = (target - knots[place]) / (knots[place + 1] - knots[place])
    basis[np.arange(len(target)), place] = 1 - share
    basis[np.arange(len(target)), place + 1] = share
    return basis, knots


def _smoothed(asked: np.ndarray, rows: np.ndarray, values: np.ndarray, width: float) -> np.ndarray:
    """Kernel regression of the values on the rows, at the rows asked for, by blocks."""
    out = np.empty((len(asked), values.shape[1]))
    step = max(1, (1 << 20) // len(rows))
    for first in range(0, len(asked), step):
        near = cdist(asked[first : first + step], rows, "sqeuclidean") * (-0.5 / width**2)
        near = np.exp(near - near.max(axis=1, keepdims=True))
        out[first : first + step] = near @ values / near.sum(axis=1, keepdims=True)
    return out


def _quadratic_ratio(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(ref_n,) mean 1: odds of a logistic regression on the columns and their squares."""
    wide = [np.hstack([rows, rows**2]) for rows in (left, right)]
    log_odds = wide[0] @ logistic_coefficients(wide[0], wide[1], 1.0)[1:]
    ratio = np.exp(np.minimum(log_odds - log_odds.mean(), 10))
    return ratio / ratio.mean()
