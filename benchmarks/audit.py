"""The audit's parts at 50,000 x 64 against cleanlab's Datalab, and the whole audit of 1,000,000 x 30 rows.

    python benchmarks/audit.py [datalab] [million] [--write]

Needs the peer for the first: pip install 'cleanlab[datalab]==2.9.0'. Each measurement is a fresh process with one
thread, after a run on 5,000 rows that imports what is imported on the way; CPU seconds include child processes; memory
is the peak resident set above that before the call. `--write` writes what was measured into
benchmarks/records/audit.json and keeps what was not.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

N, D, K, RUNS = 50_000, 64, 10, 3
RECORD = Path(__file__).parent / "records" / "audit.json"


def main() -> None:
    wanted = [name for name in ("datalab", "million") if name in sys.argv] or ["datalab", "million"]
    found: dict[str, Any] = {}
    if "datalab" in wanted:
        found["datalab"] = _against_datalab()
    if "million" in wanted:
        found["million"] = _measured("million")
        print(f"1,000,000 x 30 rows, whole audit: {found['million']}")
    if "--write" in sys.argv:
        _write(found)


def _write(found: dict[str, Any]) -> None:
    names = ("holdfast", "cleanlab", "numpy", "scikit-learn", "faiss-cpu", "polars")
    stamp = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {name: _version(name) for name in names},
    }
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    record |= {part: {**stamp, **measured} for part, measured in found.items()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _against_datalab() -> dict[str, Any]:
    """The middle one of `RUNS` runs of each side; CPU seconds vary by a third from run to run on shared machines."""
    ours, theirs = ([_measured(who) for _ in range(RUNS)] for who in ("holdfast", "cleanlab"))
    found: dict[str, Any] = {"holdfast": _middle(ours)}
    if all(theirs):
        found["cleanlab"] = _middle(theirs)
        found["ratios"] = {key: found["cleanlab"][key] / found["holdfast"][key] for key in ("cpu_seconds", "extra_mb")}
        pairs = [one["cpu_seconds"] / other["cpu_seconds"] for one in theirs for other in ours]
        found["least_and_most_of_any_two"] = [round(min(pairs), 1), round(max(pairs), 1)]
    print(f"{N:,} x {D}: {json.dumps(found, indent=1)}")
    return found


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return sorted(runs, key=lambda run: run["cpu_seconds"])[len(runs) // 2]


def _measured(who: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, "--one", who], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{who}: {done.stderr.strip().splitlines()[-1]}")
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def _one(who: str) -> None:
    call = {"holdfast": _parts, "cleanlab": _datalab, "million": _million}[who]
    run = call()
    before, start = _peak_mb(), _cpu()
    more = run()
    print(json.dumps({"cpu_seconds": round(_cpu() - start, 2), "extra_mb": round(_peak_mb() - before), **more}))


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mixture of 40 clusters with labels, 5 % of them wrong, and probabilities of a decent model."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, D)) * 2
    cluster = rng.integers(40, size=N)
    X = (centres[cluster] + rng.normal(size=(N, D))).astype(np.float32)
    truth = cluster % K
    logits = rng.normal(size=(N, K)) + 3 * (np.arange(K) == truth[:, None])
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.where(rng.random(N) < 0.05, rng.integers(K, size=N), truth)
    return X, probs, y


def _parts() -> Any:
    from holdfast.labels import ConfidentLearning
    from holdfast.leakage import NearDuplicates
    from holdfast.ops.neighbours import nearest_neighbours
    from holdfast.shift import NeighbourOrder
    from holdfast.slices import WeakSlices

    def run(X: np.ndarray, probs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        method = ConfidentLearning().fit(probs=probs, y=y)
        issues = int(method.find_issues(probs=probs, y=y).sum())
        graph = nearest_neighbours(X, 10)
        outliers = graph.distances.mean(axis=1)
        outlying = int((outliers > np.median(outliers) * 1.5).sum())
        near = int(
            (NearDuplicates().group_rows(X=X, neighbours=graph.neighbours, distances=graph.distances) >= 0).sum()
        )
        order = NeighbourOrder().measure(neighbours=graph.neighbours).pvalue
        rarest = int(np.bincount(y, minlength=K).min())
        finder = WeakSlices()
        finder.group_rows(X=X, loss=(probs.argmax(axis=1) != y).astype(float))
        return {
            "recall": graph.recall.value, "label_issues": issues, "outliers": outlying, "near_duplicates": near,
            "order_pvalue": order, "rarest_class": rarest, "slices": len(finder.slices_),
        }  # fmt: skip

    return _warm(run)


def _datalab() -> Any:
    from cleanlab import Datalab

    def run(X: np.ndarray, probs: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        lab = Datalab({"y": y}, label_name="y", verbosity=0)
        kinds = ("label", "outlier", "near_duplicate", "non_iid", "class_imbalance", "underperforming_group")
        lab.find_issues(features=X, pred_probs=probs, issue_types={kind: {} for kind in kinds})
        return {"label_issues": int(lab.get_issues("label")["is_label_issue"].sum())}

    return _warm(run)


def _warm(run: Any) -> Any:
    """The run on all rows, after one on a few: what either side imports on the way is not counted."""
    data = _data()
    run(*(part[:5_000] for part in data))
    return lambda: run(*data)


def _million() -> Any:
    import holdfast

    folder = Path(tempfile.mkdtemp())
    for seed, name in enumerate(("train", "test")):
        _table(1_000_000, seed).write_parquet(folder / f"{name}.parquet")

    def run() -> dict[str, Any]:
        report = holdfast.audit(str(folder / "train.parquet"), str(folder / "test.parquet"), target="y")
        outcomes = [finding.outcome for finding in report.findings]
        return {
            "found": outcomes.count("found"), "errors": outcomes.count("error"), "wall_seconds": report.record.timings,
            "left_out": list(report.record.left_out),
        }  # fmt: skip

    return run


def _table(n: int, seed: int) -> Any:
    import polars as pl

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 24)).astype(np.float32)
    X[:, 3] += 0.1 * seed
    kinds = [np.array([f"c{i}" for i in range(k)])[rng.integers(k, size=n)] for k in (2, 3, 5, 10, 50, 1000)]
    y = X[:, 0] + X[:, 1] * X[:, 2] + (kinds[1] == "c1") + rng.normal(size=n) > 0.3
    columns = {f"x{i}": X[:, i] for i in range(24)} | {f"k{i}": kind for i, kind in enumerate(kinds)}
    return pl.DataFrame({**columns, "y": np.where(y, "yes", "no")})


if __name__ == "__main__":
    if "--one" in sys.argv:
        _one(sys.argv[sys.argv.index("--one") + 1])
    else:
        main()
