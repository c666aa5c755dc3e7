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
    Several networks (`m`) are averaged; scores are self-influences. For networks of linear layers no gradient need be
    formed: `influences_from_products`.

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
        products = (_products(g, g) for g in ensemble_gradients)
        return np.mean([np.diag(self._solved(own, own)) for own in products], axis=0)

    def influences(self, ensemble_gradients: np.ndarray, cur_ensemble_gradients: np.ndarray) -> np.ndarray:
        """(m, n, cur_n) how much each training row lowers the loss of each other row, network by network."""
        pairs = zip(ensemble_gradients, cur_ensemble_gradients, strict=True)
        return np.stack([self._solved(_products(ours, ours), _products(ours, theirs)) for ours, theirs in pairs])

    def influences_from_products(
        self, ensemble_products: np.ndarray, ensemble_cross_products: np.ndarray
    ) -> np.ndarray:  # fmt: skip
        """(m, n, cur_n) the same from the inner products of gradients alone, as `nets.gradient_products` gives them.

        Two training rows with gradients 2 and 1, another row with gradient 1; damping 1 is 1 * (4 + 1) / 2:

        >>> method = DualFisherInfluence(damping=1.0)
        >>> method.influences([[[2.0], [1.0]]], [[[1.0]]]).round(4).tolist()
        [[[0.2667], [0.1333]]]
        >>> method.influences_from_products([[[4.0, 2.0], [2.0, 1.0]]], [[[2.0], [1.0]]]).round(4).tolist()
        [[[0.2667], [0.1333]]]
        """
        pairs = zip(ensemble_products, ensemble_cross_products, strict=True)
        return np.stack([self._solved(np.asarray(ours), np.asarray(across)) for ours, across in pairs])

    def _solved(self, products: np.ndarray, across: np.ndarray) -> np.ndarray:
        from scipy.linalg import cho_factor, cho_solve

        if self.damping <= 0:
            raise ValueError(f"damping is {self.damping}; expected above 0, in units of the mean squared gradient.")
        size = float(np.trace(products, dtype=np.float64)) / len(products)
        if size == 0:
            return np.zeros(across.shape)
        kernel = products.astype(np.float64) / size
        kernel.flat[:: len(kernel) + 1] += self.damping
        return cho_solve(cho_factor(kernel, overwrite_a=True), across / size)


def _products(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.asarray(ours, dtype=np.float64) @ np.asarray(theirs, dtype=np.float64).T
