"""The output folder: written aside as a whole, then moved into place file by file."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from holdfast.audit.load import InputError, Loaded, safe_text
from holdfast.audit.records import digest_of
from holdfast.repair.result import Repair
from holdfast.repair.tables import digest_of_file, keep_original, write_table
from holdfast.report.page import to_json
from holdfast.report.verification import render

RECORD, PAGE, LEDGER, REPORT = "verification.json", "verification.html", "ledger.jsonl", "report.json"


def check_folder(folder: Path, loaded: Loaded) -> Path:
    """Find out before minutes of work that the folder cannot be used: no input may lie in it."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{safe_text(folder, 200)} is a file; expected a folder for the output.")
    for data in (loaded.train, loaded.test):
        if data is not None and not data.path.startswith("<") and Path(data.path).resolve().parent == folder.resolve():
            raise InputError(
                f"{safe_text(folder, 200)} holds the input {safe_text(Path(data.path).name)}, which is never touched. "
                "Give another folder."
            )
    return folder


def save(done: Repair, folder: Path) -> Path:
    """Write data, ledger, originals, model, record and page; an `OSError` leaves the folder as it was."""
    aside = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    try:
        aside.mkdir(parents=True)
        files, originals = _write_parts(done, aside)
        record = {**done.record, "files": files, "originals": originals}
        record["digest"] = digest_of(record)
        _text(aside / PAGE, render(record))
        _text(aside / RECORD, json.dumps(record, indent=1) + "\n")
        _move(aside, folder, [*files, PAGE, RECORD])
    except OSError as error:
        raise OSError(
            f"cannot write the repair to '{folder}': {error.strerror or error}. Nothing there was changed. Make "
            "room or choose another folder."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / PAGE


def _write_parts(done: Repair, aside: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Everything but record and page; returns the digests of the files, and where the originals came from."""
    names = []
    originals = []
    for name, frame in done.frames.items():
        table = done.tables[name]
        names.append(f"{name}{table.suffix}")
        write_table(frame, aside / names[-1])
        (aside / "originals").mkdir(exist_ok=True)
        kept = f"{name}.gz"
        digest = keep_original(table, aside / "originals" / kept)
        names.append(f"originals/{kept}")
        originals.append({"set": name, "path": table.path, "name": _name(done, name), "kept": kept, "digest": digest})
    done.ledger.write_ndjson(aside / LEDGER)
    _text(aside / REPORT, to_json(done.case.record, indent=1) + "\n")
    names += [LEDGER, REPORT]
    if done.model is not None and _dump(done.model, aside / "model.skops"):
        names.append("model.skops")
    return {name: digest_of_file(aside / name) for name in names}, originals


def _name(done: Repair, name: str) -> str:
    """The original's file name; the set's name before it where both sets have the same."""
    mine = done.tables[name].original_name
    others = [table.original_name for other, table in done.tables.items() if other != name]
    return f"{name}-{mine}" if mine in others else mine


def _dump(model: Any, path: Path) -> bool:
    try:
        from skops.io import dump
    except ImportError:
        return False
    dump(model, path)
    return True


def _text(path: Path, content: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a full disk must show itself before an old file is replaced


def _move(aside: Path, folder: Path, names: list[str]) -> None:
    """Into place, the record last; what an earlier repair left there and this one does not write goes."""
    earlier = _earlier(folder)
    _refuse_strangers(folder, names, earlier)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        os.replace(aside / name, folder / name)
    for name in set(earlier) - set(names):
        with suppress(OSError):
            (folder / name).unlink()


def _earlier(folder: Path) -> list[str]:
    """The files of an earlier repair in this folder, by its own record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    files = record.get("files", {}) if isinstance(record, Mapping) else {}
    plain = [name for name in files if name in _KNOWN]
    return [*plain, RECORD, PAGE]


_KNOWN = {
    LEDGER, REPORT, "model.skops", "originals/train.gz", "originals/test.gz",
    *(f"{name}{suffix}" for name in ("train", "test") for suffix in (".csv", ".tsv", ".parquet", ".arrow", ".jsonl")),
}  # fmt: skip


def _refuse_strangers(folder: Path, names: list[str], earlier: list[str]) -> None:
    for name in names:
        if (folder / name).exists() and name not in earlier:
            raise FileExistsError(0, f"it already holds {name}, which no repair wrote")
