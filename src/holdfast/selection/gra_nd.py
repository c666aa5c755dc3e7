"""Gradient norm."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class GraNd(Scorer):
    r"""How hard a row pulls at an early network, averaged over a few starts.

    .. math:: s_i = \frac1m \sum_r \lVert \nabla_\theta \ell(x_i, y_i; \theta_r) \rVert_2

    `holdfast.nets.per_example_gradients` gives the gradients; a projection keeps their norms.

    Use it when the loss is not a cross-entropy, where `EL2N` has no meaning. It fails at initialisation, where the norm
    is that of the input, and it costs a backward pass a row.

    >>> GraNd().score_rows(gradient_norms=[[1.0, 5.0], [3.0, 5.0]]).tolist()
    [2.0, 5.0]
    """

    source = "paul2021deep"
    claims = ("wrong_labels",)

    def score_rows(self, gradient_norms: np.ndarray) -> np.ndarray:
        """(n,) mean norm."""
        return np.asarray(gradient_norms.mean(axis=0, dtype=np.float64))
