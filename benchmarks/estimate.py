"""`holdfast estimate`: the chosen estimator against the fixed default, and whether stretched intervals hold the truth.

    HOLDFAST_DATA=... python benchmarks/estimate.py [natural] [planted] [slices] [--write]

1. Natural shifts (those of natural_shifts.py): |estimate - truth| of what planting chose, of the default, of no change.
2. Planted shifts on real data: one half of the labelled rows is train, from the other production rows are drawn with a
   shift that the estimate does not know; how often its interval holds the truth, over at least 200 draws.
3. Slices that the search names: on the natural shifts, in how many of them the labels that were held back say that the
   metric is below training's; how often a planted slice is named; how often one is named where all rows are alike.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
from natural_shifts import pairs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

import holdfast
from holdfast.audit.estimators import NO_CHANGE, Evidence, estimates, no_change
from holdfast.audit.load import Task, load
from holdfast.audit.probes import Probes
from holdfast.audit.settings import Settings
from holdfast.estimate.planting import choose, plant_shifts, stretched, widening
from holdfast.estimate.shifts import cells_of
from holdfast.estimate.slices import seek_slices
from holdfast.ops.metrics import METRICS

RECORD = Path(__file__).parent / "records" / "estimate.json"
DRAWS = 6
SIZES = (600, 3000)  # rows of both sets in which slices are planted


def main() -> None:
    parts: dict[str, Callable[[], dict]] = {"natural": natural_table, "planted": planted_table, "slices": slices}
    wanted = [name for name in parts if name in sys.argv] or list(parts)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in wanted:
        record[name] = parts[name]()
    print(json.dumps({name: record[name] for name in wanted}, indent=2))
    if "--write" in sys.argv:
        record |= {"date": date.today().isoformat(), "versions": {"holdfast": holdfast.__version__}, "draws": DRAWS}
        RECORD.write_text(json.dumps(record, indent=2) + "\n")


def slices() -> dict:
    return {
        "natural": natural_slices(),
        **{f"planted, {rows} rows": made_slices(0.5, rows) for rows in SIZES},
        **{f"none, {rows} rows": made_slices(0, rows) for rows in SIZES},
    }


def natural_table() -> dict:
    rows = []
    for name, train, test, target in pairs(Path(os.environ["HOLDFAST_DATA"])):
        facts = Probes(
            loaded=load(train, test, target=target), settings=Settings(max_rows=3000), given_model=None,
            given_proba=None,
        )  # fmt: skip
        metric, task = METRICS["accuracy"], facts["task"]
        evidence = Evidence(
            facts["train_embedding"].astype(float), facts["train_predicted"], facts["train_y"],
            facts["test_embedding"].astype(float), facts["test_predicted"],
        )  # fmt: skip
        answers = {**estimates(metric, task, evidence), NO_CHANGE: no_change(metric, evidence)}
        trials = plant_shifts(evidence, metric, task, 0, DRAWS, cells_of(facts["loaded"], facts["train_rows"]))
        default = next(iter(answers))
        chosen, _ = choose(trials, default)
        truth = float(metric(facts["test_y"], facts["test_predicted"]))
        said = {"chosen": chosen, "default": default, "no change": NO_CHANGE}
        row = {"pair": name, "truth": round(truth, 4), "picked": chosen}
        for who, estimator in said.items():
            own = stretched(answers[estimator], widening(trials, estimator), metric)
            row[who] = round(own.value - truth, 4)
            row[f"{who} covers"] = bool(own.low <= truth <= own.high)
        rows.append(row)
        print(row, flush=True)
    summary = {
        who: {
            "mean_absolute_error": round(float(np.mean([abs(row[who]) for row in rows])), 4),
            "covered": sum(row[f"{who} covers"] for row in rows), "pairs": len(rows),
        }
        for who in ("chosen", "default", "no change")
    }  # fmt: skip
    return {"summary": summary, "pairs": rows}


def planted_table(draws: int = 70) -> dict:
    """Shifts of other shapes than the planted ones: a threshold on a column, and a mixture of two of them."""
    table = {}
    for name, load_data, task, metric in (
        ("breast cancer", load_breast_cancer, Task("binary", "y", ("0", "1")), METRICS["accuracy"]),
        ("digits", load_digits, Task("multiclass", "y", tuple("0123456789")), METRICS["accuracy"]),
        ("diabetes", load_diabetes, Task("regression", "y"), METRICS["mae"]),
    ):
        X, y = load_data(return_X_y=True)
        held, chosen_names, errors = [], {}, []
        for seed in range(draws):
            evidence, truth = drawn(X, y, task, metric, seed)
            answers = {**estimates(metric, task, evidence), NO_CHANGE: no_change(metric, evidence)}
            trials = plant_shifts(evidence, metric, task, seed, 2)
            chosen, _ = choose(trials, next(iter(answers)))
            own = stretched(answers[chosen], widening(trials, chosen), metric)
            held.append(own.low <= truth <= own.high)
            errors.append(abs(own.value - truth))
            chosen_names[chosen] = chosen_names.get(chosen, 0) + 1
        table[name] = {
            "covered": round(float(np.mean(held)), 3), "draws": draws, "mean_absolute_error": round(np.mean(errors), 4),
            "chosen": chosen_names,
        }  # fmt: skip
        print(name, table[name], flush=True)
    return table


def natural_slices() -> dict:
    """Named slices, and in how many of them the hidden labels say that accuracy is below training's."""
    named = right = pairs_with = tables = 0
    for name, train, test, target in pairs(Path(os.environ["HOLDFAST_DATA"])):
        facts = Probes(
            loaded=load(train, test, target=target),
            settings=Settings(max_rows=3000),
            given_model=None,
            given_proba=None,
        )
        rows, hit = facts["test_rows"], facts["test_predicted"].argmax(axis=1) == facts["test_y"]
        shown = facts["loaded"].test.frame.drop(target)[rows]
        learnt = facts["loaded"].train.frame
        made = holdfast.estimate(learnt, shown, target=target, max_rows=3000, draws=2).to_dict()["result"]
        found = seek_slices(
            Probes(loaded=facts["loaded"], settings=facts["settings"], given_model=None, given_proba=None)
        )
        inside = {one.label: np.isin(rows, one.rows) for one in found.slices}
        truths = [float(hit[inside[one["label"]]].mean()) for one in made["slices"]]
        tables, named, pairs_with = tables + 1, named + len(truths), pairs_with + bool(truths)
        right += sum(truth < made["training"]["value"] for truth in truths)
        print(name, [one["label"] for one in made["slices"]], np.round(truths, 3), flush=True)
    return {"pairs": tables, "pairs_with_slices": pairs_with, "slices": named, "truly_below_training": right}


