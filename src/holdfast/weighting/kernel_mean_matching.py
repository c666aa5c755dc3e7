"""Kernel mean matching."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Weigher
from holdfast.ops.density_ratio import balance
from holdfast.weighting._kernel_means import kernel_product, minimised


class KernelMeanMatching(Weigher):
    r"""Weights that bring the mean of the reference next to the mean of the target in a kernel's feature space.

    .. math:: \min_{0 \le w \le B} \Big\|\frac{1}{n}\sum_i w_i \phi(x_i) - \frac{1}{m}\sum_j \phi(x'_j)\Big\|^2
              + \frac{\lambda}{n^2} \|w\|^2, \qquad \Big|\frac{1}{n}\sum_i w_i - 1\Big| \le 1 - \frac{1}{\sqrt n}

    B is `largest`, lambda is `penalty`, and the width of the Gaussian kernel is `bandwidth` times the median distance.
    Up to 2,000 rows of both samples together the kernel matrix is held; above that, 256 random rows stand for it and
    memory grows linearly.

    Weights that leave a column's mean more than `tolerance` standard deviations away from the target are tilted as
    little as needed, or refused with a `ValueError` where no tilt can do it; infinity leaves the program's own answer.

    Use it when the change may be in any moment, not only in the means, and a few thousand rows or a few dozen columns
    are at hand. It fails in many columns, where all distances are alike and the weights stay flat, and with a small
    penalty, where it fits the noise of the target and rests on few rows.

    Three in four target rows are ones, against one in two of the reference. Without a penalty the means meet. A bound
    of 1.2 holds the second share at 0.6; with k = exp(-1/2) between the points, the best first share is then
    0.25 + 0.15 k = 0.341, and 0.341 / 0.4705 = 0.725:

    >>> ref_X, cur_X = [[0.0], [1.0]], [[0.0], [1.0], [1.0], [1.0]]
    >>> KernelMeanMatching(penalty=0.0, bandwidth=0.5).weigh_rows(ref_X=ref_X, cur_X=cur_X).round(3).tolist()
    [0.5, 1.5]
    >>> method = KernelMeanMatching(penalty=0.0, largest=1.2, tolerance=np.inf)
    >>> method.weigh_rows(ref_X=ref_X, cur_X=cur_X).round(3).tolist()
    [0.725, 1.275]
    """

    source = "huang2006correcting"
    claims = ("tilt", "truncation")
    silent: ClassVar[tuple[str, ...]] = ("seed",)  # landmarks of large samples only

    largest: float = 10.0
    penalty: float = 1.0
    bandwidth: float = 1.0
    tolerance: float = 0.05
    seed: int = 0

    def weigh_rows(self, ref_X: np.ndarray, cur_X: np.ndarray) -> np.ndarray:
        """(ref_n,) weights of the reference rows, mean 1."""
        if self.largest < 1:
            raise ValueError(f"largest is {self.largest}; expected at least 1, since the weights of ref_X have mean 1.")
        n, m = len(ref_X), len(cur_X)
        product, bend = kernel_product(ref_X, cur_X, self.bandwidth, self.seed)
        target = np.r_[np.zeros(n), np.full(m, -1 / m)]
        slack = 1 - 1 / np.sqrt(n)  # as in gretton2009covariate

        def gradient(share: np.ndarray) -> np.ndarray:
            return product(np.r_[share, target[n:]])[:n] + self.penalty * share

        def project(share: np.ndarray) -> np.ndarray:
            return _onto_slab(share, self.largest / n, 1 - slack, 1 + slack)

        share = minimised(gradient, project, np.full(n, 1 / n), bend + self.penalty)
        return balance(ref_X, cur_X, share / share.mean(), self.tolerance)


def _onto_slab(point: np.ndarray, largest: float, low: float, high: float) -> np.ndarray:
    """The nearest point with entries in [0, largest] and a sum in [low, high]."""
    inside = np.clip(point, 0, largest)
    goal = min(max(inside.sum(), low), high)
    if goal == inside.sum():
        return inside
    left, right = point.min() - largest, point.max()
    for _ in range(60):  # halvings: the sum falls as the shift grows
        shift = (left + right) / 2
        inside = np.clip(point - shift, 0, largest)
        left, right = (shift, right) if inside.sum() > goal else (left, shift)
    return inside
