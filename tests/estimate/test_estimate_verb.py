"""`holdfast.estimate`: planting picks the estimator, intervals hold, chunks and groups are where they belong."""

from __future__ import annotations

import datetime
import json

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.estimators import Evidence
from holdfast.audit.load import InputError, Task
from holdfast.core import Estimate
from holdfast.datasets import heart_disease
from holdfast.estimate.chunks import make_chunks
from holdfast.estimate.planting import Trial, choose, plant_shifts, stretched, widening
from holdfast.estimate.shifts import Half, shifts_for
from holdfast.faults._tables import CannotPlant, Tables
from holdfast.ops.metrics import METRICS
from holdfast.report.sheet import render_sheet, validate_sheet


def noisy_region(seed: int, n: int = 1600) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Labels are a coin where `sensor` reads high; production holds mostly such rows, at the end more than at first."""
    rng = np.random.default_rng(seed)
    sensor, other = rng.normal(size=n), rng.normal(size=n)
    truth = np.where(sensor > 0.5, rng.random(n) < 0.5, other > 0)
    frame = pl.DataFrame({"sensor": sensor, "other": other, "site": np.where(sensor > 0.5, "north", "south"),
                          "y": np.where(truth, "yes", "no")})  # fmt: skip
    first = np.arange(n) < n // 2
    later = frame.filter(pl.Series(~first)).sort("sensor")
    return frame.filter(pl.Series(first)), later.drop("y"), (later["y"] == "yes").to_numpy()


@pytest.fixture(scope="module")
def found() -> holdfast.estimate:  # type: ignore[valid-type]
    train, production, _ = noisy_region(0)
    dates = [datetime.date(2024, 1, 1) + datetime.timedelta(days=i // 5) for i in range(production.height)]
    return holdfast.estimate(
        train,
        production.with_columns(day=pl.Series(dates)),
        target="y",
        time="day",
        chunk="1mo",
        by=["site", "other"],
        draws=2,
    )


def test_chunks_follow_the_fall_and_are_named_by_their_month(found) -> None:
    chunks = found.to_dict()["result"]["chunks"]
    assert [chunk["label"] for chunk in chunks][:3] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert sum(chunk["rows"] for chunk in chunks) == 800
    values = [chunk["estimate"]["value"] for chunk in chunks]
    assert values[0] > 0.85 > 0.7 > values[-1], f"rows of the noisy region come last: {np.round(values, 2)}"
    assert chunks[-1]["worse"] and not chunks[0]["worse"]


def test_groups_tell_the_noisy_site(found) -> None:
    groups = {group["label"]: group for group in found.to_dict()["result"]["groups"]}
    assert groups["site north"]["estimate"]["value"] < 0.7 < 0.85 < groups["site south"]["estimate"]["value"]
    assert groups["site north"]["worse"] and not groups["site south"]["worse"]
    assert sum(group["rows"] for group in groups.values() if group["column"] == "other") == 800


def test_the_record_is_plain_versioned_and_draws_a_page(found) -> None:
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert validate_sheet(record)["schema"] == "holdfast/estimate/1"
    page = render_sheet(record)
    assert page == render_sheet(found.to_dict()), "the page is a function of the record"
    assert "http://" not in page.split("<main")[0] and found.verdict.split(";")[0][:40] in page
    assert "100 labelled production rows" in page and "no trace in the features" in page


def test_the_same_seed_gives_the_same_numbers() -> None:
    train, production, _ = noisy_region(1, 400)
    pair = [holdfast.estimate(train, production, target="y", draws=1).to_dict()["result"] for _ in range(2)]
    assert pair[0] == pair[1]


def test_labels_of_production_are_never_looked_at() -> None:
    train, production, _ = noisy_region(1, 400)
    lied = production.with_columns(y=pl.lit("yes"))
    pair = [holdfast.estimate(train, table, target="y", quick=True).estimate for table in (production, lied)]
    assert pair[0] == pair[1]


def test_intervals_hold_the_truth_under_a_shift() -> None:
    """The slow evidence is benchmarks/records/estimate.json."""
    held = []
    for seed in range(8):
        train, production, truth = noisy_region(seed, 800)
        X = production.select("sensor", "other").to_numpy()
        made = holdfast.estimate(train, production, target="y", quick=True, seed=seed)
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
        )
        model.fit(train.select("sensor", "other").to_numpy(), train["y"].to_numpy() == "yes")
        accuracy = (model.predict(X) == truth).mean()
        held.append(made.estimate.low - 0.02 <= accuracy <= made.estimate.high + 0.02)
    assert sum(held) >= 6, f"{sum(held)} of 8 intervals hold the accuracy of a model like the probe"


def trial(truth: float, **said: float) -> Trial:
    return Trial(
        "any", 0.9, truth, {name: Estimate(value, value - 0.02, value + 0.02, 50) for name, value in said.items()}
    )


def test_the_default_is_left_only_for_a_sure_lead() -> None:
    rng = np.random.default_rng(0)
    level = [trial(0.8, default=0.8 + rng.normal(0, 0.05), other=0.8 + rng.normal(0, 0.05)) for _ in range(30)]
    assert choose(level, "default")[0] == "default"
    better = [trial(0.8, default=0.8 + rng.normal(0, 0.05), other=0.8 + rng.normal(0, 0.005)) for _ in range(30)]
    name, why = choose(better, "default")
    assert name == "other" and "surely erred less" in why
    assert choose([], "default")[0] == "default"


def test_intervals_are_stretched_as_far_as_planted_shifts_need() -> None:
    off = [trial(0.8, one=0.8 + shift) for shift in np.linspace(-0.06, 0.06, 41)]
    factor = widening(off, "one")
    assert factor == pytest.approx(2.7, abs=0.16), "nine in ten are within 0.054, the interval reaches 0.02"
    wide = stretched(Estimate(0.98, 0.96, 1.0, 50), factor, METRICS["accuracy"])
    assert wide.high == 1.0 and wide.low == pytest.approx(0.98 - 0.02 * factor)
    assert widening([], "one") == 1.0
    assert widening([trial(0.8, one=0.8)] * 20, "one") == 1.0, "never narrower than the estimator says"


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_planted_shifts_move_the_metric_and_no_shift_does_not(task: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 2))
    if task == "binary":
        chance = 1 / (1 + np.exp(-2 * X[:, 0]))
        y, predicted, metric = (rng.random(800) < chance).astype(int), np.column_stack([1 - chance, chance]), "accuracy"
    else:
        predicted, metric = X[:, 0], "mae"
        y = predicted + rng.normal(size=800) * np.exp(0.6 * X[:, 1])
    trials = plant_shifts(Evidence(X, predicted, y, X[:100] + 1, predicted[:100]), METRICS[metric], Task(task), 0, 4)
    moved = {
        kind: np.mean([abs(t.truth - t.before) for t in trials if t.shift == kind])
        for kind in dict.fromkeys(t.shift for t in trials)
    }
    assert len(trials) > 28 and len(moved) == 8, "four of each kind; a fault may find no place in a draw or two"
    assert max(moved.values()) > 2 * moved["no shift"], moved


def test_faults_are_planted_in_the_cells_as_they_were_read() -> None:
    """A group of a text column grows; what stays is known by its rows alone."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), rng.integers(2, size=300)
    frame = pl.DataFrame({"site": np.where(np.arange(300) % 3 == 0, "north", "south"), "y": y})
    cells = Tables(frame, None, "y", "binary", {"site": "category"})
    half = Half(X, np.full((300, 2), 0.5), y, np.zeros(300), cells).split(np.arange(150), np.arange(150, 300))
    before = (half.tables.test["site"] == "north").mean()
    stay = shifts_for(Task("binary"))["one group more frequent"](half, rng)
    after = (half.tables.test["site"][stay] == "north").mean()
    assert abs(after - before) > 0.08, (before, after)
    with pytest.raises(CannotPlant):
        shifts_for(Task("binary"))["a column tilted"](half, rng)
    trials = plant_shifts(Evidence(X, half.predicted[[0] * 300], y, X, half.predicted[[0] * 300]),
                          METRICS["accuracy"], Task("binary"), 0, 1, cells)  # fmt: skip
    assert "a column tilted" not in {trial.shift for trial in trials}, "a fault without a place is left out"