def made_slices(coins: float, rows: int, draws: int = 40) -> dict:
    """As many rows in both sets, a fifth of the labels wrong everywhere; in a slice of a ninth so many are coins."""
    named = hit = 0
    for seed in range(draws):
        rng = np.random.default_rng([seed, 5])
        X, side = rng.random((2 * rows, 4)), rng.integers(2, size=2 * rows)
        weak = (X[:, 0] < 1 / 3) & (X[:, 1] < 1 / 3)
        y = np.where(rng.random(2 * rows) < np.where(weak, max(0.2, coins), 0.2), 1 - side, side)
        frame = pl.DataFrame({**{f"c{column}": X[:, column] for column in range(4)}, "side": side, "y": y})
        production = frame[rows:].drop("y")
        made = holdfast.estimate(frame[:rows], production, target="y", draws=1, seed=seed).to_dict()["result"]
        named += bool(made["slices"])
        hit += any("c0 <" in one["label"] and "c1 <" in one["label"] for one in made["slices"])
    return {"draws": draws, "with_a_slice": named, "with_both_columns_of_the_planted_one": hit}


def drawn(X: np.ndarray, y: np.ndarray, task: Task, metric: object, seed: int) -> tuple[Evidence, float]:
    """A third learns, a third is the reference, the last third is thinned on one side of a column."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng([seed, 77])
    model_rows, ref, pool = np.array_split(rng.permutation(len(y)), 3)
    learner = Ridge() if task.kind == "regression" else LogisticRegression(C=0.3, max_iter=500)
    model = make_pipeline(StandardScaler(), learner).fit(X[model_rows], y[model_rows])
    column = X[pool, rng.integers(X.shape[1])] + 1e-9 * rng.normal(size=len(pool))
    keep = rng.random(len(pool)) < np.where(column > np.median(column), 0.9, 0.2)
    cur = pool[keep]
    answer = model.predict if task.kind == "regression" else model.predict_proba
    evidence = Evidence(X[ref].astype(float), answer(X[ref]), y[ref], X[cur].astype(float), answer(X[cur]))
    return evidence, float(metric(y[cur], evidence.cur_predicted))


if __name__ == "__main__":
    main()
