"""Both files or neither, and never half of one."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from holdfast.report import render, save, validate


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_page_and_json(record: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    save(record, folder)
    assert names(folder) == ["report.html", "report.json"]
    assert (folder / "report.html").read_text(encoding="utf-8") == render(record)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == validate(record)


def test_text_that_utf8_cannot_hold_survives(record: dict[str, Any], tmp_path: Path) -> None:
    record["verdict"] = "grün \ud800 end"
    save(record, str(tmp_path))
    written = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "grün" in written
    assert json.loads(written)["verdict"] == record["verdict"]


def test_a_damaged_record_leaves_the_old_report_alone(record: dict[str, Any], tmp_path: Path) -> None:
    save(record, tmp_path)
    before = (tmp_path / "report.html").read_bytes()
    with pytest.raises(ValueError, match="not a report"):
        save({**record, "tone": 1}, tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_half_written(
    record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "report.html").write_text("old")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match=r"cannot write the report to .*: No space left on device. Choose another folder"):
        save(record, tmp_path)
    assert names(tmp_path) == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"


def test_being_stopped_leaves_nothing_behind(
    record: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        save(record, tmp_path)
    assert names(tmp_path) == []


def test_a_file_where_the_folder_should_be(record: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")
    with pytest.raises(OSError, match=r"cannot write the report to .*report'"):
        save(record, tmp_path / "report")
    assert (tmp_path / "report").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(record: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="Permission denied"):
        save(record, tmp_path)
