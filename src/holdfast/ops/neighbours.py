"""Nearest neighbours: exact where that is cheap, else among lists of close rows, with a recall measured, not assumed.

Two thousand rows or fifty thousand take the same call. Candidates come from a Gram matrix (fast, but it loses the
small distances to cancellation); the kept distances are computed again as differences, so equal rows are at exactly 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.exact_neighbours import BLOCK, nearest_exactly, nearest_surely
from holdfast.ops.hashing import copies_before, first_equal_rows
from holdfast.ops.neighbour_lists import Lists
from holdfast.ops.resampling import wilson

SMALL = 4_000  # base rows up to which numpy is as fast as importing faiss
LARGE = 20_000  # base rows from which lists pay for their training
FEW = 4  # times as many base rows as queries, from which numpy's product is faster than faiss's
LISTS = 1.15  # lists per square root of the rows
SPARE = 4  # candidates beyond k: float32 rounding may swap ranks among near ties
SAMPLE = 512  # queries answered exactly: half choose the number of probes, half report the recall


class NeighbourGraph(NamedTuple):
    """The k nearest rows of every query, nearest first, and how far the search can be trusted.

    `neighbours` (n, k) int32, `distances` (n, k) float32; `recall` is the share of true neighbours found, measured
    against an exact float64 search on a sample of queries (1 where the whole search was that one); `method` says how.
    """

    neighbours: np.ndarray
    distances: np.ndarray
    recall: Estimate
    method: str


def nearest_neighbours(
    X: np.ndarray, k: int, queries: np.ndarray | None = None, *, seed: int = 0, min_recall: float = 0.97
) -> NeighbourGraph:
    """The k nearest rows of X in Euclidean distance, for every row of `queries` or, without them, for every other row.

    Columns are taken as they are: scale them first. `k` is cut to the number of rows there are (other rows, without
    `queries`). Rows are compared in float32 after centring; distances beyond its range come back as its largest number.

    >>> graph = nearest_neighbours(np.array([[0.0], [1.0], [3.0], [3.0]]), k=2)
    >>> graph.neighbours.tolist()
    [[1, 2], [0, 2], [3, 1], [2, 1]]
    >>> graph.distances.tolist()
    [[1.0, 3.0], [1.0, 2.0], [0.0, 2.0], [0.0, 2.0]]
    >>> nearest_neighbours(np.array([[0.0], [1.0], [3.0]]), k=1, queries=np.array([[2.5]])).distances.tolist()
    [[0.5]]
    """
    base, asked, scale = _common_scale(X, queries)
    own = queries is None
    k = max(0, min(k, len(base) - own))
    first = first_equal_rows(base)
    copies = copies_before(first)
    kept = np.flatnonzero(copies < k + own)  # more copies than can be asked for only cost time
    base = base[kept]
    neighbours, distances, recall, method = _search(base, base if own else asked, own, k, seed, min_recall)
    neighbours = kept.astype(np.int32)[neighbours]
    if own and len(kept) < len(X):
        neighbours, distances = _with_copies(neighbours, distances, kept, first, copies, k)
    with np.errstate(over="ignore"):
        distances = np.minimum(distances * np.float64(scale), np.finfo(np.float32).max).astype(np.float32)
    return NeighbourGraph(neighbours, distances, recall, method)


def _search(
    base: np.ndarray, asked: np.ndarray, own: bool, k: int, seed: int, min_recall: float
) -> tuple[np.ndarray, np.ndarray, Estimate, str]:
    faiss = _faiss() if len(base) > SMALL else None
    if k == 0 or faiss is None:
        candidates = nearest_surely(asked, base, min(k + own + SPARE, len(base)), max(k + own, 1))
        return *_ranked(asked, base, candidates, own, k), Estimate(1.0, 1.0, 1.0, len(asked)), "exact"
    lists = 1 << round(np.log2(LISTS * np.sqrt(len(base))))
    if len(base) < LARGE or len(asked) < 16 * lists:  # too few queries to pay for the training of lists
        lists = 0
    tune, report = _Truth.sample(asked, base, own, k, seed, SAMPLE if lists else SAMPLE // 8).halves()
    candidates, method = _candidates(faiss, lists, tune, asked, base, own, k, seed, min_recall)
    found = _ranked(asked, base, candidates, own, k)
    _fill_short(found, asked, base, own, k)
    return *found, report.recall(found[1][report.rows]), method


def _with_copies(
    neighbours: np.ndarray, distances: np.ndarray, kept: np.ndarray, first: np.ndarray, copies: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Answers for the rows left out of the search: their first k copies, at distance 0."""
    n = len(first)
    all_neighbours, all_distances = np.empty((n, k), dtype=np.int32), np.zeros((n, k), dtype=np.float32)
    all_neighbours[kept], all_distances[kept] = neighbours, distances
    order = np.argsort(first, kind="stable")  # copies stand side by side, in row order
    start = np.searchsorted(first[order], first)
    left = np.flatnonzero(copies > k)
    all_neighbours[left] = order[start[left, None] + np.arange(k)]
    return all_neighbours, all_distances


