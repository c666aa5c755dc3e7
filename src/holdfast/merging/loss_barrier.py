"""How high the loss rises on the way from one network to another."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.resampling import bootstrap_interval


class LossBarrier(Measure):
    r"""The largest rise of the loss above the straight line between the losses of two networks.

    .. math:: \max_{\lambda} \; L(\theta_\lambda) - (1 - \lambda) L(\theta_0) - \lambda L(\theta_1), \quad
       \theta_\lambda = (1 - \lambda)\theta_0 + \lambda\theta_1

    Use it to know whether two networks can be averaged: a barrier near 0 says that they share a basin. It fails to see
    a barrier between the points that were looked at, and a basin that exists on the training rows only.

    `path_loss` is (t, n): the loss of every row at t equally spaced points of the way, both ends included. The interval
    is a bootstrap over rows; the maximum over points leans upwards, so that small barriers are slightly overstated.

    >>> LossBarrier(draws=100, seed=1).measure(path_loss=[[0.0, 0.0], [1.0, 3.0], [2.0, 2.0]]).value
    1.0
    """

    source = "ainsworth2023rebasin"
    claims = ("barrier",)
    draws: int = 500
    seed: int = 0

    def measure(self, path_loss: np.ndarray) -> Estimate:
        """The barrier, in units of the loss."""
        share = np.linspace(0, 1, len(path_loss))[:, None]
        rise = path_loss - (1 - share) * path_loss[0] - share * path_loss[-1]

        def highest(weights: np.ndarray) -> np.ndarray:
            return (weights @ rise.T / weights.sum(axis=1, keepdims=True)).max(axis=1)

        return bootstrap_interval(highest, path_loss.shape[1], self.draws, seed=self.seed)
