"""Performance without labels: every method of the estimation family on a panel of shifts, against CBPE and no change.

    python benchmarks/estimation.py [--write] [--quick]

Breast cancer, digits and a synthetic set of 30,000 rows, split in three: a model (logistic regression or histogram
boosting) is trained on the first part, the second is the labelled reference, and the current sample is drawn with
replacement from the third: as it is ("none"), by exp(s z) along the first principal component ("pc1"), by
exp(-s |f| / sd) towards the boundary of an independent model ("hard"), or with the labels of the top fifth of the
first principal component changed ("concept", where nobody can win). Seeds 0 to 4.

CBPE is our own, which agrees with NannyML 0.13.1 to the last digit in accuracy and F1 (tests/parity/test_cbpe.py); the
peer does not install beside today's stack. `--quick` leaves the synthetic set out. `--write` appends to
records/estimation.json. About six CPU minutes.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_classification, make_friedman1
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.estimation import (
    CBPE,
    AverageConfidence,
    AverageThresholdedConfidence,
    DifferenceOfConfidences,
    MultiCalibratedPerformanceEstimation,
    NearestNeighbourTransfer,
    OpinionPoolEstimation,
    RegressionLossEstimate,
)
from holdfast.testing.laws import call

SEEDS = range(5)
SHIFTS = (("none", 0), *(("pc1", s) for s in (0.5, 1, 2)), *(("hard", s) for s in (0.5, 1, 2)), ("concept", 0.2))
BARS = {"share of CBPE's mean absolute error": 0.8, "least coverage": 0.85, "most coverage": 0.95}
RECORD = Path(__file__).parent / "records" / "estimation.json"
METHODS: dict[str, Any] = {
    "opinion pool": OpinionPoolEstimation(),
    "M-CBPE": MultiCalibratedPerformanceEstimation(),
    "CBPE": CBPE(),
    "difference of confidences": DifferenceOfConfidences(),
    "thresholded confidence": AverageThresholdedConfidence(),
    "nearest-neighbour transfer": NearestNeighbourTransfer(),
    "average confidence": AverageConfidence(),
}


class Case(NamedTuple):
    """One draw of one shift: what the methods are given, and the accuracy that they should find."""

    data: str
    shift: str
    seed: int
    evidence: dict[str, np.ndarray]
    truth: float


class Answer(NamedTuple):
    """One method's answer to one case."""

    case: Case
    error: float
    covered: bool
    width: float
    seconds: float


def main() -> None:
    sets = DATA if "--quick" not in sys.argv else {name: DATA[name] for name in ("breast_cancer", "digits")}
    answers: dict[str, list[Answer]] = {name: [] for name in (*METHODS, "no change")}
    for name in sets:
        for model in ("logistic", "boosting"):
            for seed in SEEDS:
                for case in cases(name, model, seed):
                    for key, answer in answered(case):
                        answers[key].append(answer)
            print(f"{name} {model} done", file=sys.stderr, flush=True)
    table = summary(answers)
    show(table)
    loss = regression()
    print("\nregression, mean relative error of the estimated mean absolute error:", loss)
    if "--write" in sys.argv:
        settings = {"data": list(sets), "seeds": len(SEEDS), "shifts": [f"{kind} {s}" for kind, s in SHIFTS]}
        record({"metric": "|estimated - true accuracy|", "bars": BARS, **settings, **table, "regression": loss})


def record(entry: dict[str, Any]) -> None:
    """Append a run to the record file: what was measured, where, with which versions."""
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    versions = {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "holdfast")}
    runs = json.loads(RECORD.read_text()) if RECORD.exists() else []
    runs.append({"date": date.today().isoformat(), "machine": machine, "versions": versions, **entry})
    RECORD.parent.mkdir(exist_ok=True)
    aside = RECORD.with_suffix(".tmp")
    aside.write_text(json.dumps(runs, indent=1) + "\n")
    aside.replace(RECORD)


def _synthetic(**_: bool) -> tuple[np.ndarray, np.ndarray]:
    return make_classification(30_000, 20, n_informative=8, n_redundant=4, flip_y=0.05, class_sep=0.8, random_state=7)


DATA: dict[str, Any] = {"breast_cancer": load_breast_cancer, "digits": load_digits, "synthetic": _synthetic}


