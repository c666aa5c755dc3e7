"""Weak slices: recall of planted ones, false ones in clean data, and CPU seconds at 20,000 x 30.

Run with `OMP_NUM_THREADS=1 python benchmarks/slices.py [--quick] [--peer PYTHON]`; appends to
`benchmarks/records/slices.json`. PYTHON is an interpreter that has deepchecks (0.19.1 imports with numpy < 2,
scikit-learn < 1.6, pandas < 3, category_encoders < 2.7, plotly < 6 and setuptools < 80): its check of weak segments
runs on such rows and errors. Without it, an earlier figure stands (107 CPU s for its whole suite of model evaluation).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from holdfast.faults.worlds import slices as worlds
from holdfast.slices import WeakSlices

RECORDS = Path(__file__).parent / "records" / "slices.json"
DEEPCHECKS: dict[str, Any] = {"version": "0.19.1", "cpu_seconds": 107.0, "what": "suite", "run_again": False}
PEER = """
import sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd, deepchecks
from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import WeakSegmentsPerformance
given = np.load(sys.argv[1])
table = pd.DataFrame(given["X"], columns=[f"x{j}" for j in range(given["X"].shape[1])])
said = given["loss"].astype(int)  # the truth is 0 everywhere: an answer of 1 is an error
start = time.process_time()
result = WeakSegmentsPerformance(score_per_sample=pd.Series(1 - given["loss"]), n_samples=len(table)).run(
    Dataset(table.assign(y=0), label="y", cat_features=[]), y_pred=said, y_proba=np.column_stack([1.0 - said, said]))
