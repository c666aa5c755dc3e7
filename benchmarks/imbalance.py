"""SMOTE and the cleaning samplers against imbalanced-learn: CPU seconds, peak memory, and what they bring.

    python benchmarks/imbalance.py [--peer PYTHON] [--write] [--quick]

PYTHON: an interpreter with imbalanced-learn 0.14.2 (and numpy, scipy, scikit-learn). Speed: 200,000 x 32 float64, one
row in a hundred rare, one thread, each cell in a process of its own; the peer's cleaning samplers are stopped after
`LIMIT` seconds. Quality: balanced accuracy of a tree and of a logistic regression on 12 tasks from bundled data sets
(digits one against the rest, two tumours, two wines), thinned to one rare row in twenty, seeds 0 to 4; both samplers
and class weights in the same process. `--write` appends to records/imbalance.json.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

RECORD = Path(__file__).parent / "records" / "imbalance.json"
SOURCE = Path(__file__).parents[1] / "src"
LIMIT = 60  # CPU seconds
ROWS = 200_000
SAMPLERS = {
    "SMOTE": ("SMOTE()", "over_sampling.SMOTE(random_state=0)"),
    "BorderlineSMOTE": ("BorderlineSMOTE()", "over_sampling.BorderlineSMOTE(random_state=0)"),
    "ADASYN": ("ADASYN()", "over_sampling.ADASYN(random_state=0)"),
    "TomekLinks": ("TomekLinks()", "under_sampling.TomekLinks()"),
    "EditedNearestNeighbours": ('EditedNearestNeighbours(rule="any")', "under_sampling.EditedNearestNeighbours()"),
}
CELL = """
import resource, sys, time
import numpy as np
rng = np.random.default_rng(0)
y = (rng.random({n}) < 0.01).astype(int)
X = rng.normal(size=({n}, 32)) + 0.6 * y[:, None] * (np.arange(32) < 8)
{setup}
def call(X, y):
    {call}
call(X[:3000], np.arange(3000) % 20 == 0)
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
rows = call(X, y)
print(time.process_time() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, rows)
"""


def main() -> None:
    peer = sys.argv[sys.argv.index("--peer") + 1] if "--peer" in sys.argv else None
    record: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.platform()}
    record |= {"rows": ROWS, "columns": 32, "rare": 0.01, "speed": {}}
    for name in SAMPLERS:
        record["speed"][name] = cell = speed(name, peer)
        print(name, json.dumps(cell))
    if peer and "--quick" not in sys.argv:
        said = subprocess.run([peer, __file__, "--quality"], capture_output=True, text=True, check=True, env=_env())
        record["quality"] = json.loads(said.stdout.splitlines()[-1])
        print(json.dumps(record["quality"], indent=1))
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def speed(name: str, peer: str | None) -> dict[str, Any]:
    ours, theirs = SAMPLERS[name]
    rows = "transform(X=X, y=y)[1]" if "SMOTE" in name or name == "ADASYN" else "select_rows(X=X, y=y)"
    out: dict[str, Any] = {"holdfast": _cell(sys.executable, f"from holdfast.weighting import {name}",
                                            f"return len({ours}.{rows})")}  # fmt: skip
    if peer:
        module = theirs.partition(".")[0]
        out["imbalanced-learn"] = _cell(
            peer, f"from imblearn import {module}", f"return len({theirs}.fit_resample(X, y)[1])"
        )
    return out


def _cell(python: str, setup: str, call: str) -> dict[str, float] | str:
    code = CELL.format(n=ROWS, setup=setup, call=call)
    command = ["bash", "-c", f'ulimit -t {LIMIT}; exec {python} -c "$0"', code]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=_env())
    if said.returncode:
        return f"stopped after {LIMIT} CPU s" if said.returncode < 0 or said.returncode == 137 else said.stderr[-300:]
    seconds, megabytes, rows = said.stdout.split()[-3:]
    return {"cpu_seconds": round(float(seconds), 3), "megabytes": round(float(megabytes), 1), "rows": int(rows)}


def _env() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(SOURCE)}


def quality() -> dict[str, Any]:
    """Mean gain in balanced accuracy over no resampling, over tasks and seeds; and in how many tasks ours is behind."""
    from importlib.metadata import version

    from imblearn import over_sampling
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    from holdfast.weighting import ADASYN, SMOTE, BorderlineSMOTE

    pairs = {"SMOTE": SMOTE, "BorderlineSMOTE": BorderlineSMOTE, "ADASYN": ADASYN}
    gains: dict[str, dict[str, list[float]]] = {}
    for task, (X, y) in tasks().items():
        for seed in range(5):
            train, test = split(X, y, seed)
            for model in (
                DecisionTreeClassifier(min_samples_leaf=5, random_state=seed),
                LogisticRegression(max_iter=1000),
            ):

                def score(rows: tuple[np.ndarray, np.ndarray], **more: Any) -> float:
                    fitted = model.set_params(**more).fit(*rows)  # noqa: B023
                    return float(balanced_accuracy_score(test[1], fitted.predict(test[0])))  # noqa: B023

                plain = score(train)
                found = {"class weights": score(train, class_weight="balanced")}
                model.set_params(class_weight=None)
                for name, ours in pairs.items():
                    found[f"{name} holdfast"] = score(ours(seed=seed).transform(X=train[0], y=train[1]))
                    peer = getattr(over_sampling, name)(random_state=seed)
                    try:
                        found[f"{name} imbalanced-learn"] = score(peer.fit_resample(*train))
                    except (ValueError, RuntimeError):  # ADASYN refuses where no rounded number is above 0
                        found[f"{name} imbalanced-learn"] = plain
                for who, value in found.items():
                    gains.setdefault(f"{type(model).__name__} {who}", {}).setdefault(task, []).append(value - plain)
    out: dict[str, Any] = {"imbalanced-learn": version("imbalanced-learn"), "tasks": list(tasks()), "seeds": 5}
    out["gain in balanced accuracy"] = {
        who: round(float(np.mean([np.mean(values) for values in of.values()])), 4) for who, of in sorted(gains.items())
    }
    out["tasks behind by more than .02"] = {
        who: sum(_behind(of, gains[who.replace("holdfast", "imbalanced-learn")]).values())
        for who, of in gains.items()
        if "holdfast" in who
    }
    return out


def _behind(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> dict[str, bool]:
    return {task: bool(np.mean(values) < np.mean(theirs[task]) - 0.02) for task, values in ours.items()}


def tasks() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from sklearn.datasets import load_breast_cancer, load_digits, load_wine

    X, y = load_digits(return_X_y=True)
    out = {f"digit {k}": (X, (y == k).astype(int)) for k in range(8)}
    X, y = load_breast_cancer(return_X_y=True)
    out |= {"malignant": (X, 1 - y), "malignant, means": (X[:, :10], 1 - y)}
    X, y = load_wine(return_X_y=True)
    return out | {f"wine {k}": (X, (y == k).astype(int)) for k in range(2)}


def split(
    X: np.ndarray, y: np.ndarray, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Standardised halves; in the first, one rare row in twenty."""
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[: len(y) // 2], order[len(y) // 2 :]
    rare = train[y[train] == 1][: max(6, int((y[train] == 0).sum() / 19))]
    train = np.r_[train[y[train] == 0], rare]
    X = (X - X[train].mean(axis=0)) / np.maximum(X[train].std(axis=0), 1e-9)
    return (X[train], y[train]), (X[test], y[test])


if __name__ == "__main__":
    print(json.dumps(quality())) if "--quality" in sys.argv else main()
