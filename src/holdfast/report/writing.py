"""Files appear whole or not at all: everything is written aside first, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_all(contents: Mapping[Path, str], what: str = "the report") -> None:
    """Write texts as UTF-8, making folders; what goes wrong is an `OSError` in plain words, and no file is changed."""
    aside = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}") for path in contents}
    path = Path()
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(aside[path], content)
        for path in contents:
            os.replace(aside[path], path)
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "Choose another folder or make room"
        raise OSError(f"cannot write {what} to '{path.parent}': {reason}. {advice}.") from error
    finally:
        for left in aside.values():
            with suppress(OSError):
                left.unlink()


def _write(path: Path, content: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        # A full disk must show itself before the old report is replaced.
        os.fsync(file.fileno())
