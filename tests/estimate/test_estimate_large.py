"""Production rows beyond memory: all are counted and scored, and who happened to be drawn matters less."""

from __future__ import annotations

import datetime
import json
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.large import shards
from holdfast.audit.load import InputError, load
from holdfast.audit.planting import fresh_facts
from holdfast.audit.settings import Settings
from holdfast.estimate import run, whole
from holdfast.estimate.slices import seek_slices


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels are nearly a coin where `sensor` is high; the site and the day say where and when that is."""
    place, rng, n = tmp_path_factory.mktemp("large"), np.random.default_rng(0), 12_000
    sensor, other = rng.normal(size=n), rng.normal(size=n)
    days = np.clip((60 * (sensor + 3) / 6).astype(int), 0, 59)
    frame = pl.DataFrame(
        {
            "sensor": sensor,
            "other": pl.Series(other).set(pl.Series(rng.random(n) < 0.05), None),
            "site": np.where(sensor > 0.5, "north", "south"),
            "y": np.where(np.where(sensor > 0.5, rng.random(n) < 0.5, other > 0), "yes", "no"),
            "dose": np.abs(other) * (1 + (sensor > 0.5)) * rng.normal(size=n),
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(day)) for day in days],
        }
    )
    frame[:2000].drop("day").write_parquet(place / "train.parquet")
    late = frame[2000:].with_columns(p=1 / (1 + (-3 * pl.col("other").fill_null(0)).exp()))
    late.write_parquet(place / "production.parquet")
    (place / "many").mkdir()
    for number, (start, stop) in enumerate(pairwise([0, 1, 2500, 7000, 10_000])):
        late[start:stop].write_parquet(place / "many" / f"{number}.parquet", row_group_size=800)
    return place


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS", 1700)
    monkeypatch.setattr(shards, "CELLS", 5000)


def asked(data: Path, production: str = "many", **settings: Any) -> dict[str, Any]:
    given = {"target": "y", "quick": True, "roles": {"day": "ignored", "dose": "ignored", "p": "ignored"}, **settings}
    train = pl.read_parquet(data / "train.parquet").with_columns(day=None, p=None)
    return holdfast.estimate(train, data / production, **given).to_dict()


def test_parts_have_all_their_rows_and_nearly_the_same_estimates(data: Path) -> None:
    parts = {"time": "day", "chunk": "1mo", "by": ["site"], "folds": 2}
    held = asked(data, "production.parquet", **parts)["result"]
    record = asked(data, hold_rows=1000, max_rows=1000, **parts)
    streamed = record["result"]
    for kind in ("chunks", "groups"):
        for own, other in zip(streamed[kind], held[kind], strict=True):
            assert [own[name] for name in ("label", "rows")] == [other[name] for name in ("label", "rows")]
            assert abs(own["estimate"]["value"] - other["estimate"]["value"]) < 0.15
    assert [own["start"] for own in streamed["chunks"]] == [own["start"] for own in held["chunks"]]
    assert sum(own["rows"] for own in streamed["chunks"]) == 10_000
    assert [one["rows"] for one in record["sets"]] == [2000, 10_000] and record["sets"][1]["held_rows"] == 1000
    assert any("10,000 production rows were passed over" in words for words in record["left_out"])


def test_cuts_do_not_change_a_digit(data: Path) -> None:
    roles = {"day": "ignored", "y": "ignored", "p": "ignored"}
    settings = {"hold_rows": 400, "max_rows": 400, "chunk": 6000, "folds": 2, "target": "dose", "roles": roles}
    first = asked(data, **settings)["result"]
    assert asked(data, "production.parquet", **settings)["result"] == first
    assert [own["label"] for own in first["chunks"]] == ["rows 0 to 5999", "rows 6000 to 9999"]


def with_probabilities(data: Path, production: str, **settings: Any) -> dict[str, Any]:
    train = pl.read_parquet(data / "train.parquet").with_columns(p=1 / (1 + (-3 * pl.col("other").fill_null(0)).exp()))
    given = {"target": "y", "quick": True, "roles": {"p": "proba", "dose": "ignored", "day": "ignored"}}
    given |= {"proba": ["p"], "train_proba": ["p"], **settings}
    return holdfast.estimate(train[:800], data / production, **given).to_dict()


def test_scoring_all_rows_takes_out_the_luck_of_the_draw(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions are given, so that draws of production rows are all that differs."""

    def drawn() -> list[dict[str, Any]]:
        return [with_probabilities(data, "many", hold_rows=800, max_rows=800, seed=seed)["result"] for seed in range(4)]

    scored = [one["estimate"]["value"] for one in drawn()]
    monkeypatch.setattr(run, "moved", lambda own, gap, metric: own)
    alone = [one["estimate"]["value"] for one in drawn()]
    assert np.std(scored) < 0.7 * np.std(alone)


