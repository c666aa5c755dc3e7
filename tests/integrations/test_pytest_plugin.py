"""The pytest plugin in a real pytest: a test of data passes, fails with the reason, and costs nothing when unused."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from holdfast.integrations.pytest_plugin import HoldfastAssertions

HEAD = "from holdfast.datasets import heart_disease\n"


def in_pytest(folder: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_data.py").write_text(HEAD + code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    return subprocess.run(
        [*command, "test_data.py"], capture_output=True, text=True, cwd=folder, timeout=300, check=False
    )


def test_the_fixture_is_there_wherever_holdfast_is_installed(tmp_path: Path) -> None:
    [entry] = entry_points(group="pytest11", name="holdfast")
    assert entry.value == "holdfast.integrations.pytest_plugin"
    done = in_pytest(
        tmp_path,
        "def test_falls(holdfast):\n    holdfast.assert_holds(*heart_disease(), target='disease', report='out')\n"
        "def test_other(holdfast):\n"
        "    report = holdfast.assert_holds(*heart_disease(), target='disease', fail_on='DUP002')\n"
        "    assert report['DUP002'].outcome != 'found'\n",
        "-W", "error",
    )  # fmt: skip
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "AssertionError: the data do not hold:" in done.stdout and "PER001: Accuracy falls" in done.stdout
    assert (tmp_path / "out" / "report.html").exists(), "the report is kept although the test fails"


def test_installed_but_unused_it_loads_nothing(tmp_path: Path) -> None:
    heavy = ("numpy", "sklearn", "polars", "scipy", "rich", "typer", "jinja2")
    code = f"import sys\ndef test_light():\n    assert not [name for name in {heavy!r} if name in sys.modules]\n"
    (tmp_path / "test_data.py").write_text(code)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "test_data.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


def test_what_is_judged_and_how() -> None:
    from holdfast.audit.load import read_table
    from holdfast.datasets import heart_disease

    train, test = heart_disease()
    data = HoldfastAssertions()
    halves = read_table(train, "train").frame.sample(fraction=1.0, shuffle=True, seed=0)
    held = data.assert_holds(halves[:150], halves[150:], target="disease")
    assert {finding.code for finding in held.findings} == {"PER001", "PER002"}, "without a price only these are run"
    unlabelled = read_table(test, "test").frame.drop("disease")
    assert data.assert_holds(train, unlabelled, target="disease")["PER001"].outcome == "not_applicable"
    learnt, met = _noisy_region()
    with pytest.raises(AssertionError, match="PER002: Without looking at test labels, accuracy is estimated"):
        data.assert_holds(learnt, met, target="y")
    with pytest.raises(AssertionError, match="could not be judged"):
        data.assert_holds(train, unlabelled)
    with pytest.raises(ValueError, match="fail_on 'NO'"):
        data.assert_holds(train, test, target="disease", fail_on="NO")
    with pytest.raises(ValueError, match="needs prices, which quick"):
        data.assert_holds(train, test, target="disease", fail_on=0.01, quick=True)


def _noisy_region() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Labels are noise where the sensor reads high; most rows met later come from there."""
    rng = np.random.default_rng(0)
    sensor, other = rng.normal(size=2000), rng.normal(size=2000)
    clean = np.where(sensor > 0.8, rng.random(2000) < 0.5, other > 0)
    frame = pl.DataFrame({"sensor": sensor, "other": other, "y": np.where(clean, "yes", "no")})
    first = np.arange(2000) < 1400
    return frame.filter(pl.Series(first)), frame.filter(pl.Series(~first & (sensor > 0.8))).drop("y")
