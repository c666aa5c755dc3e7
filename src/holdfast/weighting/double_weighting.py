"""Double weighting: target rows that the reference cannot reach count less, instead of stretching its weights."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Weigher
from holdfast.ops.density_ratio import balance
from holdfast.weighting._kernel_means import kernel_product, minimised


class DoubleWeighting(Weigher):
    r"""Kernel mean matching that weighs the target rows too, so that both samples meet where they overlap.

    .. math:: \min_{\alpha, \beta} \Big\|\frac{1}{m}\sum_j \beta_j \phi(x'_j)
              - \frac{1}{n}\sum_i \alpha_i \phi(x_i)\Big\|^2 + \frac{\lambda}{n^2}\|\alpha\|^2, \qquad
              0 \le \alpha_i \le \frac{B}{\sqrt D}, \quad 0 \le \beta_j \le 1, \quad
              \|\beta - 1\| \le \Big(1 - \frac{1}{\sqrt D}\Big) \sqrt m

    D is `trade_off` (1 keeps every target row whole: kernel mean matching), B is `largest`, lambda is `penalty`, and
    `bandwidth` is in units of the median distance. The weights of the target rows, at most 1, are in `cur_weights_`.
    Memory is that of kernel mean matching: 256 random rows stand for the kernel above 2,000 rows in all.

    As there, weights that leave a column's mean more than `tolerance` standard deviations away from that of the
    weighted target are tilted as little as needed, or refused.

    Use it when part of the target lies where the reference has no rows: the weights then rest on many rows instead of
    the few at the border. It fails when exactly that part matters, since what is learnt stays poor there; look at
    `cur_weights_` to see which target rows were given up.

    With D = 4, one of four target rows can be given up: the last, far from all. Ones are then two in three:

    >>> method = DoubleWeighting(trade_off=4.0, largest=5.0, penalty=0.0, bandwidth=0.2, tolerance=0.01)
    >>> method.weigh_rows(ref_X=[[0.0], [1.0]], cur_X=[[0.0], [1.0], [1.0], [9.0]]).round(1).tolist()
    [0.7, 1.3]
    >>> method.cur_weights_.round(1).tolist()
    [1.0, 1.0, 1.0, 0.0]
    """

    source = "segoviamartin2023double"
    claims = ("tilt", "truncation")
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # landmarks of large samples only

    trade_off: float = 2.0
    largest: float = 10.0
    penalty: float = 1.0
    bandwidth: float = 1.0
    tolerance: float = 0.05
    seed: int = 0

    def weigh_rows(self, ref_X: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
        """(ref_n,) weights of the reference rows, mean 1; those of the target rows are in `cur_weights_`."""
        if self.trade_off < 1:
            raise ValueError(f"trade_off is {self.trade_off}; expected at least 1, where every cur_X row counts whole.")
        n, m = len(ref_X), len(cur_X)
        product, bend = kernel_product(ref_X, cur_X, self.bandwidth, self.seed)
        most = self.largest / np.sqrt(self.trade_off) / n
        radius = (1 - 1 / np.sqrt(self.trade_off)) * np.sqrt(m)
        sign = np.r_[np.ones(n), -np.ones(m)]
        ridge = np.r_[np.full(n, self.penalty), np.zeros(m)]

        def gradient(share: np.ndarray) -> np.ndarray:
            return sign * product(sign * share) + ridge * share

        def project(share: np.ndarray) -> np.ndarray:
            return np.r_[np.clip(share[:n], 0, most), (1 - _shortened(1 - share[n:] * m, radius)) / m]

        start = project(np.r_[np.full(n, 1 / n), np.full(m, 1 / m)])
        share = minimised(gradient, project, start, bend + self.penalty)
        self.cur_weights_ = share[n:] * m
        if share[:n].sum() <= 1e-9:
            raise ValueError("no row of ref_X is near a row of cur_X that counts: lower trade_off or raise bandwidth.")
        return balance(ref_X, cur_X, share[:n] / share[:n].mean(), self.tolerance, self.cur_weights_)


def _shortened(missing: np.ndarray, radius: float) -> np.ndarray:
    """The nearest point with entries in [0, 1] and a length of at most `radius`."""
    inside = np.clip(missing, 0, 1)
    if np.linalg.norm(inside) <= radius:
        return inside
    if radius <= 0:
        return np.zeros_like(missing)
    low, high = 0.0, float(np.linalg.norm(np.maximum(missing, 0)) / radius)
    for _ in range(60):  # halvings: the length falls as the divisor grows
        divisor = (low + high) / 2
        inside = np.clip(missing / (1 + divisor), 0, 1)
        low, high = (divisor, high) if np.linalg.norm(inside) > radius else (low, divisor)
    return inside
