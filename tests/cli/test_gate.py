"""`--fail-on`, `--junit` and `--sarif` as a build uses them: exit codes, files, and refusals before any work."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from holdfast.cli.app import app


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """A file in which a third of the rows stand twice."""
    lines = [f"{i % 97},{(i * 7) % 89},{'yes' if i % 97 > 48 else 'no'}" for i in range(150)]
    path = tmp_path / "train.csv"
    path.write_text("\n".join(["a,b,label", *lines, *lines[:50]]))
    return path


def audit(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["audit", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_a_named_check_that_finds_its_fault_exits_with_4_and_writes_the_files(copies: Path, tmp_path: Path) -> None:
    out, xml, log = tmp_path / "out", tmp_path / "new" / "audit.xml", tmp_path / "audit.sarif"
    files = ("--junit", xml, "--sarif", log)
    code, _, said = audit(
        copies, "-t", "label", "-o", out, "--quick", "--only", "DUP001", "--fail-on", "DUP001", *files
    )
    assert code == 4, said
    assert "closed by a check (exit code 4)" in said and "DUP001: " in said
    assert (out / "report.html").exists(), "a closed gate still leaves the report"
    assert ElementTree.parse(xml).getroot().get("failures") == "1"
    [result] = json.loads(log.read_text())["runs"][0]["results"]
    assert result["ruleId"] == "DUP001" and result["level"] == "error"
    first = result["locations"][0]["physicalLocation"]
    assert first["region"]["startLine"] == 152, "the first copy is row 150, in line 152"


def test_an_open_gate_exits_with_0(copies: Path, tmp_path: Path) -> None:
    code, _, said = audit(copies, "-t", "label", "-o", tmp_path, "--quick", "--only", "SCH003", "--fail-on", "SCH003")
    assert code == 0 and "Gate: open" in said, said


def test_a_price_is_judged_by_its_interval(tmp_path: Path) -> None:
    from holdfast.datasets import heart_disease

    train, test = heart_disease()
    given = (train, test, "-t", "disease", "-o", tmp_path, "--only", "PER001", "--repeats", "3")
    code, _, said = audit(*given, "--fail-on", "0")
    low = json.loads((tmp_path / "report.json").read_text())["findings"][0]["price"]["gain"]["low"]
    assert low > 0, "labelling new rows is known to pay on these data"
    assert code == 3 and "closed by a price" in said
    code, _, said = audit(*given, "--fail-on", str(low + 1e-9))
    assert code == 0, said


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--fail-on", "DUP1"], "expected a price such as 0.01 or the code of a check"),
        (["--fail-on", "-0.1"], "from 0 upwards"),
        (["--fail-on", "0.1", "--quick"], "--quick leaves out"),
        (["--fail-on", "DUP001", "--ignore", "DUP001=twins"], "--ignore leaves it out"),
        (["--junit", "."], "--junit .: this is a folder"),
        (["--sarif", "{file}/a.sarif"], "is a file; give a folder"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(copies: Path, tmp_path: Path, options, match) -> None:
    out = tmp_path / "out"
    options = [option.replace("{file}", str(copies)) for option in options]
    code, _, said = audit(copies, "-t", "label", "-o", out, *options)
    assert code == 2 and match in said, said
    assert not out.exists() and "Traceback" not in said