def test_a_search_names_the_slice_that_is_worse_and_what_training_rows_say_of_it(found) -> None:
    result = found.to_dict()["result"]
    slices = result["slices"]
    assert slices and result["searched"] >= len(slices)
    worst = slices[0]
    assert worst["label"].startswith(("site = north", "sensor >= 0.")), worst["label"]
    assert worst["rows"] == pytest.approx(245, abs=25), "the rows of the rule, in the production file"
    assert worst["estimate"]["high"] < result["training"]["low"] and worst["training"]["value"] < 0.7
    assert worst["training_share"] == pytest.approx(0.3, abs=0.04)
    assert "slices" in [section["id"] for section in found.to_dict()["sections"]]


def test_a_slice_of_which_the_model_does_not_know_that_it_is_weak_is_named() -> None:
    """Its labels are coins: no confidence says so, only the labels of training rows of the same slice."""
    rng = np.random.default_rng(1)
    X, side = rng.random((4000, 4)), rng.integers(2, size=4000)
    weak = (X[:, 0] < 1 / 3) & (X[:, 1] < 1 / 3)
    y = np.where(rng.random(4000) < np.where(weak, 0.5, 0.2), 1 - side, side)
    frame = pl.DataFrame({**{f"c{column}": X[:, column] for column in range(4)}, "side": side, "y": y})
    made = holdfast.estimate(frame[:2000], frame[2000:].drop("y"), target="y", draws=1).to_dict()["result"]
    labels = [one["label"] for one in made["slices"]]
    assert any("c0 <" in label and "c1 <" in label for label in labels), labels


