"""`holdfast repair` and `holdfast verify` as a stranger uses them: files in, files out, exit codes, clear words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

import holdfast
from holdfast.cli.app import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "120", "NO_COLOR": "1"})


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv, test.csv whose first ten rows are copies, and the report of an audit."""
    folder = tmp_path_factory.mktemp("audited")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4)).round(5)
    columns = {f"c{place}": X[:, place] for place in range(4)}
    table = pl.DataFrame({**columns, "y": (X[:, 0] > 0).astype(int)})
    table[:200].write_csv(folder / "train.csv")
    pl.concat([table[:10], table[200:]]).write_csv(folder / "test.csv")
    report = holdfast.audit(folder / "train.csv", folder / "test.csv", target="y", only=["DUP002"], quick=True)
    report.save(folder / "report")
    return folder


def test_repair_writes_verify_judges_undo_restores(audited: Path, tmp_path: Path) -> None:
    out = tmp_path / "fixed"
    done = run("repair", audited / "report", "--out", out, "--repeats", 3)
    assert done.exit_code == 0 and "10 rows that do not belong there" in done.stdout, done.output
    assert pl.read_csv(out / "test.csv").height == 200 and not (out / "train.csv").exists()
    assert json.loads((out / "verification.json").read_text())["applied"] == ["DUP002.0"]
    back = run("repair", out, "--undo", "--out", tmp_path / "back")
    assert back.exit_code == 0, back.output
    assert (tmp_path / "back" / "test.csv").read_bytes() == (audited / "test.csv").read_bytes()
    verified = run("verify", out)
    assert verified.exit_code == 0 and "no remedy" in verified.stdout, verified.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "XYZ001"), "the report has no check 'XYZ001'"),
        (("--only", "DUP002.7"), "DUP002.7 has nothing to apply"),
        (("--repeats", "1"), "expected at least 3"),
        (("--train", "nowhere.csv"), "No file 'nowhere.csv'"),
    ],
)
def test_wrong_arguments_end_with_one_line_and_exit_code_2(
    audited: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run("repair", audited / "report", "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 2 and said in done.stderr, done.output
    assert "Traceback" not in done.output and not (tmp_path / "out").exists()


def test_wrong_files_end_with_exit_code_2(audited: Path, tmp_path: Path) -> None:
    for given in (audited / "train.csv", tmp_path, audited / "report" / "report.html"):
        done = run("repair", given, "--out", tmp_path / "out")
        assert done.exit_code == 2 and "report" in done.stderr, done.output
        assert run("verify", given).exit_code == 2
    done = run("repair", audited / "report", "--undo", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "verification.json" in done.stderr
