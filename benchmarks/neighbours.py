"""Neighbour search at 50,000 x 64 against an exact blocked float32 product, hnswlib and usearch.

    pip install hnswlib usearch
    python benchmarks/neighbours.py [--rows 50000] [--data mixture manifold noise] [--write]

One thread; CPU seconds of building and searching, peak memory over the data, recall@10 on 500 rows against an exact
float64 search. Every cell runs in a process of its own (Linux). A peer that is not installed is left out and named.
`--write` writes benchmarks/records/neighbours.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

import numpy as np

K, D = 10, 64
PACKAGES = ("numpy", "faiss-cpu", "hnswlib", "usearch")
RECORD = Path(__file__).parent / "records" / "neighbours.json"


def mixture(n: int) -> np.ndarray:
    """Twenty spherical clusters."""
    rng = np.random.default_rng(0)
    centres = 3 * rng.normal(size=(20, D))
    return (centres[rng.integers(20, size=n)] + rng.normal(size=(n, D))).astype(np.float32)


def manifold(n: int) -> np.ndarray:
    """A curved six-dimensional surface with a little noise."""
    rng = np.random.default_rng(0)
    hidden = np.tanh(rng.normal(size=(n, 6)) @ rng.normal(size=(6, 128)))
    return (hidden @ rng.normal(size=(128, D)) / 11 + 0.05 * rng.normal(size=(n, D))).astype(np.float32)


def noise(n: int) -> np.ndarray:
    """Isotropic: the worst case of every index."""
    return np.random.default_rng(0).normal(size=(n, D)).astype(np.float32)


def holdfast(X: np.ndarray) -> np.ndarray:
    from holdfast.ops.neighbours import nearest_neighbours

    return nearest_neighbours(X, K).neighbours


def blocked_product(X: np.ndarray) -> np.ndarray:
    norms, found = (X * X).sum(axis=1), np.empty((len(X), K), dtype=np.int64)
    for start in range(0, len(X), 512):
        rows = np.arange(start, min(start + 512, len(X)))
        gram = norms - 2 * X[rows] @ X.T
        gram[np.arange(len(rows)), rows] = np.inf
        found[rows] = np.argpartition(gram, K, axis=1)[:, :K]
    return found


def faiss_flat(X: np.ndarray) -> np.ndarray:
    import faiss

    return _without_self(faiss.knn(X, X, K + 1)[1])


def hnswlib(X: np.ndarray) -> np.ndarray:
    import hnswlib as peer

    index = peer.Index(space="l2", dim=D)
    index.init_index(max_elements=len(X), ef_construction=100, M=16, random_seed=0)
    index.set_num_threads(1)
    index.add_items(X)
    index.set_ef(64)
    return _without_self(index.knn_query(X, k=K + 1)[0].astype(np.int64))


def usearch(X: np.ndarray) -> np.ndarray:
    from usearch.index import Index

    index = Index(ndim=D, metric="l2sq", dtype="f32", connectivity=16, expansion_add=100, expansion_search=64)
    index.add(np.arange(len(X)), X, threads=1)
    return _without_self(index.search(X, K + 1, threads=1).keys.astype(np.int64))


def _without_self(found: np.ndarray) -> np.ndarray:
    own = found == np.arange(len(found))[:, None]
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(found), K)


DATA: dict[str, Callable[[int], np.ndarray]] = {"mixture": mixture, "manifold": manifold, "noise": noise}
ENGINES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "holdfast": holdfast,
    "blocked float32 product": blocked_product,
    "faiss-cpu flat": faiss_flat,
    "hnswlib": hnswlib,
    "usearch": usearch,
}


def measure(engine: str, data: str, n: int) -> tuple[float, float, float]:
    """CPU seconds, peak MB over the data, recall@10."""
    X = DATA[data](n)
    ENGINES[engine](X[:500])  # imports and code generation are not the search
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of making the data
    before = _peak_mb()
    start = time.process_time()
    found = ENGINES[engine](X)
    seconds = time.process_time() - start
    peak = _peak_mb() - before
    rows = np.random.default_rng(1).permutation(n)[:500]
    wide = X.astype(np.float64)
    distance = (wide * wide).sum(axis=1) - 2 * wide[rows] @ wide.T
    distance[np.arange(len(rows)), rows] = np.inf
    truth = np.argpartition(distance, K, axis=1)[:, :K]
    hits = [len(np.intersect1d(*pair)) / K for pair in zip(truth, found[rows], strict=True)]
    return seconds, peak, float(np.mean(hits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    n = asked.rows
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # read by the processes that measure
    print(f"{n:,} x {D}, k = {K}, one thread, {platform.processor() or platform.machine()}")
    print(", ".join(f"{package} {_version(package)}" for package in PACKAGES))
    engines = [engine for engine in ENGINES if engine not in ("hnswlib", "usearch") or _version(engine) != "missing"]
    table = []
    for data in asked.data:
        base = None
        for engine in engines:
            with get_context("spawn").Pool(1) as pool:
                seconds, peak, recall = pool.apply(measure, (engine, data, n))
            base = base or seconds
            cell = {"cpu_seconds": round(seconds, 2), "extra_mb": round(peak), "recall": round(recall, 4)}
            table.append({"data": data, "engine": engine, **cell, "ratio": round(seconds / base, 2)})
            ratio = f"{seconds / base:5.1f} x holdfast"
            print(
                f"{data:9} {engine:24} {seconds:6.2f} CPU s  {peak:5.0f} MB  recall {recall:.4f}  {ratio}", flush=True
            )
    if asked.write:
        record = {
            "date": date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": {package: _version(package) for package in PACKAGES},
            "rows": n,
            "columns": D,
            "table": table,
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


if __name__ == "__main__":
    main()