def test_no_slice_is_named_where_all_rows_are_alike() -> None:
    """The rate over many draws is in benchmarks/records/estimate.json."""
    rng = np.random.default_rng(3)
    side = rng.integers(2, size=1000)
    y = np.where(rng.random(1000) < 0.2, 1 - side, side)
    frame = pl.DataFrame({"side": side, "a": rng.normal(size=1000), "b": rng.normal(size=1000), "y": y})
    made = holdfast.estimate(frame[:500], frame[500:].drop("y"), target="y", draws=1).to_dict()["result"]
    assert not made["slices"], made["slices"]


def test_regression_and_other_metrics() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    frame = pl.DataFrame(
        {"x": x, "z": rng.normal(size=1000), "target": 3 * x + rng.normal(size=1000) * np.exp(0.7 * x)}
    )
    train, production = frame[:600], frame[600:].filter(pl.col("x") > 0.5).drop("target")
    made = holdfast.estimate(train, production, target="target", quick=True)
    result = made.to_dict()["result"]
    assert result["metric"]["name"] == "mae" and made.estimate.value > 1.2 * result["training"]["value"], made.verdict
    assert "rise is foreseen" in made.verdict and made.to_dict()["tone"] == "bad"
    for metric in ("auroc", "log_loss"):
        one = holdfast.estimate(*heart_disease(), target="disease", metric=metric, quick=True)
        assert one.to_dict()["result"]["metric"]["name"] == metric


