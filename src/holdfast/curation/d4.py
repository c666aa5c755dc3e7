"""D4: document de-duplication and diversification."""

from __future__ import annotations

import numpy as np

from holdfast.core import Selector
from holdfast.curation._clusters import by_angle, count_of, redundancy, unit_rows


class D4(Selector):
    r"""Rows left when the most redundant, and then the most typical of the rest, are taken out.

    .. math:: D' = \text{the } R_\text{dedup} \, n \text{ rows of least } \max_{j \prec i} \cos(x_i, x_j), \qquad
              D'' = \text{the } R_\text{proto} |D'| \text{ rows of } D' \text{ farthest from their centre}

    The first is `SemDeDup` at the threshold that leaves the share `dedup`; then the rest is clustered anew, without the
    duplicate-driven clusters of before, and what lies nearest to its centre goes until the share `keep` of all rows is
    left, :math:`R_\text{proto}` = keep / dedup. `stage_` (n,) is 0 for what stays, 1 for semantic duplicates, 2 for
    prototypes; `matched_` the row that a semantic duplicate repeats. Rows come farthest from their centre first.

    Use it after exact and near-duplicates are gone, where there is more data than can be trained on. It fails where
    what is typical is what is wanted, and keeps outliers, gibberish too: filter those first.

    >>> X = [[1.0, 0.0], [1.0, 0.01], [0.9, 0.3], [0.8, 0.5], [0.0, 1.0], [0.1, 1.0]]
    >>> method = D4(keep=0.5, dedup=0.7, clusters=2, seed=1)
    >>> len(method.select_rows(X=X)), sorted(method.stage_.tolist())
    (3, [0, 0, 0, 1, 1, 2])
    """

    source = "tirumala2023d4"
    claims = ("many_copies",)

    keep: float = 0.65
    dedup: float = 0.75
    clusters: int | None = None
    seed: int = 0

    def select_rows(self, X: np.ndarray, budget: int | None = None) -> np.ndarray:
        if not 0 < self.keep <= self.dedup <= 1:
            raise ValueError(f"keep {self.keep} and dedup {self.dedup} of X: expected 0 < keep <= dedup <= 1.")
        X, n = unit_rows(X), len(X)
        most, match = redundancy(X, *by_angle(X, count_of(self.clusters, n), self.seed))
        order = np.argsort(most, kind="stable")
        rest = np.sort(order[: max(1, round(self.dedup * n))])
        self.stage_, self.matched_ = np.ones(n, dtype=np.int64), match
        self.matched_[rest] = -1
        _, cosine = by_angle(X[rest], count_of(self.clusters, len(rest)), self.seed)
        by_distance = rest[np.argsort(cosine, kind="stable")]
        kept = by_distance[: min(max(1, round(self.keep * n)), len(rest))]
        self.stage_[rest], self.stage_[kept] = 2, 0
        return kept[:budget]
