"""Killed, interrupted, out of disk, damaged: nothing is lost, and the same command ends in the same bytes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast.audit.load import InputError
from holdfast.corpus import dedup, sources
from holdfast.engine import stage as engine_stage
from holdfast.engine.store import DamagedFileError, read_array, write_arrays

pytest.importorskip("numba", reason="the extra corpus is not installed")
from made import corpus, write_as


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SMALLEST", 1 << 13)


def contents(out: Path) -> dict[str, bytes]:
    assert not (out / ".holdfast-work").exists()
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


class Killer:
    """Lets so many pieces be written, then raises what it was given."""

    def __init__(self, problem: BaseException, after: int) -> None:
        self.problem, self.left, self.written = problem, after, 0

    def __call__(self, path: Path, arrays: dict[str, Any]) -> None:
        if self.left == 0:
            raise self.problem
        self.left -= 1
        self.written += 1
        write_arrays(path, arrays)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet"])
def test_interrupted_anywhere_it_goes_on_from_there(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_as(corpus().documents, tmp_path / f"x.{kind}")
    whole = Killer(KeyboardInterrupt(), -1)
    monkeypatch.setattr(engine_stage, "write_arrays", whole)
    dedup(source, tmp_path / "whole")
    pieces, written, stops = whole.written, 0, 0
    assert pieces > 30
    for step in (1, 3, 7, 11, 19, 5, 2, pieces):
        killer = Killer(KeyboardInterrupt(), step)
        monkeypatch.setattr(engine_stage, "write_arrays", killer)
        try:
            dedup(source, tmp_path / "out")
        except KeyboardInterrupt:
            stops += 1
        written += killer.written
    assert stops >= 6 and written == pieces, "a piece that was done was done again"
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("small_pieces")
def test_what_was_decided_is_not_decided_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters and the table of removals are no stage of their own; stopped while files are written, they are kept."""
    from holdfast.corpus import deduplication, output

    source, calls = corpus().write(tmp_path / "x.jsonl"), [0]
    dedup(source, tmp_path / "whole")
    decide, note, left = deduplication.exact_copies, output._noted, [5]

    def counted(index: Any) -> Any:
        calls[0] += 1
        return decide(index)

    def stopped(*given: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return note(*given)

    monkeypatch.setattr(deduplication, "exact_copies", counted)
    monkeypatch.setattr(output, "_noted", stopped)
    with pytest.raises(KeyboardInterrupt):
        dedup(source, tmp_path / "out")
    dedup(source, tmp_path / "out")
    assert calls[0] == 1 and contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_killed_for_good_it_goes_on(tmp_path: Path) -> None:
    source = corpus().write(tmp_path / "x.jsonl")
    code = (
        "import os, signal, sys\nfrom holdfast.corpus import dedup, sources\nfrom holdfast.engine import stage\n"
        "sources.SMALLEST = 1 << 13\nwrite, left = stage.write_arrays, [int(sys.argv[1])]\n"
        "def one(path, arrays):\n    left[0] -= 1\n    left[0] or os.kill(os.getpid(), signal.SIGKILL)\n"
        "    write(path, arrays)\nstage.write_arrays = one\ndedup(sys.argv[2], sys.argv[3])\n"
    )

    def run(after: int, out: Path) -> int:
        return subprocess.run([sys.executable, "-c", code, str(after), str(source), str(out)], check=False).returncode

    assert run(-1, tmp_path / "whole") == 0
    assert run(20, tmp_path / "out") == -signal.SIGKILL
    assert not (tmp_path / "out" / "data").exists(), "half of a result was written"
    assert run(-1, tmp_path / "out") == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("small_pieces")
def test_a_full_disk_is_told_and_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = corpus().write(tmp_path / "x.jsonl")
    with monkeypatch.context() as patch:
        full = Killer(OSError(errno.ENOSPC, "No space left on device"), 5)
        patch.setattr(engine_stage, "write_arrays", full)
        with pytest.raises(InputError, match=r"disk is full.*goes on from where it was"):
            dedup(source, tmp_path / "out")
    with pytest.raises(InputError, match="other settings"):
        dedup(source, tmp_path / "out", k=5)
    dedup(source, tmp_path / "out")
    dedup(source, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("small_pieces")
def test_local_processes_give_the_same(tmp_path: Path) -> None:
    source = corpus().write(tmp_path / "x.jsonl")
    dedup(source, tmp_path / "one")
    seen: list[tuple[str, int, int]] = []
    dedup(source, tmp_path / "two", engine="processes", workers=2, progress=lambda *told: seen.append(told))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert {stage for stage, _, _ in seen} == {"reading", "comparing", "verifying", "writing"}
    assert all(done <= total for _, done, total in seen)


def _kill_once(context: Path, shard: int, skip: int, last: Any) -> Any:
    import numpy as np

    if shard == 3 and not (context / "killed").exists():
        (context / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield {"shard": np.array([shard])}


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    stage = engine_stage.Stage(tmp_path / "stage", _kill_once, tmp_path, list(range(6)), [1] * 6)
    pieces = engine_stage.run_stage(stage, "processes", 2, lambda *told: None, "test")
    assert [int(read_array(piece, "shard")[0]) for piece in pieces] == list(range(6))
    assert (tmp_path / "killed").exists()


def test_damaged_stage_files_are_found(tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "x.piece"
    for damage in (lambda data: data[:-3], lambda data: data[:-3] + b"abc", lambda data: b"?" + data[1:]):
        write_arrays(path, {"numbers": np.arange(100)})
        assert read_array(path, "numbers").sum() == 4950
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(DamagedFileError, match="goes on"):
            read_array(path, "numbers")
        assert not path.exists()


def test_unknown_engine(tmp_path: Path) -> None:
    source = write_as(["a b c"], tmp_path / "x.jsonl")
    with pytest.raises(ValueError, match="local, processes, ray"):
        dedup(source, tmp_path / "out", engine="spark")