def test_probabilities_of_a_model_are_taken_as_they_are() -> None:
    train, production, _ = noisy_region(2, 600)
    rng = np.random.default_rng(0)
    sides = []
    for table in (train, production):
        sure = 1 / (1 + np.exp(-3 * table["other"].to_numpy()))
        sides.append(np.clip(sure + rng.normal(0, 0.01, len(sure)), 0.001, 0.999))
    made = holdfast.estimate(train, production, target="y", train_proba=sides[0], proba=sides[1], quick=True)
    record = made.to_dict()
    assert record["model"]["name"] == "predictions as given"
    direct = ((sides[0] > 0.5) == (train["y"] == "yes").to_numpy()).mean()
    assert record["result"]["training"]["value"] == pytest.approx(direct)


def test_chunks_by_rows_periods_and_order() -> None:
    days = [datetime.datetime(2024, 3, 1) + datetime.timedelta(hours=7 * i) for i in range(100)]
    frame = pl.DataFrame({"t": days[::-1], "n": list(range(100))})
    by_time = make_chunks(frame, "t", 30)
    assert [len(chunk.rows) for chunk in by_time] == [30, 30, 40], "a short rest joins the last chunk"
    assert by_time[0].rows[0] == 99, "rows are put in the order of time"
    by_week = make_chunks(frame, "t", "1w")
    assert by_week[0].label == "2024-02-26" and sum(len(chunk.rows) for chunk in by_week) == 100
    assert [len(chunk.rows) for chunk in make_chunks(frame, None, 50)] == [50, 50]
    assert len(make_chunks(frame, "t", None)) <= 24
    assert sum(len(chunk.rows) for chunk in make_chunks(frame, "n", None)) == 100


@pytest.mark.parametrize(
    ("change", "settings", "match"),
    [
        ({}, {"chunk": 0}, "chunk is 0; expected at least 20 rows"),
        ({}, {"chunk": "week"}, "expected a number of rows or a period"),
        ({}, {"chunk": "1w"}, "name the column of times"),
        ({}, {"time": "site"}, "cannot be read as times: it holds text such as"),
        ({}, {"time": "when"}, "production has no column 'when'"),
        ({}, {"time": "other", "chunk": "1w"}, "needs dates, but column 'other' holds numbers"),
        ({"production": lambda table: table.drop("sensor")}, {}, "production lacks 1 of the columns .* 'sensor'"),
        ({"production": lambda table: table[:1]}, {}, "production has 1 rows; expected at least 20"),
        ({"production": lambda table: table[:0]}, {}, "."),
        ({"train": lambda table: table.with_columns(y=pl.lit(None, pl.String))}, {}, "no label"),
        ({"train": lambda table: table[:30]}, {}, "train has 30 labelled rows; expected at least 50"),
        ({"train": lambda table: table.rename({"y": "answer"})}, {"target": None}, "no target is given"),
        ({}, {"metric": "r2"}, "cannot be estimated without labels for a binary target"),
        ({}, {"by": ["nowhere"]}, "by: production has no column 'nowhere'"),
        ({}, {"proba": np.full(200, 0.5)}, "proba and train_proba belong together"),
        ({}, {"draws": 0}, "draws is 0"),
    ],
)
def test_bad_input_is_one_clear_message(change, settings, match) -> None:
    train, production, _ = noisy_region(0, 400)
    train, production = (
        change.get(name, lambda table: table)(table) for name, table in (("train", train), ("production", production))
    )
    with pytest.raises(InputError, match=match):
        holdfast.estimate(train, production, **{"target": "y", **settings})


def test_hostile_names_and_cells_stay_text() -> None:
    train, production, _ = noisy_region(0, 400)
    evil = "</script><script>alert(1)</script>"
    named = pl.when(pl.col("site") == "north").then(pl.lit(evil)).otherwise(pl.col("site")).alias("site")
    rows = [table.with_columns(named) for table in (train, production)]
    made = holdfast.estimate(rows[0], rows[1], target="y", by=["site"], quick=True)
    page = render_sheet(made.to_dict())
    assert "<script>alert(1)" not in page and "alert(1)" in page