def test_given_probabilities_of_a_large_table_are_named(data: Path) -> None:
    small = {"hold_rows": 500, "max_rows": 500}
    with pytest.raises(InputError, match="give the names of the columns"):
        with_probabilities(data, "many", proba=np.zeros(9), **small)
    with pytest.raises(InputError, match="production has no column 'q'"):
        with_probabilities(data, "many", proba="q", **small)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"time": "day", "chunk": 2000}, "too many to put in the order of 'day'"),
        ({"chunk": "1mo"}, "is a period; name the column of times"),
        ({"chunk": 20}, "this makes 500 chunks"),
        ({"by": ["nowhere"]}, "has no column 'nowhere'"),
        ({"engine": "spark"}, "engine is 'spark'; expected one of local, processes, ray"),
        ({"hold_rows": 0}, "hold_rows is 0; expected at least 1"),
    ],
)
def test_what_cannot_be_asked(settings: dict[str, Any], said: str, data: Path) -> None:
    with pytest.raises(InputError, match=said):
        asked(data, **{"hold_rows": 500, "max_rows": 500, **settings})


def test_the_words_of_predictions_are_their_expected_metric() -> None:
    probs = np.array([[0.7, 0.3], [0.5, 0.5]])
    assert whole.expected("accuracy", probs, None).tolist() == [0.7, 0.5]
    assert whole.expected("brier", probs, None) == pytest.approx([0.7 * 0.09 + 0.3 * 0.49, 0.25])
    assert whole.expected("log_loss", probs, None) == pytest.approx([0.6108643, 0.6931472])
    assert whole.expected("auroc", probs, None).tolist() == [0, 0]