class _Truth(NamedTuple):
    """Sampled queries with their exact neighbours and the k-th distance. The first half tunes, the second reports."""

    rows: np.ndarray
    neighbours: np.ndarray
    radius: np.ndarray

    @classmethod
    def sample(cls, asked: np.ndarray, base: np.ndarray, own: bool, k: int, seed: int, count: int) -> _Truth:
        rows = np.random.default_rng(seed).permutation(len(asked))[:count]
        candidates = nearest_exactly(asked[rows], base, min(k + own + SPARE, len(base)))
        neighbours, distances = _ranked(asked[rows], base, candidates, own, k, rows)
        return cls(rows, neighbours, distances[:, -1])

    def halves(self) -> tuple[_Truth, _Truth]:
        cut = len(self.rows) // 2
        return _Truth(*(part[:cut] for part in self)), _Truth(*(part[cut:] for part in self))

    def recall(self, distances: np.ndarray) -> Estimate:
        """Share of neighbours no farther than the true k-th one, so that ties count; 90 % interval over queries.

        A query is the unit: its share varies less than a single hit, so the interval errs on the wide side.
        """
        share = float((distances <= self.radius[:, None] * (1 + 1e-5)).mean())
        low, high = wilson(share, 0.0, len(self.rows), 1.645)
        return Estimate(share, low, high, len(self.rows))


def _common_scale(X: np.ndarray, queries: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, float]:
    """Float32 copies, centred and scaled by one power of 2: nothing overflows, little cancels, no digit is lost."""
    sets = [X] if queries is None else [X, queries]
    largest = max(max(float(part.max()), -float(part.min())) for part in sets)
    scale = 2.0 ** min(int(np.frexp(largest)[1]), 1023)
    blocks = _row_blocks(len(X), X.shape[1])
    centre = sum((X[rows].astype(np.float64) / scale).sum(axis=0) for rows in blocks) / len(X)
    scaled = [_scaled(part, scale, centre) for part in sets]
    return scaled[0], scaled[-1], scale


def _scaled(part: np.ndarray, scale: float, centre: np.ndarray) -> np.ndarray:
    out = np.empty(part.shape, dtype=np.float32)
    for rows in _row_blocks(len(part), part.shape[1]):
        out[rows] = part[rows].astype(np.float64) / scale - centre
    return out


def _row_blocks(n: int, width: int) -> list[slice]:
    step = max(1, BLOCK // max(1, width))
    return [slice(start, start + step) for start in range(0, n, step)]


def _ranked(
    asked: np.ndarray, base: np.ndarray, candidates: np.ndarray, own: bool, k: int, ids: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest candidates by distances computed as differences; `own` leaves out the query itself (`ids`)."""
    ids = np.arange(len(asked)) if ids is None else ids
    neighbours = np.empty((len(asked), k), dtype=np.int32)
    distances = np.empty((len(asked), k), dtype=np.float32)
    for rows in _row_blocks(len(asked), candidates.shape[1] * base.shape[1]):
        near = np.sort(candidates[rows], axis=1)  # so that ties go to the lower row number
        gap = base[near] - asked[rows, None, :]
        length = np.sqrt(np.einsum("qcd,qcd->qc", gap, gap))
        length[near < 0] = np.inf
        if own:
            length[near == ids[rows, None]] = np.inf
        order = np.argsort(length, axis=1, kind="stable")[:, :k]
        neighbours[rows] = np.take_along_axis(near, order, 1)
        distances[rows] = np.take_along_axis(length, order, 1)
    return neighbours, distances


def _fill_short(found: tuple[np.ndarray, np.ndarray], asked: np.ndarray, base: np.ndarray, own: bool, k: int) -> None:
    """Queries whose probed lists held fewer than k rows are answered exactly."""
    neighbours, distances = found
    short = np.flatnonzero(np.isinf(distances[:, -1]))
    if len(short):
        candidates = nearest_exactly(asked[short], base, min(k + own + SPARE, len(base)))
        neighbours[short], distances[short] = _ranked(asked[short], base, candidates, own, k, short)


def _candidates(
    faiss: Any,
    lists: int,
    tune: _Truth,
    asked: np.ndarray,
    base: np.ndarray,
    own: bool,
    k: int,
    seed: int,
    least: float,
) -> tuple[np.ndarray, str]:
    """Candidates from lists of close rows where they pay and reach the recall, else by an exact float32 product."""
    wanted = min(k + own + SPARE, len(base))
    found = None
    if lists:
        found = Lists.of(faiss, base, lists, seed).search(asked, tune.rows, tune.neighbours, wanted, least)
    if found is not None:
        return found
    if FEW * len(asked) < len(base):
        return nearest_exactly(asked, base, wanted, np.float32), "exact, float32"
    return faiss.knn(asked, base, wanted)[1], "exact, float32"


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:  # the exact numpy search answers, only slower
        return None
    return faiss
