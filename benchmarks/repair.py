"""Evidence for repair and verify: what helps is confirmed, what cannot help is not, and the time of 50,000 x 30 rows.

    python benchmarks/repair.py [planted] [faint] [worthless] [coverage] [controls] [speed] [--write]

`planted`: label noise of 25 % in 1,000 rows of sound data whose repair gains about two points, 40 draws: how often it
is confirmed, and whether the interval holds the gain on 4,000 further rows. `faint`: 20 % in noisier data, where the
repair gains half a point. `worthless`: three remedies that cannot help, in sound data, 60 draws: how often one is
confirmed. `coverage`: how often the interval of a verification holds the gain on 6,000 further rows, from the audit to
the verdict, 200 draws of a logistic regression, with one remedy that helps and three that do not. `controls`: real
data without a drop (HOLDFAST_DATA), with the remedies of the audit and three worthless ones. `speed`: ten remedies on
50,000 x 30, two threads.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

import holdfast
from holdfast.audit.load import read_table
from holdfast.audit.records import Remedy
from holdfast.audit.report import Report
from holdfast.verify.case import read_case
from holdfast.verify.plan import choose
from holdfast.verify.trial import Trial

RECORD = Path(__file__).parent / "records" / "repair.json"


def main() -> None:
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "planted": lambda: planted(0.25, 0.3, 5), "faint": lambda: planted(0.2, 0.5, 6), "worthless": worthless,
        "coverage": coverage, "controls": controls, "speed": speed,
    }  # fmt: skip
    wanted = [name for name in parts if name in sys.argv] or list(parts)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in wanted:
        found = {"date": date.today().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"}
        found |= parts[name]()
        print(name, json.dumps(found, indent=1))
        record[name] = found
    if "--write" in sys.argv:
        RECORD.write_text(json.dumps(record, indent=2) + "\n")


def planted(noise: float, blur: float, columns: int, draws: int = 40) -> dict[str, Any]:
    """Wrong labels among 1,000 training rows; 1,200 sound test rows; the truth on 4,000 more."""
    confirmed = covered = judged = 0
    truths = []
    for seed in range(draws):
        X, y = _made(6200, seed, columns, blur)
        rng = np.random.default_rng([seed, 1])
        given = np.where(rng.random(1000) < noise, 1 - y[:1000], y[:1000])
        train, test, more = (_table(X[a:b], labels) for a, b, labels in (
            (0, 1000, given), (1000, 2200, y[1000:2200]), (2200, 6200, y[2200:])))  # fmt: skip
        report = holdfast.audit(train, test, target="label", only=["LAB001"], quick=True, seed=seed)
        done = holdfast.repair(report, train=train, test=test)
        confirmed += done.outcome == "better"
        gain, names = done.record["judgement"]["gain"], done.record["judgement"]["chosen"]
        if gain is None:
            continue
        truths.append(_gain_on(report, train, more, names))
        judged += 1
        covered += gain["low"] <= truths[-1] <= gain["high"]
        print(seed, done.outcome, names, round(truths[-1], 4), flush=True)
    return {
        "draws": draws,
        "confirmed": confirmed,
        "judged": judged,
        "intervals_that_hold_the_gain_on_more_rows": covered,
        "mean_gain_on_more_rows": round(float(np.mean(truths)), 4),
    }


def worthless(draws: int = 60) -> dict[str, Any]:
    """Three remedies that cannot help, in sound data: how often one of them is confirmed."""
    outcomes: dict[str, int] = {}
    for seed in range(draws):
        X, y = _made(2200, seed, 5, 0.3)
        train, test = _table(X[:1000], y[:1000]), _table(X[1000:], y[1000:])
        report = holdfast.audit(train, test, target="label", only=["DUP001"], quick=True, seed=seed)
        report = _with_worthless(report, 1000, np.random.default_rng([seed, 2]))
        done = holdfast.repair(report, train=train, test=test)
        outcomes[done.outcome] = outcomes.get(done.outcome, 0) + 1
    return {"draws": draws, "outcomes": outcomes}


def coverage(draws: int = 200) -> dict[str, Any]:
    """One remedy drops the wrong labels, three others cannot help; then the same without wrong labels: only three."""
    told = [_small_repair(seed, helps=True) for seed in range(draws)]
    judged = [(gain, truth) for _, gain, truth in told if gain is not None]
    nothing = [_small_repair(1000 + seed, helps=False)[0] for seed in range(draws)]
    return {
        "draws": draws,
        "judged": len(judged),
        "covered": sum(gain["low"] <= truth <= gain["high"] for gain, truth in judged),
        "level": round(1 - 0.1 * 6 / np.pi**2, 3),
        "mean_width": round(float(np.mean([gain["high"] - gain["low"] for gain, _ in judged])), 4),
        "outcomes": dict(Counter(outcome for outcome, *_ in told)),
        "outcomes_where_nothing_helps": dict(Counter(nothing)),
    }


def _small_repair(seed: int, helps: bool) -> tuple[str, dict[str, Any] | None, float]:
    """The outcome, the gain that was told, and the gain on further rows."""
    rng = np.random.default_rng([seed, 9])
    X = rng.normal(size=(6800, 4))
    y = (X @ [1.0, 1.0, 0.5, 0.0] + rng.normal(size=6800) > 0).astype(int)
    wrong = np.flatnonzero((X[:300, 0] > 0.8) & (rng.random(300) < 0.35))
    given = y[:300].copy()
    given[wrong] = 0 if helps else given[wrong]
    train, test, more = _table(X[:300], given), _table(X[300:800], y[300:800]), _table(X[800:], y[800:])
    model = LogisticRegression().fit(X[:300], given)
    call: dict[str, Any] = {"target": "label", "only": ["DUP001"], "quick": True, "seed": seed, "model": model}
    report = _with_worthless(holdfast.audit(train, test, **call), 300, rng)
    if helps:
        right = Remedy("drop_rows", "Drop the wrong rows", True, rows=tuple(wrong.tolist()))
        findings = tuple(replace(one, remedies=(right, *one.remedies)) for one in report.findings)
        report = Report(replace(report.record, findings=findings))
    done = holdfast.repair(report, train=train, test=test, model=model)
    gain, names = done.record["judgement"]["gain"], done.record["judgement"]["chosen"]
    truth = _gain_on(report, train, more, names, model, 15) if helps and gain else 0.0
    return done.outcome, gain, truth


def _gain_on(report: Report, train: Any, more: Any, names: list[str], model: Any = None, repeats: int = 5) -> float:
    """The gain of the same remedies on many rows that nobody has looked at."""
    case = read_case(report, train, more, model, may_be_fresh=True)
    chosen = tuple(one for one in choose(case.record).candidates if one.name in names)
    trial, metric = Trial(case, repeats, 1000), case.facts["metric"]
    pairs = zip(trial.predictions(()), trial.predictions(chosen), strict=True)
    return float(np.mean([metric(trial.truth, now) - metric(trial.truth, then) for then, now in pairs]))


def controls(draws: int = 4) -> dict[str, Any]:
    """Real data without a drop: worthless remedies beside the audit's own."""
    root = Path(os.environ["HOLDFAST_DATA"])
    found = {}
    for name, read in (("employment_ma", _employment), ("noaa_weather", _weather)):
        data, target = read(root)
        outcomes: dict[str, int] = {}
        for seed in range(draws):
            rng = np.random.default_rng([seed, 2])
            rows = rng.permutation(data.height)[:2500]
            train, test = data[rows[:1500]], data[rows[1500:]]
            report = holdfast.audit(
                train, test, target=target, only=["DUP001", "LAB001", "IMB001", "STA001"], quick=True, seed=seed
            )
            report = _with_worthless(report, 1500, rng)
            done = holdfast.repair(report, train=train, test=test)
            outcomes[done.outcome] = outcomes.get(done.outcome, 0) + 1
        found[name] = {"draws": draws, "outcomes": outcomes}
    return found


