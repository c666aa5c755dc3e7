"""The verb `inflation`: models that have read a benchmark, told from right and wrong answers alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from holdfast.audit.load import InputError
from holdfast.contamination.inflation import inflation
from holdfast.faults.worlds import leakage as worlds


def _answers(world) -> pl.DataFrame:
    """Public and held-out answers of one model, with rewordings of the public ones."""
    found = world.evidence
    public, held, reworded = (np.asarray(found[name]) for name in ("ref_correct", "cur_correct", "correct_runs"))
    return pl.DataFrame(
        {
            "item": np.arange(len(public) + len(held)), "correct": np.concatenate([public, held]).astype(int),
            "holdout": np.repeat([0, 1], [len(public), len(held)]),
            "reworded": np.concatenate([reworded[0], held]).astype(int),
        }
    )  # fmt: skip


def _pvalues(found) -> dict[tuple[str, str], float]:
    return {(row["test"], row["model"]): row["adjusted"] for row in found["tests"]}


def test_a_model_that_read_the_public_items_is_found_and_one_that_read_all_is_not() -> None:
    read, all_read = (_answers(world(0)) for world in (worlds.leaked_benchmark, worlds.leaked_holdout))
    both = pl.concat([read.with_columns(model=pl.lit("read")), all_read.with_columns(model=pl.lit("all"))])
    pvalues = _pvalues(inflation(both))
    for test in ("public against holdout", "asked in other words"):
        assert pvalues[test, "read"] < 0.01 < pvalues[test, "all"], pvalues


def test_success_that_falls_at_a_date_is_found(tmp_path: Path) -> None:
    for world, low, high in ((worlds.leaked_before_a_date, 0.0, 0.01), (worlds.leaked_at_all_dates, 0.01, 1.0)):
        evidence = world(0).evidence
        days = np.asarray(evidence["release_date"])
        span = (days - days.min()) / (days.max() - days.min())
        dates = np.datetime64("2020-01-01") + (1000 * span).astype(int)
        frame = pl.DataFrame({"correct": np.asarray(evidence["correct"]).astype(int), "date": dates.astype(str)})
        frame.write_csv(tmp_path / "answers.csv")
        found = inflation(tmp_path / "answers.csv", cutoff=str(dates[np.argsort(span)[len(span) // 2]]))
        assert low <= found["tests"][0]["pvalue"] <= high, found["tests"]


def test_models_that_find_items_likelier_lose_more() -> None:
    evidence = worlds.models_that_leaked_more(0).evidence
    names = ("ref_correct_runs", "cur_correct_runs", "benchmark_log_likelihood")
    runs = zip(*(evidence[name] for name in names), strict=True)
    parts = [
        pl.DataFrame({
            "model": f"m{model}", "correct": np.concatenate([public, held]).astype(int),
            "holdout": np.repeat([0, 1], [len(public), len(held)]), "log_likelihood": float(likely),
        })
        for model, (public, held, likely) in enumerate(runs)
    ]  # fmt: skip
    pvalues = _pvalues(inflation(pl.concat(parts)))
    assert pvalues["likelier, and more lost on the holdout", ""] < 0.01, pvalues


@pytest.mark.parametrize("kind", ["same", "other"])
def test_a_holdout_of_another_kind_is_said_to_be_one(kind: str) -> None:
    rng = np.random.default_rng(0)
    same = "sum of two numbers a train leaves at noon how many apples are left after lunch today"
    other = "which treaty ended the war and who signed it in the old town hall of the city"
    pools = (same.split(), (same if kind == "same" else other).split())
    texts = [" ".join(rng.choice(pool, 12)) for pool in pools for _ in range(60)]
    frame = pl.DataFrame({"correct": rng.integers(0, 2, 120), "holdout": np.repeat([0, 1], 60), "text": texts})
    found = inflation(frame)
    assert (found["holdout"]["pvalue"] < 0.05) == (kind == "other"), found["holdout"]
    assert any("of another kind" in note for note in found["notes"]) == (kind == "other")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"score": [1, 0]}, "no column `correct`"),
        ({"correct": [1, 0]}, "nothing can be tested: beside `correct`, give `holdout`"),
        ({"correct": [1, 2], "reworded": [0, 1]}, "column `correct`, row 2: 2; expected 0 or 1"),
        ({"correct": [1, 0], "date": ["2020-01-01", "soon"]}, "'soon' is no date; expected one like 2023-10-31"),
        ({"correct": [1, 0], "date": [1.0, 1.0]}, "no item on one side of the cutoff"),
    ],
)
def test_wrong_tables_are_one_clear_message(columns: dict[str, list], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        inflation(columns)


def test_on_the_command_line(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from holdfast.cli.corpus import app

    _answers(worlds.leaked_benchmark(0)).write_csv(tmp_path / "answers.csv")
    done = CliRunner().invoke(app, ["inflation", str(tmp_path / "answers.csv"), "--out", str(tmp_path / "found.json")])
    assert done.exit_code == 0 and "The score is inflated" in done.output and (tmp_path / "found.json").exists()
    done = CliRunner().invoke(app, ["inflation", str(tmp_path / "answer.csv")])
    assert done.exit_code == 2 and "Did you mean" in done.output, done.output
