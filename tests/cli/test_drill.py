"""`holdfast drill` as a stranger uses it: killed and resumed, interrupted, given the wrong file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .command import holdfast

HOLDFAST = [sys.executable, "-c", "from holdfast.cli import main; main()"]
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "NO_COLOR": "1"}
ASKED = ("--check", "DRI001", "--check", "DUP001", "--fault", "ColumnShift", "--fault", "ExactDuplicates")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lines = ["a,b,c"] + [f"{(i * 37) % 101},{(i * i) % 89},{(i * 53) % 97}" for i in range(240)]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines))
    return path


def steady(out: Path) -> dict[str, Any]:
    record = json.loads((out / "drill.json").read_text())
    return {name: part for name, part in record.items() if name not in ("created", "timings")}


def started(data: Path, out: Path, lines: int) -> subprocess.Popen[str]:
    """A drill that has written so many lines of its journal."""
    command = [*HOLDFAST, "drill", str(data), *ASKED, "--out", str(out)]
    running = subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal, patience = out / "drill.journal", 600
    while patience and (not journal.exists() or journal.read_bytes().count(b"\n") < lines):
        assert running.poll() is None, f"ended early: {running.communicate()}"
        time.sleep(0.05)
        patience -= 1
    return running


def test_a_drill_that_was_killed_resumes_to_the_same_end(data: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = holdfast("drill", data, *ASKED, "--out", whole)
    assert done.returncode == 0, done.stderr
    assert "ColumnShift" in done.stdout
    assert "DUP001" in done.stdout
    lines = (whole / "drill.journal").read_bytes().count(b"\n")
    before = data.read_bytes()
    running = started(data, killed, lines // 2)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not (killed / "drill.json").exists(), "it was killed half way: nothing is half written"
    assert holdfast("drill", data, *ASKED, "--out", killed).returncode == 0
    assert steady(killed) == steady(whole)
    assert (killed / "drill.html").read_text().startswith("<!doctype html>")
    assert data.read_bytes() == before


def test_ctrl_c_says_that_the_same_command_goes_on(data: Path, tmp_path: Path) -> None:
    running = started(data, tmp_path / "out", 5)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["drill.journal"]


def test_what_is_wrong_is_said_in_one_line(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    strange = tmp_path / "photo.csv"
    strange.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    for arguments, words in (
        (("drill", data, "--fault", "ColumnShif", "--out", out), "Did you mean 'ColumnShift'"),
        (("drill", data, "--check", "XXX999", "--out", out), "no check 'XXX999'"),
        (("drill", data, "--target", "d", "--out", out), "No column 'd' in train"),
        (("drill", tmp_path / "no.csv", "--out", out), "no.csv"),
        (("drill", strange, "--out", out), "photo.csv"),
        (("drill", data, "--out", data), "is a file; give a folder"),
    ):
        done = holdfast(*arguments)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not out.exists(), "nothing was written for input that cannot be drilled"
