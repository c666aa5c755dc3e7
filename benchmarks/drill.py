"""The drill of all checks on 20,000 x 30 rows: minutes, CPU seconds, peak memory, and what it says.

    python benchmarks/drill.py [--rows 20000] [--write]

A fresh process with as many threads as OMP_NUM_THREADS allows. Numbers and categories, a binary target that depends on
a few of them, no test set: a random third of the rows plays it. `--write` appends to benchmarks/records/drill.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

RECORD = Path(__file__).parent / "records" / "drill.json"


def table(n: int, seed: int = 0) -> pl.DataFrame:
    """24 numbers, of which four tell something, six categories, and a target that is 85 % predictable."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 24))
    categories = {f"c{j}": rng.choice([f"v{i}" for i in range(3 + j)], n) for j in range(6)}
    signal = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (categories["c0"] == "v1") + 0.5 * numbers[:, 3]
    target = np.where(signal + 0.5 * rng.normal(size=n) > 0.3, "yes", "no")
    columns = {f"x{j}": numbers[:, j] for j in range(24)}
    return pl.DataFrame({**columns, **categories, "target": target})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    import holdfast
    from holdfast.report.drill import smallest

    data = table(options.rows)
    started, cpu = time.perf_counter(), time.process_time()
    record = holdfast.drill(data, target="target").to_dict()
    minutes, cpu_seconds = (time.perf_counter() - started) / 60, time.process_time() - cpu
    found: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}",
        "versions": {name: version(name) for name in ("holdfast", "numpy", "scikit-learn", "polars", "faiss-cpu")},
        "rows": options.rows,
        "columns": data.width,
        "minutes": round(minutes, 2),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "looks": record["timings"]["looks"],
        "smallest": {
            f"{check['code']} {fault['fault']}": smallest(fault).replace("\u202f", " ")
            for check in record["checks"]
            for fault in check["faults"]
        },
        "false_alarms": {
            check["code"]: f"{check['alarms']['found']} of {check['alarms']['draws']}"
            for check in record["checks"]
            if check["alarms"] and check["alarms"]["is_false"]
        },
    }
    print(json.dumps(found, indent=1, ensure_ascii=False))
    if options.write:
        earlier = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*earlier, found], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