def cases(name: str, model: str, seed: int) -> Iterator[Case]:
    """All shifts of one data set, model and seed."""
    X, y = DATA[name](return_X_y=True)
    rng = np.random.default_rng(seed)
    train, ref, pool = np.array_split(rng.permutation(len(y))[: len(y) // 3 * 3], 3)
    fitted = _model(model).fit(X[train], y[train])
    probs, k = fitted.predict_proba(X), int(y.max()) + 1
    independent = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)).fit(X[train], y[train])
    margin = _margin(independent.decision_function(X[pool]))
    scaler = StandardScaler().fit(X[train])
    axis = PCA(1).fit(scaler.transform(X[train])).transform(scaler.transform(X[pool]))[:, 0]
    axis = (axis - axis.mean()) / axis.std()
    for kind, s in SHIFTS:
        labels = y[pool].copy()
        if kind == "concept":
            moved = axis > np.quantile(axis, 1 - s)
            labels[moved] = (labels[moved] + rng.integers(1, k, moved.sum())) % k
        share = np.exp({"pc1": s * axis, "hard": -s * margin / margin.std()}.get(kind, np.zeros(len(pool))))
        drawn = np.random.default_rng(100 + seed).choice(len(pool), len(pool), p=share / share.sum())
        cur = pool[drawn]
        evidence = {"ref_X": X[ref], "ref_y": y[ref], "ref_probs": probs[ref], "cur_X": X[cur], "cur_probs": probs[cur]}
        yield Case(name, f"{kind} {s}", seed, evidence, float((probs[cur].argmax(axis=1) == labels[drawn]).mean()))


def _model(name: str) -> Any:
    if name == "boosting":
        return HistGradientBoostingClassifier(random_state=0)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


def _margin(scores: np.ndarray) -> np.ndarray:
    if scores.ndim == 1:
        return np.abs(scores)
    ordered = np.sort(scores, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def answered(case: Case) -> Iterator[tuple[str, Answer]]:
    for name, method in METHODS.items():
        start = time.process_time()
        found = call(method, case.evidence)
        seconds = time.process_time() - start
        inside = found.low <= case.truth <= found.high
        yield name, Answer(case, abs(found.value - case.truth), inside, found.high - found.low, seconds)
    before = float((case.evidence["ref_probs"].argmax(axis=1) == case.evidence["ref_y"]).mean())
    yield "no change", Answer(case, abs(before - case.truth), False, 0.0, 0.0)


def summary(answers: dict[str, list[Answer]]) -> dict[str, Any]:
    """Per method: mean absolute error over the panel without concept shift, by shift, and how often intervals hold."""
    rows = {}
    for name, every in answers.items():
        panel = [answer for answer in every if not answer.case.shift.startswith("concept")]
        by_seed = [np.mean([a.error for a in panel if a.case.seed == seed]) for seed in SEEDS]
        shifts = dict.fromkeys(answer.case.shift for answer in every)
        rows[name] = {
            "error": round(float(np.mean(by_seed)), 4),
            "sd_over_seeds": round(float(np.std(by_seed, ddof=1)), 4),
            "shifts": {s: round(float(np.mean([a.error for a in every if a.case.shift == s])), 4) for s in shifts},
            "coverage": round(float(np.mean([a.covered for a in panel])), 3),
            "width": round(float(np.mean([a.width for a in panel])), 4),
            "cpu_seconds": round(float(np.mean([a.seconds for a in panel])), 3),
        }
    ratio = round(rows["opinion pool"]["error"] / rows["CBPE"]["error"], 3)
    return {"cases": len(panel), "pool_to_cbpe": ratio, "methods": rows}


def show(table: dict[str, Any]) -> None:
    print(f"mean |estimated - true accuracy| over {table['cases']} cases; then by shift; coverage of 90 % intervals")
    for name, row in table["methods"].items():
        cells = " ".join(f"{value:.3f}" for value in row["shifts"].values())
        print(f"  {name:28s} {row['error']:.4f} ± {row['sd_over_seeds']:.4f}  {cells}  "
              f"cover {row['coverage']:.2f}  width {row['width']:.3f}  {row['cpu_seconds']:.2f} s")  # fmt: skip
    print(f"opinion pool / CBPE = {table['pool_to_cbpe']} (bar 0.8)")


def regression() -> dict[str, dict[str, float]]:
    """Relative error of the estimated mean absolute error: noise that grows along the shift, and few real rows."""
    rows = {}
    for name in ("friedman", "diabetes"):
        ours, same = [], []
        for seed in range(10):
            X, y, tilt = _regression_data(name, seed)
            train, ref, pool = np.array_split(np.random.default_rng(seed).permutation(len(y)), 3)
            predicted = Ridge(alpha=0.1).fit(X[train], y[train]).predict(X)
            share = np.exp(tilt[pool])
            cur = np.random.default_rng(100 + seed).choice(pool, len(pool), p=share / share.sum())
            truth = np.abs(y - predicted)[cur].mean()
            found = RegressionLossEstimate().measure(X[ref], y[ref], predicted[ref], X[cur], predicted[cur])
            ours.append(abs(found.value / truth - 1))
            same.append(abs(np.abs(y - predicted)[ref].mean() / truth - 1))
        rows[name] = {"ours": round(float(np.mean(ours)), 4), "no change": round(float(np.mean(same)), 4)}
    return rows


def _regression_data(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if name == "diabetes":
        X, y = load_diabetes(return_X_y=True)
        return X, y, X[:, 2] / X[:, 2].std()
    X, y = make_friedman1(30_000, random_state=seed)
    return X, y + np.random.default_rng(seed).normal(size=len(y)) * (0.5 + 2 * X[:, 0]), 4 * X[:, 0]


if __name__ == "__main__":
    main()
