"""Similarity to the training data by neighbours, reconstruction and confidence together."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.covariance import column_spread
from holdfast.ops.neighbours import nearest_neighbours


class SimilarityEnsemble(Scorer):
    r"""One minus the mean of tail probabilities: neighbour distance, reconstruction error and lack of confidence.

    .. math:: s(x) = 1 - \frac1J \sum_j p_j(x), \quad p_j(x) = \frac{1 + \#\{i : t_j(x_i) \ge t_j(x)\}}{m + 1}

    over `m` training rows that were held out (a share `held_out`). The latent space has up to `components` principal
    components of the scaled columns, at most half their number. `component_pvalues` gives every :math:`p_j` and the
    calibrated p-value of the ensemble; each is uniform on rows like those of training. Without `probs` there is no
    third component.

    Use it when one score should cover several ways of being unlike the training data. It fails to single out a fault
    that only one component sees, since the others dilute it, and its score saturates far away: no row scores above
    m / (m + 1).

    >>> X = [[i / 10, i / 5, i % 3] for i in range(40)]
    >>> ensemble = SimilarityEnsemble(k=2, components=1, held_out=0.25, seed=1).fit(X=X)
    >>> ensemble.score_rows(X=[[2.0, 4.0, 1.0], [2.0, -4.0, 9.0]]).round(2).tolist()
    [0.05, 0.91]
    """

    source = "schreyer2025sage"
    claims = ("held_out_class", "far", "near", "feature_shift")
    verbs: ClassVar[tuple[str, ...]] = ("score_rows", "component_pvalues")
    k: int = 10
    components: int = 16
    held_out: float = 0.5
    seed: int = 0

    def fit(self, X: np.ndarray, probs: np.ndarray | None = None) -> SimilarityEnsemble:
        """Learn the latent space on one part of the training rows and the tails on the rest."""
        n = len(X)
        order = np.random.default_rng(self.seed).permutation(n)
        tails = min(max(round(self.held_out * n), 1), max(n - 1, 1))
        rows, learnt = order[:tails], order[min(tails, n - 1) :]
        base = np.asarray(X[learnt], dtype=np.float64)
        self.centre_ = base.mean(axis=0)
        self.spread_ = column_spread(base - self.centre_, self.centre_)
        base = (base - self.centre_) / self.spread_
        size = min(self.components, max(1, base.shape[1] // 2))
        self.axes_ = np.linalg.eigh(base.T @ base)[1][:, ::-1][:, :size]
        self.latent_ = base @ self.axes_
        self.confidence_ = probs is not None
        self.tails_ = [np.sort(part) for part in self._parts(X[rows], None if probs is None else probs[rows])]
        means = np.mean(self._tail_shares(self._parts(X[rows], None if probs is None else probs[rows]), 0), axis=0)
        self.means_ = np.sort(means)
        return self

    def score_rows(self, X: np.ndarray, probs: np.ndarray | None = None) -> np.ndarray:
        """(n,) one minus the mean tail probability."""
        return 1 - np.mean(self._tail_shares(self._parts(X, probs), 1), axis=0)

    def component_pvalues(self, X: np.ndarray, probs: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """(n,) p-values of every component and of the ensemble."""
        shares = self._tail_shares(self._parts(X, probs), 1)
        found = dict(zip(("distance", "reconstruction", "confidence"), shares, strict=False))
        smaller = np.searchsorted(self.means_, np.mean(shares, axis=0) + 1e-12, "right")
        return {**found, "ensemble": (1 + smaller) / (len(self.means_) + 1)}

    def _parts(self, X: np.ndarray, probs: np.ndarray | None) -> list[np.ndarray]:
        """The raw components, larger = less like training."""
        if self.confidence_ != (probs is not None):
            had = "with" if self.confidence_ else "without"
            raise ValueError(f"SimilarityEnsemble was fitted {had} probs: give them to both calls or to neither.")
        rows = (X - self.centre_) / self.spread_
        latent = rows @ self.axes_
        distance = nearest_neighbours(self.latent_, self.k, queries=latent).distances[:, -1]
        residual = np.linalg.norm(rows - latent @ self.axes_.T, axis=1)
        residual[residual < 1e-9 * (1 + np.linalg.norm(latent, axis=1))] = 0.0  # rounding is no reconstruction error
        parts = [distance, residual]
        return parts if probs is None else [*parts, 1 - probs.max(axis=1)]

    def _tail_shares(self, parts: list[np.ndarray], itself: int) -> list[np.ndarray]:
        """Share of held-out rows at least as far out; `itself` counts the row where it is not one of them."""
        shares = []
        for tail, part in zip(self.tails_, parts, strict=True):
            beyond = len(tail) - np.searchsorted(tail, part, "left")
            shares.append((itself + beyond) / (itself + len(tail)))
        return shares