print(deepchecks.__version__, len(result.value["weak_segments_list"]), time.process_time() - start)
"""
CASES = (  # rows, columns, error rate elsewhere and inside the planted slice, draws
    (20_000, 30, 0.10, 0.25, 40),
    (5_000, 30, 0.10, 0.35, 60),
    (2_000, 30, 0.10, 0.50, 100),
    (1_000, 12, 0.10, 0.60, 100),
)


def draw(n: int, d: int, low: float, high: float, seed: int, planted: bool) -> tuple[np.ndarray, ...]:
    """Numbers, skewed numbers and codes; errors are raised in a conjunction of 5 to 10 % of the rows."""
    rng = np.random.default_rng(seed)
    third = d // 3
    parts = [rng.normal(size=(n, d - 2 * third)), rng.exponential(size=(n, third)), rng.integers(0, 6, (n, third))]
    X = np.hstack(parts)
    one, other = rng.choice(d - third, 2, replace=False)
    side = np.sqrt(rng.uniform(0.05, 0.10))
    rows = (X[:, one] >= np.quantile(X[:, one], 1 - side)) & (X[:, other] <= np.quantile(X[:, other], side))
    loss = (rng.random(n) < np.where(rows & planted, high, low)).astype(float)
    return X, loss, rows


def overlap(groups: np.ndarray, rows: np.ndarray) -> float:
    """The largest share of a found slice and the planted one that both hold (Jaccard index)."""
    shares = [((groups == g) & rows).sum() / ((groups == g) | rows).sum() for g in range(groups.max() + 1)]
    return max(shares, default=0.0)


def planted_case(n: int, d: int, low: float, high: float, draws: int) -> dict[str, Any]:
    overlaps, false = [], 0
    for seed in range(draws):
        X, loss, rows = draw(n, d, low, high, seed, planted=True)
        overlaps.append(overlap(WeakSlices().group_rows(X=X, loss=loss), rows))
        X, loss, _ = draw(n, d, low, high, 10_000 + seed, planted=False)
        false += bool((WeakSlices().group_rows(X=X, loss=loss) >= 0).any())
    found = float(np.mean(np.array(overlaps) >= 0.5))
    return {
        "rows": n, "columns": d, "error_rate": low, "error_rate_in_slice": high, "draws": draws,
        "found": found, "mean_overlap": float(np.mean(overlaps)), "clean_draws_with_a_slice": false / draws,
    }  # fmt: skip


def real_cases(draws: int) -> list[dict[str, Any]]:
    """Planted in real tables with the real losses of a linear model, dealt to the rows anew; one case a table."""
    cases = []
    for place, load in enumerate((load_breast_cancer, load_diabetes, load_digits)):
        overlaps, rows, false = [], [], 0
        for seed in range(place, draws, 3):  # the worlds take the tables in turn
            world = worlds.planted_slice(seed)
            overlaps.append(overlap(WeakSlices().group_rows(**world.evidence), world.truth >= 0))
            rows.append(int((world.truth >= 0).sum()))
            clean = worlds.none(seed).evidence
            false += bool((WeakSlices().group_rows(X=clean["X"], loss=clean["loss"]) >= 0).any())
        cases.append({
            "tables": load.__name__.removeprefix("load_").replace("_", " "), "rows": len(load().data),
            "rows_in_slice": [min(rows), max(rows)], "draws": len(rows),
            "found": float(np.mean(np.array(overlaps) >= 0.5)), "mean_overlap": float(np.mean(overlaps)),
            "clean_draws_with_a_slice": false / len(rows),
        })  # fmt: skip
    return cases


def cpu_seconds(repeats: int = 5) -> dict[str, Any]:
    times = []
    for seed in range(repeats):
        X, loss, _ = draw(20_000, 30, 0.1, 0.25, seed, planted=True)
        start = time.process_time()
        WeakSlices(degree=3).group_rows(X=X, loss=loss)
        times.append(time.process_time() - start)
    return {"median": float(np.median(times)), "least": min(times), "most": max(times), "repeats": repeats}


def deepchecks(peer: str) -> dict[str, Any]:
    """Its weak segments (pairs of columns) on a table of the size that `cpu_seconds` searches."""
    X, loss, _ = draw(20_000, 30, 0.1, 0.9, 0, planted=True)  # at 25 % it finds nothing to fit and raises an error
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, X=X, loss=loss)
        file.flush()
        said = subprocess.run([peer, "-c", PEER, file.name], capture_output=True, text=True, check=True)
    found, segments, seconds = said.stdout.split()[-3:]
    return {
        "version": found, "cpu_seconds": float(seconds), "what": "weak segments", "segments": int(segments),
        "run_again": True,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws; nothing is recorded")
    parser.add_argument("--peer", help="an interpreter that has deepchecks")
    given = parser.parse_args()
    quick, theirs = given.quick, deepchecks(given.peer) if given.peer else DEEPCHECKS
    part = 10 if quick else 1
    seconds = cpu_seconds()
    spread = f"{seconds['least']:.2f} to {seconds['most']:.2f}"
    print(f"20,000 x 30, three conditions: {seconds['median']:.2f} CPU s ({spread})")
    ratio = theirs["cpu_seconds"] / seconds["median"]
    print(f"Deepchecks: {theirs}, {ratio:.0f} times as much")
    cases = [planted_case(*case[:4], max(case[4] // part, 2)) for case in CASES]
    cases += real_cases(max(300 // part, 6))
    for case in cases:
        where = (
            f"{case['tables']}, {case['rows_in_slice']} rows"
            if "tables" in case
            else f"{case['rows']:,} x {case['columns']}, errors {case['error_rate_in_slice']:.0%}"
        )
        print(
            f"{where}: found {case['found']:.3f} (overlap {case['mean_overlap']:.2f}), "
            f"clean draws with a slice {case['clean_draws_with_a_slice']:.3f}, {case['draws']} draws"
        )
    if quick:
        return
    record = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "cpu_seconds_20000x30": seconds,
        "peer": {"name": "Deepchecks", **theirs, "ratio": ratio},
        "cases": cases,
    }
    RECORDS.parent.mkdir(exist_ok=True)
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*records, record], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
