"""Shallow adaptation and weights against skada: accuracy on the target and CPU seconds.

    python benchmarks/adaptation.py --peer PYTHON [--write]

PYTHON: an interpreter with skada 0.6.0, which runs both (our code by PYTHONPATH). Twelve tasks: digits, tumours and
wines, in three planted shifts each (rescaled and moved; tilted along the first principal component; mixed linearly),
and heart disease from Cleveland to three other hospitals (numeric columns, medians for what is missing). Columns are
standardised on the source; the model is a logistic regression; seeds 0 to 4. A refusal counts as no adaptation.
`--write` appends to records/adaptation.json.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

RECORD = Path(__file__).parent / "records" / "adaptation.json"
SOURCE = Path(__file__).parents[1] / "src"
HEART = SOURCE / "holdfast" / "datasets" / "bundled" / "heart_disease"
Task = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Method = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    peer = sys.argv[sys.argv.index("--peer") + 1]
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1"}
    said = subprocess.run([peer, __file__, "--run"], capture_output=True, text=True, check=False, env=env)
    if said.returncode:
        raise SystemExit(said.stderr[-800:])
    record = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.platform()}
    record |= json.loads(said.stdout.splitlines()[-1])
    print(json.dumps(record, indent=1))
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def run() -> dict[str, Any]:
    from importlib.metadata import version

    methods = {**ours(), **theirs()}
    gains: dict[str, dict[str, list[float]]] = {name: {} for name in methods}
    seconds, refused = dict.fromkeys(methods, 0.0), dict.fromkeys(methods, 0)
    for seed in range(5):
        for task, (X, y, new, truth) in tasks(seed):
            plain = float((_model().fit(X, y).predict(new) == truth).mean())
            for name, method in methods.items():
                start = time.process_time()
                try:
                    gain = float((method(X, y, new) == truth).mean()) - plain
                except ValueError:
                    gain, refused[name] = 0.0, refused[name] + 1
                seconds[name] += time.process_time() - start
                gains[name].setdefault(task, []).append(gain)
    kinds = ("rescaled", "tilted", "mixed", "heart")
    return {
        "skada": version("skada"),
        "tasks": list(next(iter(gains.values()))),
        "seeds": 5,
        "gain in accuracy": {
            name: {kind: round(float(np.mean([np.mean(v) for t, v in of.items() if kind in t])), 4) for kind in kinds}
            for name, of in gains.items()
        },
        "mean gain": {name: round(float(np.mean([np.mean(v) for v in of.values()])), 4) for name, of in gains.items()},
        "worst task": {name: round(min(float(np.mean(v)) for v in of.values()), 4) for name, of in gains.items()},
        "cpu_seconds": {name: round(value, 2) for name, value in seconds.items()},
        "refused": {name: count for name, count in refused.items() if count},
    }


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


def ours() -> dict[str, Method]:
    import holdfast.weighting as w

    def mapped(method: Any) -> Method:
        def predict(X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
            moved, met = method.fit(ref_X=X, cur_X=new).transform(ref_X=X, cur_X=new)
            return _model().fit(moved, y).predict(met)

        return predict

    def weighted(method: Any) -> Method:
        def predict(X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
            return _model().fit(X, y, sample_weight=method.weigh_rows(ref_X=X, cur_X=new)).predict(new)

        return predict

    return {
        "holdfast CORAL": mapped(w.CORAL()),
        "holdfast LinearOT": mapped(w.LinearOptimalTransport()),
        "holdfast OT": mapped(w.OptimalTransport()),
        "holdfast SubspaceAlignment": mapped(w.SubspaceAlignment(directions=5)),
        "holdfast KMM": weighted(w.KernelMeanMatching()),
        "holdfast KLIEP": weighted(w.KLIEP()),
        "holdfast RuLSIF": weighted(w.RuLSIF()),
        "holdfast LogisticRatio": weighted(w.LogisticRatio()),
    }


def theirs() -> dict[str, Method]:
    import skada

    def piped(adapter: Any, weights: bool = False) -> Method:
        def predict(X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
            model = _model().set_fit_request(sample_weight=True) if weights else _model()
            pipe = skada.make_da_pipeline(adapter(), model)
            domain = np.r_[np.ones(len(X)), -2 * np.ones(len(new))].astype(int)
            pipe.fit(np.vstack([X, new]), np.r_[y, -np.ones(len(new), int)], sample_domain=domain)
            return pipe.predict(new)

        return predict

    return {
        "skada CORAL": piped(skada.CORALAdapter),
        "skada LinearOT": piped(skada.LinearOTMappingAdapter),
        "skada OT": piped(skada.OTMappingAdapter),
        "skada SubspaceAlignment": piped(lambda: skada.SubspaceAlignmentAdapter(n_components=5)),
        "skada KMM": piped(skada.KMMReweightAdapter, True),
        "skada KLIEP": piped(lambda: skada.KLIEPReweightAdapter(gamma="auto"), True),
        "skada Discriminator": piped(skada.DiscriminatorReweightAdapter, True),
    }


def tasks(seed: int) -> Iterator[tuple[str, Task]]:
    from sklearn.datasets import load_breast_cancer, load_digits, load_wine
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(seed)
    for name, load in (("digits", load_digits), ("tumours", load_breast_cancer), ("wines", load_wine)):
        X, y = load(return_X_y=True)
        X = PCA(8).fit_transform((X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9))
        X /= X.std(axis=0)
        order = rng.permutation(len(y))[:1000]
        source, target = order[: len(order) // 2], order[len(order) // 2 :]
        scale, move = np.exp(rng.normal(0, 0.7, 8)), rng.normal(0, 1.5, 8)
        yield f"{name}, rescaled", (X[source], y[source], X[target] * scale + move, y[target])
        mixer = np.eye(8) + 0.4 * rng.normal(size=(8, 8)) / np.sqrt(8)
        yield f"{name}, mixed", (X[source], y[source], X[target] @ mixer + move / 3, y[target])
        chance = np.exp(1.0 * X[target, 0])
        drawn = rng.choice(target, len(target), p=chance / chance.sum())
        yield f"{name}, tilted", (X[source], y[source], X[drawn], y[drawn])
    yield from _hospitals(rng)


def _hospitals(rng: np.random.Generator) -> Iterator[tuple[str, Task]]:
    rows = [list(csv.DictReader((HEART / f"{part}.csv").open(encoding="utf-8"))) for part in ("train", "test")]
    names = [name for name in rows[0][0] if all(_is_number(row[name]) for row in rows[0][:50])]

    def table(part: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
        values = np.array([[float(row[n]) if _is_number(row[n], False) else np.nan for n in names] for row in part])
        return values, np.array([int(row["disease"] == "yes") for row in part])

    X, y = table(rows[0])
    middle = np.nanmedian(X, axis=0)
    X = np.where(np.isnan(X), middle, X)
    kept = rng.permutation(len(y))[: int(0.9 * len(y))]
    centre, spread = X.mean(axis=0), np.maximum(X.std(axis=0), 1e-9)
    for hospital in ("hungarian", "switzerland", "long_beach"):
        new, truth = table([row for row in rows[1] if row["hospital"] == hospital])
        new = np.where(np.isnan(new), middle, new)
        yield f"heart, {hospital}", ((X[kept] - centre) / spread, y[kept], (new - centre) / spread, truth)


def _is_number(cell: str, empty: bool = True) -> bool:
    return empty if cell == "" else cell.replace(".", "", 1).replace("-", "", 1).isdigit()


if __name__ == "__main__":
    if "--run" in sys.argv:
        warnings.simplefilter("ignore")
        print(json.dumps(run()))
    else:
        main()