def test_slices_are_searched_in_rows_held_and_counted_in_all(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every slice that was judged is told of, sure or not; nothing is planted, which would only stretch intervals."""
    monkeypatch.setattr(run, "plant_shifts", lambda *_, **__: [])
    monkeypatch.setattr(run.Found, "worse", lambda _, part: part is not None)
    record = asked(data, quick=False, folds=2, hold_rows=2500, max_rows=2500)
    late, named = pl.read_parquet(data / "production.parquet"), record["result"]["slices"]
    assert record["result"]["searched"] == len(named) >= 2
    for one in named:
        inside = late.filter(_of_rule(one["label"]))
        assert one["rows"] == pytest.approx(inside.height, abs=2), "ends of slices are rounded in words"
        assert one["production_share"] == one["rows"] / 10_000
    north = next(one["estimate"] for one in named if one["label"] == "site = north")
    assert north["value"] < record["result"]["estimate"]["value"] - 0.1
    assert any("slices are counted in all" in words for words in record["left_out"])


def test_slices_of_given_probabilities_are_counted_in_all_rows(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probabilities stand in the files; those of the north are too sure of themselves, as the labels there show."""
    from typer.testing import CliRunner

    from holdfast.cli.app import app

    monkeypatch.setattr(run, "plant_shifts", lambda *_, **__: [])
    monkeypatch.setattr(run.Found, "worse", lambda _, part: part is not None)
    train = pl.read_parquet(data / "train.parquet")
    train.with_columns(p=1 / (1 + (-3 * pl.col("other").fill_null(0)).exp())).write_parquet(data / "with_p.parquet")
    few = ["--hold-rows", "2500", "--max-rows", "2500", "--role", "dose=ignored", "--role", "day=ignored"]
    words = ["estimate", str(data / "with_p.parquet"), str(data / "many"), "-t", "y", "--proba", "p", *few]
    words += ["-o", str(data / "page")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    record = json.loads((data / "page" / "estimate.json").read_text())
    assert record["model"]["name"] == "predictions as given" and record["sets"][1]["held_rows"] == 2500
    late, named = pl.read_parquet(data / "production.parquet"), record["result"]["slices"]
    assert record["result"]["searched"] == len(named) >= 1 and any(
        "slices are counted in all" in words for words in record["left_out"]
    )
    for one in named:
        inside = late.filter(_of_rule(one["label"]))
        assert one["rows"] == pytest.approx(inside.height, abs=2), "ends of slices are rounded in words"
        assert one["production_share"] == one["rows"] / 10_000


KILLED = """
import json, os, signal, sys
import polars as pl
import holdfast
from holdfast.audit.large import shards
from holdfast.engine import stage
shards.ROWS, shards.CELLS = 1700, 5000
write, left, done = stage.write_arrays, [int(sys.argv[1])], []
def one(path, arrays):
    if path.parent.name.startswith("scoring"):
        left[0] -= 1
        left[0] or os.kill(os.getpid(), signal.SIGKILL)
        done.append(path.name)
    write(path, arrays)
stage.write_arrays = one
train = pl.read_parquet(sys.argv[2]).with_columns(day=None, p=None)
roles = {"day": "ignored", "dose": "ignored", "p": "ignored"}
found = holdfast.estimate(train, sys.argv[3], target="y", quick=True, roles=roles, hold_rows=1000, max_rows=1000,
                          by=["site"], work=sys.argv[4]).to_dict()
print(json.dumps([len(done), found["result"]]))
"""


def test_scoring_that_was_killed_goes_on_in_another_process(data: Path, tmp_path: Path) -> None:
    def estimated(after: int, work: str) -> subprocess.CompletedProcess[str]:
        words = [str(after), str(data / "train.parquet"), str(data / "many"), str(tmp_path / work)]
        return subprocess.run([sys.executable, "-c", KILLED, *words], capture_output=True, text=True, check=False)

    pieces, whole = json.loads(estimated(-1, "whole").stdout.splitlines()[-1])
    assert pieces >= 8
    assert estimated(4, "stopped").returncode == -signal.SIGKILL
    left, result = json.loads(estimated(-1, "stopped").stdout.splitlines()[-1])
    assert left == pieces - 3, "shards that were scored were scored again"
    assert result == whole


def _of_rule(rule: str) -> pl.Expr:
    """A rule in words as a condition: `sensor >= 0.5`, `0 <= other < 1`, `site = north`."""
    whole = pl.lit(True)
    for part in rule.split(" and "):
        words = part.split(" ")
        if words[1] == "=":
            whole &= pl.col(words[0]) == words[2]
            continue
        low, name, high = (words[0], words[2], words[4]) if len(words) == 5 else ("-inf", words[0], "inf")
        if len(words) == 3:
            low, high = (words[2], "inf") if words[1] == ">=" else ("-inf", words[2])
        lowest = name == "other" and low == "-inf"  # a missing number lies below all others
        value = pl.col(name).fill_null(float("-inf"))
        whole &= (
            (pl.lit(lowest) | pl.col(name).is_not_null())
            & (value >= float(low))
            & ((value < float(high)) | (float(high) == float("inf")))
        )
    return whole


def test_masks_tell_the_same_rows_as_the_search(data: Path) -> None:
    train = pl.read_parquet(data / "train.parquet").drop("dose")
    late = pl.read_parquet(data / "production.parquet").select(train.columns)[:3000]
    facts = fresh_facts(load(train, late, target="y"), Settings(folds=2))
    sought = seek_slices(facts)
    assert sought.slices and sought.rules is not None
    masks = sought.rules.masks(facts["loaded"].test.frame)
    for place, own in enumerate(sought.slices):
        np.testing.assert_array_equal(np.flatnonzero(masks >> place & 1), own.rows)
