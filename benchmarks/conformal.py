"""Conformal sets and intervals against MAPIE: CPU seconds and memory of CV+, coverage and size of adaptive sets.

    python benchmarks/conformal.py --peer PYTHON [--write]

PYTHON: an interpreter with MAPIE 1.6.0, which runs both (our code by PYTHONPATH). CV+: five ridge regressions; both at
10,000 calibration x 2,000 new rows, ours at 100,000 x 20,000 too, where the peer would lay out 2e9 sums of either sign.
Sets: labels drawn from known probabilities over 10 classes (50,000 calibration, 50,000 new rows), and three bundled
data sets (digits, iris, wine: the peer's adaptive sets take no two classes) x two models, thirds of the rows, seeds 0
to 4; level .9. `--write` appends to records/conformal.json.
"""

from __future__ import annotations

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

RECORD = Path(__file__).parent / "records" / "conformal.json"
SOURCE = Path(__file__).parents[1] / "src"
LEVEL = 0.9


def main() -> None:
    peer = sys.argv[sys.argv.index("--peer") + 1]
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1"}

    def cell(*what: str) -> Any:
        said = subprocess.run([peer, __file__, *what], capture_output=True, text=True, check=False, env=env)
        if said.returncode:
            raise SystemExit(said.stderr[-800:])
        return json.loads(said.stdout.splitlines()[-1])

    record = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.platform(), "level": LEVEL}
    record["cv_plus"] = {
        f"{who} {n:,} x {m:,}": cell("--cross", who, str(n), str(m))
        for who, n, m in (("holdfast", 10_000, 2_000), ("mapie", 10_000, 2_000), ("holdfast", 100_000, 20_000))
    }
    record["sets"] = cell("--sets")
    print(json.dumps(record, indent=1))
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def cross(who: str, n: int, m: int) -> dict[str, float]:
    """CPU seconds and MB of the intervals; models are fitted before."""
    import resource

    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(n, 5)), rng.normal(size=(m, 5))
    y = X.sum(axis=1) + rng.normal(size=n)
    if who == "mapie":
        from mapie.regression import CrossConformalRegressor

        model = CrossConformalRegressor(Ridge(), confidence_level=LEVEL, cv=KFold(5)).fit_conformalize(X, y)
        call = lambda: model.predict_interval(new)[1][:, :, 0]  # noqa: E731
    else:
        from holdfast.calibration import CrossConformalInterval

        fold, ensemble = np.arange(n) * 5 // n, []
        prediction = np.empty(n)
        for seen, left in KFold(5).split(X):
            fitted = Ridge().fit(X[seen], y[seen])
            prediction[left], fold[left] = fitted.predict(X[left]), len(ensemble)
            ensemble.append(fitted.predict(new))
        method = CrossConformalInterval(level=LEVEL).fit(target=y, prediction=prediction, fold=fold)
        call = lambda: method.transform(ensemble_prediction=np.array(ensemble))  # noqa: E731
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    intervals = call()
    taken = time.process_time() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"cpu_seconds": round(taken, 3), "megabytes": round(peak, 1), "checksum": round(float(intervals.sum()), 6)}


def sets() -> dict[str, Any]:
    from importlib.metadata import version

    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(10, 0.3), 100_000)
    y = (probs.cumsum(axis=1)[:, :-1] < rng.random((100_000, 1))).sum(axis=1)
    out: dict[str, Any] = {"mapie": version("mapie"), "drawn": _compared(probs, y, np.arange(100_000) < 50_000, 0)}
    cases = [_compared(*case) for case in _real()]
    for who in cases[0]:
        out[f"real, {who}"] = {
            part: round(float(np.mean([case[who][part] for case in cases])), 4) for part in ("covered", "size", "off")
        }
    return {**out, "real cases": len(cases)}


def _real() -> Any:
    from sklearn.datasets import load_digits, load_iris, load_wine
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for load in (load_digits, load_iris, load_wine):
        X, y = load(return_X_y=True)
        for seed in range(5):
            third = np.random.default_rng(seed).permutation(len(y)) * 3 // len(y)
            for model in (LogisticRegression(C=0.01, max_iter=2000), GaussianNB()):
                fitted = make_pipeline(StandardScaler(), model).fit(X[third == 0], y[third == 0])
                rest = third > 0
                yield fitted.predict_proba(X[rest]), y[rest], third[rest] == 1, seed


def _compared(probs: np.ndarray, y: np.ndarray, known: np.ndarray, seed: int) -> dict[str, dict[str, float]]:
    from mapie.classification import SplitConformalClassifier
    from mapie_reference import StatedClasses

    from holdfast.calibration import AdaptivePredictionSets, LeastAmbiguousSets

    made = {}
    for name, method in (("adaptive", AdaptivePredictionSets(level=LEVEL, seed=seed)), ("least", LeastAmbiguousSets())):
        made[f"holdfast {name}"] = method.fit(probs=probs[known], y=y[known]).transform(probs=probs[~known])
    for name, score in (("aps, default", "aps"), ("lac", "lac")):
        model = SplitConformalClassifier(
            StatedClasses().fit(probs, y), confidence_level=LEVEL, conformity_score=score, random_state=seed
        ).conformalize(probs[known], y[known])
        made[f"mapie {name}"] = model.predict_set(probs[~known])[1][:, :, 0]
        if score == "aps":
            more = {"include_last_label": "randomized"}
            made["mapie aps, randomised"] = model.predict_set(probs[~known], conformity_score_params=more)[1][:, :, 0]
    truth = y[~known]
    rows = np.arange(len(truth))
    return {
        who: {
            "covered": round(float(held[rows, truth].mean()), 4),
            "size": round(float(held.sum(axis=1).mean()), 4),
            "off": round(abs(float(held[rows, truth].mean()) - LEVEL), 4),
        }
        for who, held in made.items()
    }


if __name__ == "__main__":
    if "--cross" in sys.argv:
        print(json.dumps(cross(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
    else:
        print(json.dumps(sets())) if "--sets" in sys.argv else main()
