"""What a long run has done so far, on disk: one line a step, appended and flushed, so that a killed run loses nothing.

The first line says what the journal belongs to. Every line carries a checksum over all lines before it: a line that
was changed is told apart from a last line that was cut off when the run was killed, which is simply done again.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from holdfast.audit.load import InputError

SCHEMA = "holdfast/journal/1"


class Journal:
    """Entries by key, in memory; also in the file where one is given.

    Raises `InputError` where the file was changed, or belongs to other data, settings or versions (with `anew`, that of
    another run is begun again); `OSError` in plain words where it cannot be written.

    >>> journal = Journal(None, {"seed": 0})
    >>> journal.add("dealt|0", {"outcome": "clear"})
    >>> journal.entries["dealt|0"]["outcome"]
    'clear'
    """

    def __init__(self, path: Path | None, belongs: dict[str, Any], anew: bool = False) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.path = path
        self._anew = anew
        self._sum = ""
        self._file: IO[bytes] | None = None
        if self.path is not None:
            self._open(self.path, {"schema": SCHEMA, **belongs})

    def add(self, key: str, value: dict[str, Any]) -> None:
        """Keep one entry, on disk before the next step begins."""
        self._append({"key": key, "value": value})
        self.entries[key] = value

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """What the run gave is written elsewhere: the journal has served."""
        self.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _open(self, path: Path, belongs: dict[str, Any]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            known = path.read_bytes() if path.exists() else b""
            whole = self._read(known, belongs)
            self._file = path.open("r+b" if path.exists() else "xb")
            self._file.truncate(whole)
            self._file.seek(whole)
        except OSError as problem:
            raise self._cannot(problem) from problem
        if not whole:
            self._append(belongs)

    def _read(self, content: bytes, belongs: dict[str, Any]) -> int:
        """Take in every whole line; returns how many bytes they are."""
        whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].splitlines(), 1):
            body = self._checked(line, number)
            if number == 1:
                if self._anew and any(body.get(name) != belongs[name] for name in belongs):
                    self._sum = ""
                    return 0
                self._same(body, belongs)
            else:
                self.entries[body["key"]] = body["value"]
        return whole

    def _checked(self, line: bytes, number: int) -> dict[str, Any]:
        text, _, digest = line.decode("utf-8", "replace").rpartition(" ")
        if not text or digest != self._next_sum(text):
            raise InputError(
                f"{self.path}, line {number}, was changed after it was written: nothing in it can be relied on. Delete "
                "that file to start anew, or give another folder."
            )
        self._sum = digest
        body: dict[str, Any] = json.loads(text)
        return body

    def _same(self, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        for name in wanted:
            if found.get(name) != wanted[name]:
                raise InputError(
                    f"{self.path} belongs to another run: there, {name} is {found.get(name)!r}; here, "
                    f"{wanted[name]!r}. Give another folder, or delete that file to start anew."
                )

    def _append(self, body: dict[str, Any]) -> None:
        if self._file is None:
            return
        text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
        digest = self._next_sum(text)
        try:
            self._file.write(f"{text} {digest}\n".encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as problem:
            raise self._cannot(problem) from problem
        self._sum = digest

    def _next_sum(self, text: str) -> str:
        return blake2b(f"{self._sum}{text}".encode(), digest_size=8).hexdigest()

    def _cannot(self, problem: OSError) -> OSError:
        reason = problem.strerror or str(problem)
        return OSError(
            f"cannot write {self.path}: {reason}. Make room or choose another folder; what was written before is kept, "
            "and the same command goes on from there."
        )
