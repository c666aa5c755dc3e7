"""Semantic duplicates."""

from __future__ import annotations

import numpy as np

from holdfast.core import Selector
from holdfast.curation._clusters import BLOCK, by_angle, count_of, ordered, unit_rows


class SemDeDup(Selector):
    r"""Rows without those whose embedding is nearly that of a row that stays, looked for inside clusters.

    .. math:: i \text{ goes} \iff \max_{j \in S, \, j \prec i} \cos(x_i, x_j) > 1 - \epsilon

    The rows of a k-means cluster (`clusters`, by default the square root of the rows) are gone through from the
    farthest to the nearest to its centre, so that of two duplicates the less typical stays. `matched_` (n,) is the row
    that a dropped row repeats, -1 where it stays, `similarity_` the cosine to it. Selected rows come farthest from
    their centre first.

    Use it on embeddings of documents or images that say the same in other words or pixels. It fails where the
    embedding puts different things together (then look at pairs before you trust an :math:`\epsilon`), and across
    cluster borders, where pairs are not compared.

    >>> X = [[1.0, 0.0], [1.0, 0.02], [0.0, 1.0], [-1.0, 0.3]]
    >>> method = SemDeDup(epsilon=0.01, clusters=2, seed=1)
    >>> sorted(method.select_rows(X=X).tolist()), method.matched_.tolist()
    ([0, 2, 3], [-1, 0, -1, -1])
    """

    source = "abbas2023semdedup"
    claims = ("many_copies",)

    epsilon: float = 0.05
    clusters: int | None = None
    seed: int = 0

    def select_rows(self, X: np.ndarray, budget: int | None = None) -> np.ndarray:
        X = unit_rows(X)
        label, cosine = by_angle(X, count_of(self.clusters, len(X)), self.seed)
        self.matched_, self.similarity_ = np.full(len(X), -1, dtype=np.int64), np.zeros(len(X))
        for rows in ordered(label, cosine):
            self._drop(X, rows)
        kept = np.flatnonzero(self.matched_ < 0)
        return kept[np.argsort(cosine[kept], kind="stable")][:budget]

    def _drop(self, X: np.ndarray, rows: np.ndarray) -> None:
        """Go through one cluster; what is dropped is not compared with again."""
        kept = rows[:0]
        for start in range(0, len(rows), BLOCK):
            mine = rows[start : start + BLOCK]
            self._match(mine, kept, X[mine] @ X[kept].T)
            inside = np.tril(X[mine] @ X[mine].T, -1)
            for place in np.flatnonzero((self.matched_[mine] < 0) & (inside.max(axis=1) > 1 - self.epsilon)):
                stays = np.flatnonzero(self.matched_[mine[:place]] < 0)
                self._match(mine[place : place + 1], mine[stays], inside[place : place + 1, stays])
            kept = np.concatenate([kept, mine[self.matched_[mine] < 0]])

    def _match(self, rows: np.ndarray, others: np.ndarray, near: np.ndarray) -> None:
        if not len(others):
            return
        best = near.argmax(axis=1)
        value = near[np.arange(len(rows)), best]
        goes = value > 1 - self.epsilon
        self.matched_[rows[goes]], self.similarity_[rows[goes]] = others[best[goes]], value[goes]
