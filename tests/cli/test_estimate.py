"""`holdfast estimate` on real files: the page, the summary, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import read_table
from holdfast.cli.app import app
from holdfast.datasets import heart_disease


def call(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["estimate", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_page_json_and_summary(tmp_path: Path) -> None:
    train, test = heart_disease()
    code, said, wrong = call(
        train, test, "-t", "disease", "--by", "hospital", "--chunk", "200", "--draws", "1", "-o", tmp_path
    )
    assert code == 0, wrong
    assert "Without labels, accuracy on the production rows" in said and "100 labelled production rows" in said
    record = json.loads((tmp_path / "estimate.json").read_text())
    assert [chunk["rows"] for chunk in record["result"]["chunks"]] == [200, 200, 217]
    assert len(record["result"]["groups"]) == 3
    assert [trial["shift"] for trial in record["result"]["planted"]] == [
        "no shift", "towards the production rows", "a column tilted", "one end of a column cut off",
        "one group more frequent", "other shares of the target", "rows of another difficulty",
        "one region of the features",
    ]  # fmt: skip
    assert "<title>Holdfast estimate</title>" in (tmp_path / "estimate.html").read_text()


def test_probabilities_are_read_from_both_files(tmp_path: Path) -> None:
    train, test = (read_table(path, "x").frame for path in heart_disease())
    paths = []
    for name, table in (("train", train), ("production", test)):
        paths.append(tmp_path / f"{name}.csv")
        mine = table.select("disease", "age").with_row_index("sure")
        mine.with_columns((0.2 + 0.6 * (mine["sure"] % 7) / 6).alias("sure")).write_csv(paths[-1])
    code, _, wrong = call(*paths, "-t", "disease", "--proba", "sure", "--quick", "-o", tmp_path / "out")
    assert code == 0, wrong
    assert json.loads((tmp_path / "out" / "estimate.json").read_text())["model"]["name"] == "predictions as given"
    code, _, wrong = call(*paths, "-t", "disease", "--proba", "unsure", "--quick", "-o", tmp_path / "none")
    assert code == 2 and "proba: production has no column 'unsure'" in wrong


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--chunk", "0"], "chunk is 0"),
        (["--time", "sex"], "cannot be read as times"),
        (["-t", "diseas"], "Did you mean"),
    ],
)
def test_wrong_options_exit_with_2_and_leave_nothing(tmp_path: Path, options: list[str], match: str) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, source in zip(paths, heart_disease(), strict=True):
        table = read_table(source, "x").frame
        table.with_columns(sex=pl.Series(["early", "late"] * (table.height // 2 + 1))[: table.height]).write_csv(path)
    code, _, wrong = call(*paths, "-t", "disease", "-o", tmp_path / "out", "--quick", *options)
    assert code == 2 and match in wrong and "Traceback" not in wrong, wrong
    assert not (tmp_path / "out").exists()
