"""Accuracy estimated without labels on natural shifts: which estimator should head the audit's PER002?

    HOLDFAST_DATA=... python benchmarks/natural_shifts.py [--write]

Every pair of real samples is treated as the audit does: a probe model learnt on the first, its out-of-fold and test
predictions, the same embedding. Errors are |estimate - truth|; the consensus is the median of the estimators.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl

import holdfast
from holdfast.audit.estimators import Evidence, estimates
from holdfast.audit.load import load, read_table
from holdfast.audit.probes import Probes
from holdfast.audit.settings import Settings
from holdfast.datasets import load_heart_disease
from holdfast.ops.metrics import METRICS

RECORD = Path(__file__).parent / "records" / "natural_shifts.json"
ADULT = "age workclass fnlwgt education education_num marital occupation relationship race sex gain loss hours country"


def main() -> None:
    errors: dict[str, list[float]] = {}
    covered: dict[str, list[bool]] = {}
    for name, train, test, target in pairs(Path(os.environ["HOLDFAST_DATA"])):
        truth, found, before = measured(train, test, target)
        shown = " ".join(f"{key}: {own.value - truth:+.3f}" for key, own in found.items())
        print(f"{name}: truth {truth:.3f}, in training {before:.3f}; {shown}", flush=True)
        for key, own in found.items():
            errors.setdefault(key, []).append(abs(own.value - truth))
            covered.setdefault(key, []).append(own.low <= truth <= own.high)
        errors.setdefault("no change", []).append(abs(before - truth))
    table = {
        key: {
            "mean_absolute_error": round(float(np.mean(all_)), 4),
            "largest": round(max(all_), 3),
            "covered": sum(covered.get(key, [])),
            "pairs": len(all_),
        }
        for key, all_ in errors.items()
    }
    print(json.dumps(table, indent=2))
    if "--write" in sys.argv:
        record = {"date": date.today().isoformat(), "versions": {"holdfast": holdfast.__version__}, "estimators": table}
        RECORD.write_text(json.dumps(record, indent=2) + "\n")


def measured(train: pl.DataFrame, test: pl.DataFrame, target: str) -> tuple[float, dict[str, Any], float]:
    facts = Probes(
        loaded=load(train, test, target=target), settings=Settings(max_rows=5000), given_model=None, given_proba=None
    )
    metric = METRICS["accuracy"]
    evidence = Evidence(
        facts["train_embedding"].astype(float), facts["train_predicted"], facts["train_y"],
        facts["test_embedding"].astype(float), facts["test_predicted"],
    )  # fmt: skip
    found = estimates(metric, facts["task"], evidence)
    truth = metric(facts["test_y"], facts["test_predicted"])
    return truth, found, metric(facts["train_y"], facts["train_predicted"])


def pairs(folder: Path) -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame, str]]:
    heart = pl.concat(load_heart_disease(), how="vertical_relaxed")
    for here, there in (
        ("cleveland", "hungarian"), ("cleveland", "long_beach"), ("cleveland", "switzerland"),
        ("hungarian", "cleveland"), ("hungarian", "long_beach"),
    ):  # fmt: skip
        yield (f"heart {here} to {there}", *_by(heart, "hospital", here, there), "disease")
    white, red = (
        _good(read_table(folder / "wine_quality" / f"winequality-{colour}.csv.gz", "wine").frame)
        for colour in ("white", "red")
    )
    yield "wine white to red", white, red, "good"
    yield "wine red to white", red, white, "good"
    adult = read_table(folder / "adult" / "adult.data.gz", "adult").frame
    adult.columns = [*ADULT.split(), "income"]
    adult = adult.sample(8000, seed=1)
    yield ("adult men to women", *_by(adult, "sex", "Male", "Female"), "income")
    yield ("adult women to men", *_by(adult, "sex", "Female", "Male"), "income")
    young, old = adult.filter(pl.col("age") < 35), adult.filter(pl.col("age") >= 35)
    yield "adult young to old", young, old, "income"
    yield "adult old to young", old, young, "income"
    law = read_table(folder / "law_school" / "law_school_clean.csv.gz", "law").frame.sample(6000, seed=1)
    most = law["race"].value_counts(sort=True)["race"][0]
    parts = (law.filter(pl.col("race") == most).drop("race"), law.filter(pl.col("race") != most).drop("race"))
    yield "law school, majority to others", *parts, "pass_bar"


def _by(frame: pl.DataFrame, column: str, here: str, there: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    values = frame[column].str.strip_chars()
    first, second = (frame.filter(values == value).drop(column) for value in (here, there))
    return first, second


def _good(frame: pl.DataFrame) -> pl.DataFrame:
    quality = next(name for name in frame.columns if "quality" in name)
    return frame.with_columns((pl.col(quality) >= 6).cast(pl.String).alias("good")).drop(quality)


if __name__ == "__main__":
    main()