def _employment(root: Path) -> tuple[pl.DataFrame, str]:
    frame = read_table(root / "employment_ma" / "employment_MA_reference.pq.gz", "reference").frame
    shipped = [name for name in frame.columns if "pred" in name.lower() or "proba" in name.lower() or name == "id"]
    return frame.drop(shipped), "employed"


def _weather(root: Path) -> tuple[pl.DataFrame, str]:
    frame = read_table(root / "noaa_weather" / "weather.csv.gz", "weather").frame
    return frame, frame.columns[-1]


def _with_worthless(report: Report, n: int, rng: np.random.Generator) -> Report:
    """Three remedies that cannot help beside those of the audit: rows dropped or weighed at random."""

    def some(share: float) -> tuple[int, ...]:
        return tuple(np.sort(rng.choice(n, round(share * n), replace=False)).tolist())

    useless = (
        Remedy("drop_rows", "Drop 2 % of the rows at random", True, rows=some(0.02)),
        Remedy("drop_rows", "Drop 5 % of the rows at random", True, rows=some(0.05)),
        Remedy("reweight_rows", "Double half of the rows", True, rows=some(0.5), values=(2.0,) * round(0.5 * n)),
    )
    findings = tuple(
        replace(one, outcome="found", remedies=(*one.remedies, *useless)) if one.code == "DUP001" else one
        for one in report.findings
    )
    return Report(replace(report.record, findings=findings))


def speed() -> dict[str, Any]:
    """Ten remedies on 50,000 training and 20,000 test rows x 30 columns."""
    X, y = _made(70_000, 0, 30)
    rng = np.random.default_rng(3)
    train, test = _table(X[:50_000], y[:50_000]), _table(X[50_000:], y[50_000:])
    report = holdfast.audit(train, test, target="label", only=["SCH001"], quick=True)
    dropped = [tuple(range(part, 50_000, 10 + 5 * part)) for part in range(8)]
    remedies = (
        *(Remedy("drop_rows", f"Drop part {part}", True, rows=rows) for part, rows in enumerate(dropped)),
        Remedy("drop_columns", "Train without c0", True, columns=("c0",)),
        Remedy("reweight_rows", "Weigh", True, rows=tuple(range(50_000)), values=tuple(rng.random(50_000) + 0.5)),
    )
    findings = tuple(replace(one, outcome="found", remedies=remedies) for one in report.findings)
    report = Report(replace(report.record, findings=findings))
    started, cpu = time.perf_counter(), time.process_time()
    done = holdfast.repair(report, train=train, test=test)
    return {
        "remedies": len(remedies),
        "wall_seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "fits": done.record["fits"],
        "stopped_early": sum(one["stopped"] for one in done.record["alone"]),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "outcome": done.outcome,
    }


def _made(n: int, seed: int, columns: int = 6, blur: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, columns))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + blur * rng.normal(size=n) > 0).astype(int)


def _table(X: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({**{f"c{column}": X[:, column] for column in range(X.shape[1])}, "label": y})


if __name__ == "__main__":
    main()
