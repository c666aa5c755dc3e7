"""ClusterClip sampling."""

from __future__ import annotations

import numpy as np

from holdfast.core import Selector
from holdfast.curation._clusters import by_angle, count_of, unit_rows


class ClusterClip(Selector):
    r"""Rows drawn from all clusters alike, so that a large topic does not crowd out the small ones.

    .. math:: c_t \sim \text{Uniform}\{c : \text{seen}_c < \text{clip} \cdot n_c\}, \qquad i_t = \text{next row of } c_t

    `order_` is the order of training: every step draws a cluster and takes its next row, in a random order; where a
    cluster is through it begins again, and after `clip` times it is left out. `select_rows` gives rows as they first
    stand in that order; without a budget, the share `keep` of them.

    Use it where topics are unequal and rare ones matter as much. It fails where the clusters are not topics (one of
    gibberish is raised like any other), and where a rare topic is so small that `clip` repeats are too many.

    >>> X = [[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [1.0, 0.05], [0.0, 1.0]]
    >>> method = ClusterClip(clusters=2, clip=2, keep=0.4, seed=1)
    >>> chosen = method.select_rows(X=X).tolist()
    >>> 4 in chosen, len(chosen), int((method.order_ == 4).sum())
    (True, 2, 2)
    """

    source = "shao2024balanced"
    claims = ("crowded_topic",)

    clusters: int | None = None
    clip: int = 5
    keep: float = 0.7
    seed: int = 0

    def select_rows(self, X: np.ndarray, budget: int | None = None) -> np.ndarray:
        X = unit_rows(X)
        label, _ = by_angle(X, count_of(self.clusters, len(X)), self.seed)
        self.order_ = self._order(label, np.random.default_rng(self.seed))
        _, first = np.unique(self.order_, return_index=True)
        rows = self.order_[np.sort(first)]
        return rows[: max(1, round(self.keep * len(rows)))][:budget]

    def _order(self, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Until every row was taken once."""
        members = [np.flatnonzero(label == cluster) for cluster in range(int(label.max()) + 1)]
        queues = {at: rng.permutation(rows).tolist() for at, rows in enumerate(members) if len(rows)}
        rounds, fresh, pool, taken = dict.fromkeys(queues, 1), set(queues), list(queues), []
        while fresh:
            cluster = pool[int(rng.random() * len(pool))]
            taken.append(queues[cluster].pop())
            if queues[cluster]:
                continue
            fresh.discard(cluster)
            if rounds[cluster] < self.clip:
                rounds[cluster] += 1
                queues[cluster] = rng.permutation(members[cluster]).tolist()
            else:
                pool.remove(cluster)
        return np.array(taken)
