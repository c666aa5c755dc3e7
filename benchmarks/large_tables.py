"""Parquet beyond memory: CPU seconds and peak memory of an audit and an estimate, beside those that hold all rows.

    python benchmarks/large_tables.py [--rows 20000000] [--beside 4000000] [--folder /tmp] [--write]

20 files of 10 columns (six numbers, one with missing cells, a count, a category of 300 values, an entity, a target)
are made in a folder and deleted afterwards. `--rows` are audited (--quick), a million held, and are production rows of
an estimate (--quick, a column of groups), trained on 100,000 more: every row is scored. Of `--beside` rows the same
audit is made twice, with a quarter of them held and with all, each in a process of its own with as many threads as
OMP_NUM_THREADS allows, and what is said to be counted in all rows is compared. The peak is the largest resident memory.
`--write` appends to benchmarks/records/large_tables.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

RECORD = Path(__file__).parent / "records" / "large_tables.json"
FILES = 20
COST = """
used, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cost = {
    "wall_seconds": round(time.perf_counter() - started, 1),
    "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in (used, children)), 1),
    "peak_mb": round(max(used.ru_maxrss, children.ru_maxrss) / 1024),
}
"""
BEGIN = """
import json, resource, sys, time
import holdfast
started, given = time.perf_counter(), json.loads(sys.argv[1])
"""
AUDIT = f"""{BEGIN}
record = holdfast.audit(given.pop("path"), target="target", quick=True, **given).to_dict()
{COST}
print(json.dumps({{
    **cost,
    "held_rows": record["sets"][0]["held_rows"],
    "columns": [[one["name"], one["role"], one["missing_train"], one["distinct"]] for one in record["columns"]],
    "copies": [one["because"][:1] or one["summary"] for one in record["findings"] if one["code"] == "DUP001"],
    "degenerate": [one["summary"] for one in record["findings"] if one["code"] == "SCH003"],
}}))
"""
ESTIMATE = f"""{BEGIN}
settings = {{"target": "target", "quick": True, "roles": {{"customer_id": "ignored"}}, "by": ["count"]}}
record = holdfast.estimate(given["train"], given["path"], **settings).to_dict()
{COST}
found = record["result"]
print(json.dumps({{
    **cost, "held_rows": record["sets"][1]["held_rows"], "estimate": found["estimate"],
    "rows_of_groups": sum(one["rows"] for one in found["groups"]),
}}))
"""


def make(folder: Path, rows: int, seed: int = 2) -> Path:
    """The files; one row in 2,000 is a copy of an earlier one of its file."""
    folder.mkdir()
    cities = np.array([f"c{number}" for number in range(300)])
    slope = np.random.default_rng(1).normal(size=6)
    for number in range(FILES):
        rng, n = np.random.default_rng([seed, number]), rows // FILES
        x = rng.normal(size=(n, 6))
        count = rng.integers(0, 50, n)
        frame = pl.DataFrame(
            {
                **{f"x{j}": x[:, j] for j in range(6)},
                "count": count,
                "city": cities[rng.integers(0, 300, n)],
                "customer_id": rng.integers(0, max(rows // 20, 1), n),
                "target": np.where(rng.random(n) < 1 / (1 + np.exp(-(x @ slope))), "yes", "no"),
            }
        ).with_columns(pl.when(pl.col("count") < 5).then(None).otherwise(pl.col("x0")).alias("x0"))
        frame = pl.concat([frame[: n - n // 2000], frame[: n // 2000]])
        frame.write_parquet(folder / f"part-{number:03}.parquet", row_group_size=200_000)
    return folder


def figures(program: str, **given: Any) -> dict[str, Any]:
    """What a program says of itself, run in a process of its own."""
    words = [sys.executable, "-c", program, json.dumps(given)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def audited(path: Path, **settings: Any) -> dict[str, Any]:
    """The figures of one audit."""
    return figures(AUDIT, path=str(path), **settings)


def best_accuracy() -> float:
    """What a model would reach that knew the law by which targets were made, and every cell (some are missing)."""
    slope = np.random.default_rng(1).normal(size=6)
    x = np.random.default_rng(3).normal(size=(1_000_000, 6))
    sure = 1 / (1 + np.exp(-np.abs(x @ slope)))
    return float(sure.mean())


def without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """Fewer keys."""
    return {name: value for name, value in found.items() if name not in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--beside", type=int, default=4_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    threads = os.environ.get("OMP_NUM_THREADS")
    found: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS={threads}",
        "versions": {name: version(name) for name in ("holdfast", "numpy", "scikit-learn", "polars")},
        "rows": options.rows,
        "columns": 10,
    }
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        path = make(Path(place) / "large", options.rows)
        found["disk_mb"] = round(sum(file.stat().st_size for file in path.iterdir()) / 2**20)
        found |= without(audited(path), "columns", "degenerate")
        print(json.dumps(found), flush=True)
        train = make(Path(place) / "train", 100_000, seed=4)
        found["estimate"] = figures(ESTIMATE, path=str(path), train=str(train)) | {"best_possible": best_accuracy()}
        print(json.dumps(found["estimate"]), flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        path = make(Path(place) / "beside", options.beside)
        held = audited(path, hold_rows=10**9)
        passed = audited(path, hold_rows=options.beside // 4)
        errors = [abs(p[3] / h[3] - 1) for h, p in zip(held["columns"], passed["columns"], strict=True)]
        found["beside"] = {
            "rows": options.beside,
            "held_whole": without(held, "columns", "copies", "degenerate"),
            "passed_over": without(passed, "columns", "copies", "degenerate"),
            "peak_ratio": round(held["peak_mb"] / passed["peak_mb"], 2),
            "cpu_ratio": round(held["cpu_seconds"] / passed["cpu_seconds"], 2),
            "roles_and_missing_agree": [c[:3] for c in held["columns"]] == [c[:3] for c in passed["columns"]],
            "copies_agree": held["copies"] == passed["copies"],
            "degenerate_agree": held["degenerate"] == passed["degenerate"],
            "worst_error_of_distinct": round(max(errors), 4),
        }
    print(json.dumps(found, indent=1))
    if options.write:
        runs = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*runs, found], indent=1) + "\n")


if __name__ == "__main__":
    main()
