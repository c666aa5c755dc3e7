"""`holdfast bench` of every family on 20,000 x 30: seconds, plantings and methods. The bar is 5 minutes a family.

    python benchmarks/bench.py [FAMILY ...] [--write]

The table of benchmarks/drill.py, each family as the command runs it (2,000 of the rows, see `--max-rows`), with as many
threads as OMP_NUM_THREADS allows. `busy` is wall over CPU time: above 1, other work held the cores. `--write` replaces
the families' entries in benchmarks/records/bench.json.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import holdfast
from drill import table
from holdfast.bench.families import NAMES

RECORD = Path(__file__).parent / "records" / "bench.json"
ROWS = 20_000


def main() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for family in [name for name in NAMES if name in sys.argv] or NAMES:
        record[family] = measured(family)
        print(family, json.dumps(record[family], indent=1), flush=True)
        if "--write" in sys.argv:
            RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def measured(family: str) -> dict[str, Any]:
    data = table(ROWS)
    started, cpu = time.perf_counter(), time.process_time()
    found = holdfast.bench(family, data, target="target").to_dict()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}",
        "versions": {name: version(name) for name in ("holdfast", "numpy", "scikit-learn", "polars")},
        "rows": ROWS,
        "columns": data.width - 1,
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(wall, 1),
        "busy": round(wall / cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "plantings": sum(fault["draws"] for fault in found["faults"]),
        "methods": len(found["ranking"]),
    }


if __name__ == "__main__":
    main()
