"""Influence functions with the Fisher information, solved in the space of rows."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class DualFisherInfluence(Scorer):
    r"""What leaving a row out would do to its own loss, or, in `influences`, to that of other rows.

    .. math:: I(z_i, z') = g_i^{\!\top} (G^{\!\top} G + \delta I)^{-1} g' = \big[(G G^{\!\top}
       + \delta I)^{-1} G g'\big]_i, \qquad \delta = \texttt{damping} \cdot \tfrac1n \sum_i \lVert g_i \rVert^2

    with the rows of G the gradients of the training rows. The matrix has the size of the rows, not of the parameters.
    The damping is in units of the mean squared gradient, so that it needs no search: 1 holds over networks and scales.
    Several networks (`m`) are averaged; scores are self-influences.

    Use it when it must be known which training rows a prediction rests on. It fails beyond some ten thousand rows
    (n x n numbers are held) and, from one network alone, for single pairs: see `InfluenceSignificance`.

    One gradient of 2, damping 1: g g / (g g + 1 * 4) = 1/2.

    >>> DualFisherInfluence(damping=1.0).score_rows([[[2.0]]]).round(6).tolist()
    [0.5]
    """

    source = "koh2017understanding"
    claims = ("wrong_labels",)
    transductive = True
    memory = "quadratic"
    damping: float = 1.0

    def score_rows(self, ensemble_gradients: np.ndarray) -> np.ndarray:
        """(n,) self-influence."""
        return np.mean([np.diag(self._solved(g, g)) for g in ensemble_gradients], axis=0)

    def influences(self, ensemble_gradients: np.ndarray, cur_ensemble_gradients: np.ndarray) -> np.ndarray:
        """(m, n, cur_n) how much each training row lowers the loss of each other row, network by network."""
        pairs = zip(ensemble_gradients, cur_ensemble_gradients, strict=True)
        return np.stack([self._solved(np.asarray(ours), np.asarray(theirs)) for ours, theirs in pairs])

    def _solved(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        from scipy.linalg import cho_factor, cho_solve

        if self.damping <= 0:
            raise ValueError(f"damping is {self.damping}; expected above 0, in units of the mean squared gradient.")
        size = float(np.einsum("ij,ij->", ours, ours, dtype=np.float64)) / len(ours)
        if size == 0:
            return np.zeros((len(ours), len(theirs)))
        scaled = ours.astype(np.float64) / size**0.5
        kernel = scaled @ scaled.T
        kernel.flat[:: len(kernel) + 1] += self.damping
        return cho_solve(cho_factor(kernel, overwrite_a=True), scaled @ (theirs.astype(np.float64) / size**0.5).T)
