"""`holdfast explain` on real files: the page, the summary, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from holdfast.audit.load import read_table
from holdfast.cli.app import app
from holdfast.datasets import heart_disease


def call(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["explain", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_page_json_and_summary(tmp_path: Path) -> None:
    groups = ("--column-group", "heart=thalach,oldpeak")
    code, said, wrong = call(*heart_disease(), "-t", "disease", *groups, "-o", tmp_path)
    assert code == 0, wrong
    assert "The error rate rises: +6.3 points" in " ".join(said.split()), said
    record = json.loads((tmp_path / "explain.json").read_text())
    assert len(record["result"]["split"]) == 3 and len(record["result"]["mechanisms"]) == 4
    assert "<title>Holdfast explain</title>" in (tmp_path / "explain.html").read_text()


def test_a_test_set_without_labels_is_sent_to_estimate(tmp_path: Path) -> None:
    train, test = heart_disease()
    bare = tmp_path / "bare.csv"
    read_table(test, "test").frame.drop("disease").write_csv(bare)
    code, _, wrong = call(train, bare, "-t", "disease", "-o", tmp_path / "out")
    assert code == 2 and "ask holdfast estimate" in wrong and "Traceback" not in wrong
    code, _, wrong = call(train, test, "-t", "disease", "--column-group", "heart", "-o", tmp_path / "out")
    assert code == 2 and "expected NAME=COLUMN,COLUMN" in wrong
    assert not (tmp_path / "out").exists()
