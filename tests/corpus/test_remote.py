"""Results behind a URL: the same files as in a folder, the summary last; what cannot hold is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import decontaminate, dedup, restore, select

pytest.importorskip("numba", reason="the extra corpus is not installed")
from made import corpus, write_as

from holdfast.corpus import workspace


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(workspace, "gettempdir", lambda: str(tmp_path / "local"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def remote_files(system: Any, root: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{root}/"): system.cat_file(name) for name in sorted(system.find(root))}


def test_the_results_are_the_same_behind_a_url(memory: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_as(corpus(120).documents, tmp_path / "in" / "a.jsonl")
    write_as(corpus(120).documents, tmp_path / "in" / "b.parquet")
    local = dedup(tmp_path / "in", tmp_path / "out")
    assert dedup(tmp_path / "in", "memory://bucket/run/") == local
    assert remote_files(memory, "/bucket/run") == files(tmp_path / "out")
    assert not list((tmp_path / "local").rglob("*.piece")), "the local work was left behind"
    assert dedup(tmp_path / "in", f"file://{tmp_path}/plain")["kept"] == local["kept"]
    assert files(tmp_path / "plain") == files(tmp_path / "out")
    dedup("memory://bucket/run/data", "memory://again", exact_only=True)
    assert memory.exists("/again/summary.json")


def test_a_run_that_was_stopped_while_it_copied_goes_on(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_as(corpus(120).documents, tmp_path / "a.jsonl")
    dedup(source, tmp_path / "out")
    put, calls = workspace.Remote.put, [0]

    def stopped(self: Any, path: Path, name: str) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        put(self, path, name)

    monkeypatch.setattr(workspace.Remote, "put", stopped)
    with pytest.raises(KeyboardInterrupt):
        dedup(source, "memory://run")
    assert memory.find("/run") and not memory.exists("/run/summary.json"), "half a run must not look whole"
    with pytest.raises(InputError, match="other settings"):
        dedup(source, "memory://run", k=5)
    dedup(source, "memory://run")
    assert remote_files(memory, "/run") == files(tmp_path / "out")


def test_another_machine_that_sees_the_work_goes_on(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_as(corpus(120).documents, tmp_path / "a.jsonl")
    dedup(source, tmp_path / "out")
    finish, scanned = workspace.Workspace.finish, []

    def stopped(self: Any, summary: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace.Workspace, "finish", stopped)
    with pytest.raises(KeyboardInterrupt):
        dedup(source, "memory://run", work=tmp_path / "seen by all")
    monkeypatch.setattr(workspace.Workspace, "finish", finish)
    monkeypatch.setattr(workspace, "gettempdir", lambda: str(tmp_path / "other machine"))
    dedup(source, "memory://run", work=tmp_path / "seen by all", progress=lambda *told: scanned.append(told))
    assert remote_files(memory, "/run") == files(tmp_path / "out")
    assert not [told for told in scanned if told[0] == "reading"], "what was read is not read again"
    assert not list((tmp_path / "seen by all").iterdir()), "the work was left behind"
    with pytest.raises(InputError, match="a run whose results go to a folder is done there"):
        dedup(source, tmp_path / "again", work=tmp_path / "seen by all")


def test_a_local_run_that_was_stopped_while_it_moved_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_as(corpus(120).documents, tmp_path / "a.jsonl")
    dedup(source, tmp_path / "whole")
    place, calls = workspace.Workspace._place, [0]

    def stopped(self: Any, name: str) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        place(self, name)

    monkeypatch.setattr(workspace.Workspace, "_place", stopped)
    with pytest.raises(KeyboardInterrupt):
        dedup(source, tmp_path / "out")
    dedup(source, tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_what_is_there_is_not_overwritten_unless_forced(memory: Any, tmp_path: Path) -> None:
    source = write_as(corpus(120).documents, tmp_path / "a.jsonl")
    memory.pipe_file("/full/other.txt", b"x")
    with pytest.raises(InputError, match="not empty"):
        dedup(source, "memory://full")
    assert dedup(source, "memory://run", exact_only=True)["removed"]
    with pytest.raises(InputError, match="finished run"):
        dedup(source, "memory://run")
    (tmp_path / "bench.txt").write_text("Name the capital of Burkina Faso.")
    assert decontaminate(source, "memory://run", against=tmp_path / "bench.txt", force=True)["removed"] == {}
    assert memory.exists("/run/hits.jsonl")
    assert select(source, "memory://chosen", method="perplexity", keep=0.5)["removed"]


def test_what_cannot_hold_is_refused(memory: Any, tmp_path: Path) -> None:
    source = write_as(["a b c", "a b c"], tmp_path / "a.jsonl")
    with pytest.raises(InputError, match="give --work, a folder that all nodes see"):
        dedup(source, "memory://run", engine="ray")
    with pytest.raises(InputError, match="there is nothing of this name"):
        dedup("memory://none", tmp_path / "out")
    memory.pipe_file("/pictures/one.png", b"x")
    memory.pipe_file("/pictures/two.png", b"x")
    with pytest.raises(InputError, match="no file in this folder ends in"):
        dedup("memory://pictures", tmp_path / "out")
    with pytest.raises(InputError, match="cannot be opened"):
        dedup(source, "nosuch://bucket/run")
    dedup(source, "memory://run")
    with pytest.raises(InputError, match="expected a local folder"):
        restore("memory://run", tmp_path / "back")


def test_an_upload_that_fails_or_is_short_is_told(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_as(["a b c", "a b c"], tmp_path / "a.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "put_file", lambda self, one, other: self.pipe_file(other, b""))
        with pytest.raises(InputError, match=r"bytes arrived\. The same command goes on"):
            dedup(source, "memory://run")
    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "put_file", lambda self, one, other: (_ for _ in ()).throw(PermissionError("no")))
        with pytest.raises(InputError, match="PermissionError: no"):
            dedup(source, "memory://run")
    assert dedup(source, "memory://run")["removed"] == {"exact": 1}


def test_the_command_takes_a_url(memory: Any, tmp_path: Path) -> None:
    from holdfast.cli.app import app

    source = write_as(["a b c", "a b c"], tmp_path / "a.jsonl")
    done = CliRunner().invoke(app, ["corpus", "dedup", str(source), "-o", "memory://bucket/run"])
    assert done.exit_code == 0, done.output
    assert "Written to memory://bucket/run" in done.output and memory.exists("/bucket/run/data/a.jsonl")
