"""How often a whole table is called drifted when nothing moved: Holdfast's column drift against Evidently's preset.

    python benchmarks/false_alarms.py numeric|mixed --peer PYTHON     PYTHON: one that has evidently (pandas < 3.1)

Both tools see the same draws: pairs of tables from one distribution, all columns numeric, or seven in ten and the
others with 20 categories. An alarm is a draw in which at least one column is called drifted, at each tool's own
defaults: Holm's correction at 5 % here, Evidently's rule per column there (a p-value up to 1,000 rows, a distance
beyond; for categories its chi-squared test takes the shares of the reference as known, not as estimated from rows).
About five CPU minutes, nearly all of it Evidently's. Appends to records/false_alarms_numeric.json or
records/false_alarms_mixed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

RECORDS = Path(__file__).parent / "records"
NUMERIC = {"numeric": 10, "mixed": 7}  # of ten columns
CELLS = ((200, 10), (1000, 10), (5000, 10))
DRAWS = 200


def pair(n: int, d: int, seed: int, numeric: int) -> list[list[np.ndarray]]:
    rng = np.random.default_rng([n, d, seed])
    return [[rng.normal(size=n) if j % 10 < numeric else rng.integers(0, 20, n) for j in range(d)] for _ in range(2)]


def holdfast_alarms(n: int, d: int, numeric: int) -> int:
    from holdfast.ops.multiple_testing import holm
    from holdfast.ops.two_sample import compare_columns

    categorical = [j % 10 >= numeric for j in range(d)]
    drawn = (compare_columns(*pair(n, d, seed, numeric), categorical) for seed in range(DRAWS))
    return sum(bool(holm(np.array([column.effect.pvalue for column in found])).min() <= 0.05) for found in drawn)


def evidently_alarms(n: int, d: int, numeric: int) -> int:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numbers, category = ([f"c{j}" for j in range(d) if (j % 10 < numeric) == is_number] for is_number in (True, False))
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=category)

    def dataset(columns: list[np.ndarray]) -> Any:
        table = pd.DataFrame({f"c{j}": column for j, column in enumerate(columns)})
        return Dataset.from_pandas(table.astype(dict.fromkeys(category, str)), data_definition=definition)

    alarms = 0
    for seed in range(DRAWS):
        ref, cur = (dataset(columns) for columns in pair(n, d, seed, numeric))
        found = Report([DataDriftPreset()]).run(cur, ref).dict()["metrics"][0]
        alarms += found["value"]["count"] >= 1
    return alarms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("columns", choices=list(NUMERIC))
    parser.add_argument("--peer", required=True, help="an interpreter that has evidently")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    numeric = NUMERIC[options.columns]
    if options.as_peer:
        from importlib.metadata import version

        print(
            json.dumps(
                {"version": version("evidently"), "alarms": [evidently_alarms(*cell, numeric) for cell in CELLS]}
            )
        )
        return
    command = [options.peer, __file__, options.columns, "--peer", options.peer, "--as-peer"]
    peer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    cells = [
        {"rows": n, "columns": d, "draws": DRAWS, "holdfast": holdfast_alarms(n, d, numeric), "evidently": alarms}
        for (n, d), alarms in zip(CELLS, peer["alarms"], strict=True)
    ]
    for cell in cells:
        print(cell)
    run = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {"numpy": np.__version__, "evidently": peer["version"]},
        "cells": cells,
    }
    record = RECORDS / f"false_alarms_{options.columns}.json"
    earlier = json.loads(record.read_text(encoding="utf-8")) if record.exists() else []
    record.write_text(json.dumps([*earlier, run], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
