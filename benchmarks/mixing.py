"""Mixers on the published RegMix runs: fitted on 512, judged on 256 held-out runs, against the published regression.

    python benchmarks/mixing.py --peer PYTHON [--write]

Runs: 17 domains, 13 validation losses (HOLDFAST_DATA/results/regmix, models of 1M parameters). For every loss: Spearman
between predicted and seen loss of the held-out runs, root mean squared error, and the share of them within the 90 %
interval. `proportions`: for every loss and quarter of the runs, whether the interval of each group's best share holds
what the same method calls best on all 768 runs. PYTHON: an interpreter with LightGBM, for the published regression
(1,000 trees, rate .01, no early stopping: the published notebook stops on the test runs). MixingLaw predicts the mean
of all losses. `--write` appends to records/mixing.json.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

RECORD = Path(__file__).parent / "records" / "mixing.json"
PEER = """
import json, sys, lightgbm, numpy as np
from scipy.stats import spearmanr
X, Y, XT, YT = (np.array(part) for part in json.load(sys.stdin))
make = lambda: lightgbm.LGBMRegressor(n_estimators=1000, learning_rate=0.01, verbose=-1, n_jobs=1, seed=42)
said = [make().fit(X, y).predict(XT) for y in Y.T]
print(json.dumps({"version": lightgbm.__version__, "spearman": [spearmanr(p, y)[0] for p, y in zip(said, YT.T)],
                  "rmse": [float(np.sqrt(((p - y) ** 2).mean())) for p, y in zip(said, YT.T)]}))
"""


def main() -> None:
    from holdfast.mixing import BayesianMix, MixingLaw, RegMix

    names, X, Y, XT, YT = runs()
    peer = subprocess.run(
        [sys.argv[sys.argv.index("--peer") + 1], "-c", PEER], check=True, capture_output=True, text=True,
        input=json.dumps([part.tolist() for part in (X, Y, XT, YT)]),
    )  # fmt: skip
    record: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(), "machine": platform.platform(), "runs": len(X),
        "held out": len(XT), "losses": names, "lightgbm": json.loads(peer.stdout),
    }  # fmt: skip
    for name, make in {"RegMix": RegMix, "BayesianMix": BayesianMix}.items():
        start, rows = time.process_time(), []
        for column in range(len(names)):
            mixer = make().fit(proportions=X, run_losses=Y[:, column])
            rows.append(judged(*mixer.predict(XT), YT[:, column]))
        record[name] = {key: [row[key] for row in rows] for key in rows[0]}
        record[name]["cpu seconds a loss"] = round((time.process_time() - start) / len(names), 1)
    record["MixingLaw, mean loss"] = judged(
        *MixingLaw().fit(proportions=X, run_group_losses=Y).predict(XT), YT.mean(axis=1)
    )
    record["proportions"] = {
        name: proportions(make, names, np.vstack([X, XT]), np.vstack([Y, YT]), len(X))
        for name, make in {"RegMix": RegMix, "BayesianMix": BayesianMix}.items()
    }
    for name in ("lightgbm", "RegMix", "BayesianMix"):
        part = record[name]
        part["mean"] = {
            key: round(float(np.mean(part[key])), 4) for key in ("spearman", "rmse", "covered") if key in part
        }
    print(json.dumps(record, indent=1))
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def proportions(make: Any, names: list[str], X: np.ndarray, Y: np.ndarray, count: int) -> dict[str, Any]:
    """How often the intervals of the best shares, from a quarter of the runs, hold what all runs call best."""
    sizes = X[:count].mean(axis=0) * 1e6
    found: dict[str, Any] = {"covered": {}, "width": {}}
    for column, name in enumerate(names):
        best = make().fit(proportions=X, run_losses=Y[:, column]).mix_groups(sizes=sizes)
        part = np.random.default_rng(column).permutation(count) % 4
        held, width = [], []
        for quarter in range(4):
            mixer = make().fit(proportions=X[:count][part == quarter], run_losses=Y[:count][part == quarter, column])
            mixer.mix_groups(sizes=sizes)
            held.append(((mixer.low_ - 1e-3 <= best) & (best <= mixer.high_ + 1e-3)).mean())
            width.append((mixer.high_ - mixer.low_).mean())
        found["covered"][name], found["width"][name] = round(float(np.mean(held)), 3), round(float(np.mean(width)), 3)
    return found | {"mean": {key: round(float(np.mean(list(found[key].values()))), 3) for key in ("covered", "width")}}


def judged(value: np.ndarray, low: np.ndarray, high: np.ndarray, seen: np.ndarray) -> dict[str, float]:
    from scipy.stats import spearmanr

    return {
        "spearman": round(float(spearmanr(value, seen)[0]), 4),
        "rmse": round(float(np.sqrt(((value - seen) ** 2).mean())), 4),
        "covered": round(float(((low <= seen) & (seen <= high)).mean()), 4),
    }


def runs() -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Names of the losses, proportions and losses of the runs, the same of those held out."""
    import polars as pl

    folder = Path(os.environ["HOLDFAST_DATA"]) / "results" / "regmix"

    def table(name: str) -> pl.DataFrame:
        path = folder / name
        raw = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
        return pl.read_csv(raw).drop("index")

    losses = table("train_pile_loss_1m.csv.gz")
    names = [name.removeprefix("metric/the_pile_").removesuffix("_val_loss") for name in losses.columns]
    parts = [table("train_mixture_1m.csv"), losses, table("test_mixture_1m.csv"), table("test_pile_loss_1m.csv.gz")]
    X, Y, XT, YT = (part.to_numpy() for part in parts)
    return names, X / X.sum(axis=1, keepdims=True), Y, XT / XT.sum(axis=1, keepdims=True), YT


if __name__ == "__main__":
    main()
