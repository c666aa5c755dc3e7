"""`holdfast explain`: coverage of its intervals, false alarms, planted causes on real data, controls without a drop.

    HOLDFAST_DATA=... python benchmarks/explain.py [--write]

Losses are those of one logistic model on the census data (adult). The truth of a planted change is the mean of the same
method over 80 draws of 12,000 rows a side, where nothing is planted it is 0; the 400 judged draws have 1,000 a side, so
that coverage speaks of chance, not of what the density ratio cannot express. With 12 large draws the truth itself was
off by a third of a judged draw's standard error, and coverage came out as .83 to .85: `error_of_truth` says how much.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
from natural_shifts import ADULT
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import holdfast
from holdfast.audit.change import attribute_change
from holdfast.audit.load import Task, read_table

RECORD = Path(__file__).parent / "records" / "explain.json"
COLUMNS = ["age", "education_num", "gain", "loss", "hours"]
DRAWS, ROWS = 400, 1000
LARGE, MANY = 80, 12_000
TASK = Task("binary", "income", ("0", "1"))


def main() -> None:
    data = Path(os.environ["HOLDFAST_DATA"])
    X, y, model = census(data)
    record: dict[str, Any] = {"date": date.today().isoformat(), "versions": {"holdfast": holdfast.__version__}}
    record["planted"] = {name: planted(X, y, model, name) for name in ("nothing", "covariate", "label", "relation")}
    record["controls"] = controls(data)
    print(json.dumps(record, indent=1))
    if "--write" in sys.argv:
        RECORD.write_text(json.dumps(record, indent=2) + "\n")


def census(data: Path) -> tuple[np.ndarray, np.ndarray, Any]:
    frame = read_table(data / "adult" / "adult.data.gz", "adult").frame
    frame.columns = [*ADULT.split(), "income"]
    X = frame.select(COLUMNS).to_numpy().astype(float)
    y = frame["income"].str.contains(">").to_numpy().astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:6000], y[:6000])
    return X[6000:], y[6000:], model


def side(
    X: np.ndarray, y: np.ndarray, cause: str, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of one side; `cause` "" is the reference."""
    weight = np.ones(len(y))
    if cause == "covariate":
        weight = np.exp(0.6 * (X[:, 1] - X[:, 1].mean()) / X[:, 1].std())
    if cause == "label":
        weight = np.where(y == 1, 3.0, 1.0)
    kept = rng.choice(len(y), rows, p=weight / weight.sum())
    drawn = y[kept].copy()
    if cause == "relation":  # as many labels of either class change places: the mix stays
        turned = rows // 20
        for label in (0, 1):
            drawn[rng.choice(np.flatnonzero(y[kept] == label), turned, replace=False)] = 1 - label
    return X[kept], drawn


def change_of(X: np.ndarray, y: np.ndarray, model: Any, cause: str, rows: int, rng: np.random.Generator) -> Any:
    """The change and its split, which hangs on no `players`."""
    (a, b), (c, d) = side(X, y, "", rows, rng), side(X, y, cause, rows, rng)
    losses = [(model.predict(left) != right).astype(float) for left, right in ((a, b), (c, d))]
    return attribute_change(a, b, losses[0], c, d, losses[1], COLUMNS, TASK, 0, players=0)


def truth_of(X: np.ndarray, y: np.ndarray, model: Any, cause: str) -> tuple[dict[str, float], dict[str, float]]:
    """The change and its parts, by many large draws, with the standard error of that."""
    if cause == "nothing":
        zeros = dict.fromkeys(("covariate", "label", "relation", "change"), 0.0)
        return zeros, zeros
    large = [change_of(X, y, model, cause, MANY, np.random.default_rng([1, draw])) for draw in range(LARGE)]
    values = {kind: [one.split[kind].value for one in large] for kind in large[0].split}
    values["change"] = [one.change.value for one in large]
    errors = {kind: float(np.std(own, ddof=1)) / LARGE**0.5 for kind, own in values.items()}
    return {kind: float(np.mean(own)) for kind, own in values.items()}, errors


def planted(X: np.ndarray, y: np.ndarray, model: Any, cause: str) -> dict[str, Any]:
    truth, errors = truth_of(X, y, model, cause)
    held: dict[str, list[bool]] = {}
    alarms, first = [], []
    for seed in range(DRAWS):
        found = change_of(X, y, model, cause, ROWS, np.random.default_rng([2, seed]))
        alarms.append(found.is_sure(0.05))
        first.append(max(found.split, key=lambda kind: abs(found.split[kind].value)))
        for kind, part in {**found.split, "change": found.change}.items():
            held.setdefault(kind, []).append(part.low <= truth[kind] <= part.high)
    return {
        "truth": {kind: round(part, 4) for kind, part in truth.items()},
        "error_of_truth": {kind: round(part, 4) for kind, part in errors.items()},
        "covered": {kind: round(float(np.mean(flags)), 3) for kind, flags in held.items()},
        "called_changed": round(float(np.mean(alarms)), 3),
        "largest": {kind: first.count(kind) for kind in dict.fromkeys(first)}, "draws": DRAWS,
    }  # fmt: skip


def controls(data: Path) -> dict[str, str]:
    folder = data / "employment_ma"
    reference = read_table(folder / "employment_MA_reference.pq.gz", "a").frame
    later = read_table(folder / "employment_MA_analysis.pq.gz", "b").frame
    labels = read_table(folder / "employment_MA_analysis_target.pq.gz", "c").frame
    later = later.join(labels, on="id", how="left")
    drop = [name for name in ("id", "year", "prediction", "predicted_probability") if name in later.columns]
    weather = read_table(data / "noaa_weather" / "weather.csv.gz", "weather").frame
    fifth = weather.height // 5
    said = {}
    for year in (2016, 2017, 2018):
        part = later.filter(pl.col("year") == year).sample(8000, seed=0).drop(drop)
        first = reference.sample(8000, seed=0).drop([name for name in drop if name in reference.columns])
        said[f"employment_ma 2015 to {year}"] = holdfast.explain(first, part, target="employed").verdict
    for place in (1, 2, 3, 4):
        part = weather[place * fifth : (place + 1) * fifth]
        said[f"noaa_weather, fifth 1 to {place + 1}"] = holdfast.explain(weather[:fifth], part, target="target").verdict
    return said


if __name__ == "__main__":
    main()
