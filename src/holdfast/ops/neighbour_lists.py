"""Neighbours among lists of close rows: an approximate search whose reach is chosen from true neighbours.

Rows are dealt to the nearest of some centres (k-means). A true neighbour is found if its list is searched, so a few
queries with known neighbours tell the recall of every reach before anything is searched. Two ways to search compete:
a query scans the lists nearest to itself (inverted file), or the queries of one list are compared with the rows of the
nearest lists by one matrix product. The second reads more rows and reads them faster; the cheaper one is taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from holdfast.ops.exact_neighbours import nearest_exactly
from holdfast.ops.resampling import wilson

# What one distance costs, in distances of one exact product over all rows
SCANNED = 8.0  # by a query that scans lists by itself
SHARED = 2.5  # by a list of queries together: a product again, but each query's best are found anew among few


class Lists(NamedTuple):
    """Rows of `base` in the order of their lists: list l holds `order[starts[l] : starts[l + 1]]`."""

    faiss: Any
    index: Any
    base: np.ndarray
    centres: np.ndarray
    owner: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, faiss: Any, base: np.ndarray, number: int, seed: int) -> Lists:
        """Lists around `number` centres."""
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(base.shape[1]), base.shape[1], number)
        index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = seed % (1 << 31), 8, 64
        index.train(base)
        centres = index.quantizer.reconstruct_n(0, number)
        owner = index.quantizer.search(base, 1)[1][:, 0]
        order = np.argsort(owner, kind="stable")
        return cls(faiss, index, base, centres, owner, order, np.searchsorted(owner[order], np.arange(number + 1)))

    def search(
        self, asked: np.ndarray, rows: np.ndarray, neighbours: np.ndarray, wanted: int, least: float
    ) -> tuple[np.ndarray, str] | None:
        """(n, wanted) rows of the base, -1 for none, and how they were found; None where an exact search is cheaper.

        The queries `rows` have the true `neighbours`; the recall on them is surely at least `least`.
        """
        number = len(self.centres)
        by_query = self.index.quantizer.search(asked[rows], number)[1]
        by_list = self.faiss.knn(self.centres, self.centres, number)[1]
        holding = self.owner[neighbours]
        probed = _reach(by_query, holding, least)
        joined = _reach(by_list[by_query[:, 0]], holding, least)
        scan, share = SCANNED * self._read(by_query, probed), SHARED * self._read(by_list[by_query[:, 0]], joined)
        if min(scan, share) >= len(self.base):
            return None
        if scan < share:
            self.index.add(self.base)
            self.index.nprobe = probed
            return self.index.search(asked, wanted)[1], f"inverted file, {probed} of {number} lists probed"
        return self._together(asked, by_list[:, :joined], wanted), f"{joined} of {number} lists joined"

    def _read(self, nearest: np.ndarray, reach: int) -> float:
        """Rows that a query is compared with, on average."""
        return float(np.diff(self.starts)[nearest[:, :reach]].sum(axis=1).mean())

    def _together(self, asked: np.ndarray, nearest: np.ndarray, wanted: int) -> np.ndarray:
        """The queries of every list against the rows of the lists nearest to its centre."""
        owner = self.owner if asked is self.base else self.index.quantizer.search(asked, 1)[1][:, 0]
        queries = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[queries], np.arange(len(nearest) + 1))
        candidates = np.full((len(asked), wanted), -1, dtype=np.int64)
        held = self.base[self.order]  # rows of a list stand together
        for number in np.flatnonzero(np.diff(bounds)):
            own = queries[bounds[number] : bounds[number + 1]]
            parts = [slice(*self.starts[one : one + 2]) for one in nearest[number]]
            near = np.concatenate([held[part] for part in parts])
            if len(near):
                closest = parts[0].stop - parts[0].start
                found = nearest_exactly(asked[own], near, min(wanted, len(near)), np.float32, closest)
                candidates[own, : found.shape[1]] = np.concatenate([self.order[part] for part in parts])[found]
        return candidates


def _reach(nearest: np.ndarray, holding: np.ndarray, least: float) -> int:
    """The fewest lists, in the order `nearest` (n, lists), that surely hold the share `least` of the neighbours."""
    number = nearest.shape[1]
    rank = np.empty_like(nearest)
    np.put_along_axis(rank, nearest, np.broadcast_to(np.arange(number), nearest.shape), axis=1)
    found = np.bincount(np.take_along_axis(rank, holding, axis=1).ravel(), minlength=number).cumsum() / holding.size
    sure = np.array([wilson(float(share), 0.0, len(nearest), 1.645)[0] >= least for share in found])
    return int(sure.argmax()) + 1 if sure.any() else number
