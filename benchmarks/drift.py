"""Drift between two tables against Evidently's preset; joint drift against NannyML's domain classifier.

    python benchmarks/drift.py [--peer PYTHON] [--nannyml PYTHON]

PYTHON: an interpreter that has evidently (0.7.23 needs pandas < 3.1), or nannyml (0.13.1; cbpe_reference.py says beside
what it imports).

One thread, CPU seconds. Prints speed at 100,000 + 100,000 rows x 50 mixed columns, family-wise false alarms over 200
draws without shift, power, the flipped correlation, and which planted cause the attribution ranks first; appends all
to records/drift.json. Without an interpreter, a peer's figures are those of an earlier run on such data, and say so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy import stats

from holdfast.faults.worlds import shift as worlds
from holdfast.ops.multiple_testing import holm
from holdfast.ops.two_sample import compare_columns, compare_numeric
from holdfast.shift import ClassifierTwoSample, ShiftAttribution
from holdfast.testing.laws import run

RECORDS = Path(__file__).parent / "records" / "drift.json"
EVIDENTLY = {"version": "0.7.23", "cpu_seconds": 29.8, "run_again": False}
NANNYML: dict[str, Any] = {"version": "0.13.1", "cpu_seconds": 328.0, "run_again": False}
PEER = """
import sys, time, numpy as np, pandas as pd
from importlib.metadata import version
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
rng = np.random.default_rng(0)
def table(moved):
    numeric = {f"x{j}": rng.normal(moved, 1, 100_000) for j in range(35)}
    return pd.DataFrame(numeric | {f"c{j}": rng.integers(0, 20, 100_000).astype(str) for j in range(15)})
names = [f"x{j}" for j in range(35)], [f"c{j}" for j in range(15)]
definition = DataDefinition(numerical_columns=names[0], categorical_columns=names[1])
ref, cur = (Dataset.from_pandas(table(moved), data_definition=definition) for moved in (0.0, 0.02))
start = time.process_time()
result = Report([DataDriftPreset()]).run(cur, ref)
result.dict()
ran = time.process_time() - start
result.save_html("/dev/null")
print(version("evidently"), ran, time.process_time() - start)
"""


def cpu(work: Callable[[], Any], repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def mixed(rng: np.random.Generator, n: int, d: int, moved: float = 0.0) -> list[np.ndarray]:
    """Seven numeric columns in ten, the others with 20 categories."""
    return [rng.normal(moved, 1, n) if j % 10 < 7 else rng.integers(0, 20, n) for j in range(d)]


def speed(peer: str | None) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    ref, cur = mixed(rng, 100_000, 50), mixed(rng, 100_000, 50, 0.02)
    categorical = [j % 10 >= 7 for j in range(50)]
    ours = cpu(lambda: compare_columns(ref, cur, categorical))
    theirs: dict[str, Any] = dict(EVIDENTLY)
    if peer:
        said = subprocess.run([peer, "-c", PEER], capture_output=True, text=True, check=True).stdout.split()
        seconds, with_page = float(said[-2]), float(said[-1])
        theirs = {"version": said[-3], "cpu_seconds": seconds, "with_page": with_page, "run_again": True}
    return {"cpu_seconds": ours, "evidently": theirs, "ratio": theirs["cpu_seconds"] / ours}


def false_alarms(draws: int = 200) -> list[dict[str, float]]:
    cells = []
    for n, d in ((50, 10), (200, 10), (1000, 10), (1000, 50), (5000, 10)):
        rng, categorical = np.random.default_rng(n + d), [j % 10 >= 7 for j in range(d)]
        alarms = 0
        for _ in range(draws):
            columns = compare_columns(mixed(rng, n, d), mixed(rng, n, d), categorical)
            alarms += bool(holm(np.array([column.effect.pvalue for column in columns])).min() <= 0.05)
        cells.append({"rows": n, "columns": d, "draws": draws, "share": alarms / draws})
    return cells


CLASSIFIER = """
import os, time, warnings
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.simplefilter("ignore")
import nannyml, numpy as np, pandas as pd
rng = np.random.default_rng(2)
names = [f"x{j}" for j in range(50)]
ref, cur = (pd.DataFrame(rng.normal(size=(20_000, 50)), columns=names) for _ in range(2))
start = time.process_time()
drift = nannyml.DomainClassifierCalculator(feature_column_names=names, chunk_number=8)
drift.fit(ref)
drift.calculate(cur).to_df()
print(nannyml.__version__, time.process_time() - start)
"""


def power(draws: int = 300) -> dict[str, float]:
    rng = np.random.default_rng(1)
    hits = np.zeros(3)
    for _ in range(draws):
        ref, cur = rng.normal(size=5000), rng.normal(0.1, 1, 5000)
        result = compare_numeric(ref, cur)
        hits += [result.pvalue <= 0.05, result.ks.pvalue <= 0.05, stats.ttest_ind(ref, cur).pvalue <= 0.05]
    one = 0
    for _ in range(draws):
        ref, cur = rng.normal(size=(50, 1000)), rng.normal(size=(50, 1000))
        cur[17] += 0.5
        one += holm(np.array([c.effect.pvalue for c in compare_columns(ref, cur, [False] * 50)]))[17] <= 0.05
    names = ("holdfast", "kolmogorov_smirnov", "t_test")
    return {**dict(zip(names, (hits / draws).tolist(), strict=True)), "one_in_fifty": one / draws, "draws": draws}


def joint(peer: str | None, draws: int = 200) -> dict[str, Any]:
    rng = np.random.default_rng(2)

    def correlated(n: int, sign: float) -> np.ndarray:
        X = rng.normal(size=(n, 10))
        X[:, 1] = sign * 0.9 * X[:, 0] + np.sqrt(1 - 0.81) * X[:, 1]
        return X

    def share(sign: float) -> float:
        pvalues = [
            ClassifierTwoSample(seed=i).measure(ref_X=correlated(1000, 1), cur_X=correlated(1000, sign)).pvalue or 0.0
            for i in range(draws)
        ]
        return float((np.array(pvalues) <= 0.05).mean())

    ref, chunks = rng.normal(size=(20_000, 50)), rng.normal(size=(8, 2500, 50))
    ours = cpu(lambda: [ClassifierTwoSample().measure(ref_X=ref, cur_X=chunk) for chunk in chunks], repeats=1)
    once = cpu(lambda: ClassifierTwoSample().measure(ref_X=ref, cur_X=chunks.reshape(-1, 50)), repeats=1)
    theirs = NANNYML if peer is None else domain_classifier(peer)
    return {
        "flipped_correlation_found": share(-1),
        "false_alarms": share(1),
        "draws": draws,
        "cpu_seconds_8_chunks": ours,
        "cpu_seconds_at_once": once,
        "nannyml": theirs,
        "ratio": theirs["cpu_seconds"] / ours,
    }


def domain_classifier(peer: str) -> dict[str, Any]:
    """NannyML's domain classifier on as many rows, in its own environment: 8 chunks of 2,500 after 20,000 x 50."""
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    said = subprocess.run([peer, "-c", CLASSIFIER], capture_output=True, text=True, check=True, env=one_thread)
    found, seconds = said.stdout.split()[-2:]
    return {"version": found, "cpu_seconds": float(seconds), "run_again": True}


