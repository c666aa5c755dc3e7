"""The command line as a stranger uses it: real files, clear words, right exit codes; processes where it matters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from holdfast.datasets import heart_disease

from .command import holdfast

HOLDFAST = [sys.executable, "-c", "from holdfast.cli import main; main()"]
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "NO_COLOR": "1"}


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*HOLDFAST, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENV, timeout=300, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = tmp_path_factory.mktemp("demo")
    return process("demo", "--out", out / "report"), out / "report"


def small(tmp_path: Path, rows: int = 80) -> tuple[Path, Path]:
    lines = ["a,b,label"] + [f"{i % 13},{(i * 7) % 11},{'yes' if i % 13 > 6 else 'no'}" for i in range(rows)]
    paths = tmp_path / "train.csv", tmp_path / "test.csv"
    for path in paths:
        path.write_text("\n".join(lines))
    return paths


def test_demo_shows_what_the_heart_data_are_known_for(demo) -> None:
    done, out = demo
    assert done.returncode == 0, done.stderr
    record = json.loads((out / "report.json").read_text())
    by_code = {finding["code"]: finding for finding in record["findings"]}
    assert [data["rows"] for data in record["sets"]] == [303, 617]
    drop = by_code["PER001"]
    assert drop["outcome"] == "found"
    assert 0.02 < drop["estimate"]["value"] < 0.12, f"the drop is {drop['estimate']['value']:.3f}"
    groups = {label: value for label, value, *_ in drop["details"][0]["items"]}
    assert any("switzerland" in label for label in groups), groups
    missing = by_code["SCH002"]
    assert missing["columns"][0] == "ca", "ca is missing in 98 % of test rows"
    assert by_code["OOD001"]["outcome"] == "found"
    best = record["findings"][0]
    assert best["price"]["gain"]["low"] > 0, "labelling 100 new rows is known to pay here"
    assert "100 rows of the new data" in best["price"]["remedy"]
    assert "accuracy falls" in done.stdout.lower()
    page = (out / "report.html").read_text()
    assert len(page) < 1_000_000
    assert "switzerland" in page


def test_report_is_written_where_asked_and_nowhere_else(tmp_path: Path) -> None:
    train, test = small(tmp_path)
    before = train.read_bytes(), test.read_bytes()
    done = holdfast("audit", train, test, "--target", "label", "--quick", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "test.csv", "train.csv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.json"]
    assert (train.read_bytes(), test.read_bytes()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["audit", "trian.csv"], ["trian.csv", "train.csv"]),
        (["audit", "train.csv", "--target", "lable"], ["lable", "label"]),
        (["audit", "train.csv", "--role", "label"], ["COLUMN=ROLE"]),
        (["audit", "train.csv", "--role", "b=grop"], ["grop", "group"]),
        (["audit", "train.csv", "--ignore", "LAB001"], ["CODE=REASON"]),
        (["audit", "train.csv", "--target", "label", "--metric", "rmse"], ["rmse", "accuracy"]),
        (["audit", "train.csv", "--target", "label", "--proba", "p"], ["--proba", "test set"]),
        (["audit", "train.csv", "--model", "model.pkl"], ["model.pkl"]),
        (["audit", "train.csv", "--out", "train.csv"], ["train.csv", "folder"]),
        (["audit", "empty.csv"], ["empty.csv", "empty"]),
        (["methods", "Mahalanobiss"], ["Mahalanobis"]),
    ],
)
def test_wrong_input_gives_one_clear_message_and_exit_code_2(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    small(tmp_path)
    (tmp_path / "empty.csv").touch()
    done = holdfast(*arguments, cwd=tmp_path)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("holdfast: "), done.stderr
    assert done.stderr.count("\n") <= 2, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert not (tmp_path / "holdfast-report").exists()


def test_hostile_cells_and_names_reach_neither_terminal_nor_page_as_code(tmp_path: Path) -> None:
    rows = ["<script>alert(1)</script>,\x1b[31mred,label"] + [
        f"{i % 13},=cmd()|{i % 5},{'<b>y</b>' if i % 13 > 6 else 'n'}" for i in range(90)
    ]
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("\n".join(rows))
    test.write_text("\n".join([rows[0], *rows[5:]]))
    done = holdfast(
        "audit",
        train,
        test,
        "--target",
        "label",
        "--quick",
        "--out",
        tmp_path / "../escape" / ".." / "out2",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b[31m" not in done.stdout + done.stderr
    page = next(tmp_path.parent.glob("out2/report.html")).read_text()
    assert "<script>alert" not in page
    assert "<b>y</b>" not in page


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_write_permission_is_found_before_the_work(tmp_path: Path) -> None:
    train, _ = small(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    done = holdfast("audit", train, "--out", closed / "out")
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_interrupt_leaves_nothing_half_written(tmp_path: Path) -> None:
    data, out = tmp_path / "large.csv", tmp_path / "out"
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 20)).round(3)
    pl.DataFrame(X).with_columns(label=X[:, 0] + rng.normal(size=len(X)) > 0).write_csv(data)
    process = subprocess.Popen(
        [*HOLDFAST, "audit", str(data), "--target", "label", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV,
    )  # fmt: skip
    time.sleep(5)  # well inside a minute of work, on a fast machine and on a busy one
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 130, (process.returncode, said, errors)
    assert "Traceback" not in errors
    assert "Interrupted" in errors
    assert not out.exists() or not list(out.iterdir())


def test_a_full_disk_is_said_and_leaves_no_half_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    sample = json.loads((Path(__file__).parent.parent / "report" / "old" / "sample-1.json").read_text())
    from holdfast.report import save

    with pytest.raises(OSError, match="space"):
        save(sample, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*")), "something half-written was left behind"


def test_where_the_system_takes_no_more_bytes_nothing_is_left(tmp_path: Path) -> None:
    """A real limit of the kernel's, smaller than the page: what a full disk does in the middle of writing."""
    resource = pytest.importorskip("resource", reason="limits on files need a POSIX system")
    train, _ = heart_disease()
    command = [*HOLDFAST, "audit", str(train), "--target", "disease", "--quick"]
    done = subprocess.run(
        [*command, "--only", "SCH003", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_480, 20_480)),
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "cannot write the report" in done.stderr, done.stderr
    assert not list((tmp_path / "out").glob("*")), "something half-written was left behind"


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys\nfrom holdfast.cli import main\nsys.argv = ['holdfast', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', [m for m in ('numpy', 'sklearn', 'polars', 'scipy', 'pandas', 'torch', 'faiss') if m in "
        "sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENV, check=True)
    assert "audit" in done.stdout
    assert "HEAVY []" in done.stdout
    assert process("--version").stdout.startswith("holdfast ")


def test_methods_are_listed_shown_and_counted() -> None:
    listed = holdfast("methods").stdout
    assert "ood.Mahalanobis" in listed
    page = holdfast("methods", "ood.Mahalanobis").stdout
    for words in ("Use it when", "fails", "A Simple Unified Framework", "Deviates", ".fit("):
        assert words in page, page
    coverage = holdfast("methods", "--coverage").stdout
    assert "238" in coverage
    assert "papers of the catalogue" in coverage
