"""Influence by gradient products along training."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class TracIn(Scorer):
    r"""How much every training row's own steps changed its loss, or, in `influences`, that of other rows.

    .. math:: I(z, z') = \frac1m \sum_t \nabla \ell(z; \theta_t)^{\!\top} \nabla \ell(z'; \theta_t), \qquad s = I(z, z)

    The t are checkpoints of one run (or several runs) at equal learning rates; gradients may be projected
    (`nets.per_example_gradients(project=512)`).

    Use it when a prediction must be traced to training rows cheaply. It fails to rank influence as well as
    `DualFisherInfluence` from the same gradients, since rows with large gradients lead every list.

    >>> gradients = [[[1.0, 0.0], [2.0, 2.0]]]
    >>> TracIn().score_rows(gradients).tolist(), TracIn.influences(gradients, [[[1.0, 1.0]]]).tolist()
    ([1.0, 8.0], [[1.0], [4.0]])
    """

    source = "pruthi2020estimating"
    claims = ("wrong_labels",)

    def score_rows(self, ensemble_gradients: np.ndarray) -> np.ndarray:
        """(n,) self-influence."""
        total = np.zeros(ensemble_gradients.shape[1])
        for gradients in ensemble_gradients:
            total += np.einsum("ij,ij->i", gradients, gradients, dtype=np.float64)
        return total / len(ensemble_gradients)

    @staticmethod
    def influences(ensemble_gradients: np.ndarray, cur_ensemble_gradients: np.ndarray) -> np.ndarray:
        """(n, cur_n) how much each training row lowers the loss of each other row."""
        pairs = zip(ensemble_gradients, cur_ensemble_gradients, strict=True)
        return np.mean([np.asarray(ours) @ np.asarray(theirs).T for ours, theirs in pairs], axis=0)