def attribution(draws: int = 100) -> dict[str, Any]:
    """On digits: the planted mechanism has the largest part, columns taken together; and the cost at 50,000 x 50."""
    found = {}
    for world, cause in (("label_shift", "label"), ("covariate_shift", "columns"), ("concept_shift", "relation")):
        first = 0
        for seed in range(draws):
            method = ShiftAttribution()
            run(method, getattr(worlds, world)(seed))
            parts = {name: part.value for name, part in method.parts_.items()}
            covariates = [value for name, value in parts.items() if name not in ("label", "relation")]
            together = sum(covariates) if cause == "columns" else max(covariates, key=abs)
            kinds = {"label": parts["label"], "relation": parts["relation"], "columns": together}
            first += max(kinds, key=lambda name: abs(kinds[name])) == cause
        found[world] = first / draws
    rng = np.random.default_rng(3)
    ref, cur = rng.normal(size=(50_000, 50)), rng.normal(size=(50_000, 50))
    y, loss = rng.integers(0, 2, 50_000), rng.random(50_000)
    work = {"ref_X": ref, "cur_X": cur, "ref_y": y, "cur_y": y, "ref_loss": loss, "cur_loss": loss**2}
    seconds = cpu(lambda: ShiftAttribution().measure(**work), repeats=1)
    return {"planted_cause_first": found, "draws": draws, "cpu_seconds_50000x50": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="an interpreter that has evidently")
    parser.add_argument("--nannyml", help="an interpreter that has nannyml")
    given = parser.parse_args()
    record: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }
    parts: dict[str, Callable[[], Any]] = {
        "speed_100000x50": lambda: speed(given.peer),
        "false_alarms": false_alarms,
        "power_0.1_sd_n_5000": power,
        "joint": lambda: joint(given.nannyml),
        "attribution": attribution,
    }
    for name, part in parts.items():
        record[name] = part()
        print(name, json.dumps(record[name], indent=1), flush=True)
    earlier = json.loads(RECORDS.read_text()) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*earlier, record], indent=1) + "\n")


if __name__ == "__main__":
    main()
