"""Texts from a list or a file: JSON Lines, CSV or plain text, a text a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from holdfast.audit.load.errors import InputError, safe_text


def read_texts(given: Any, what: str, field: str = "text") -> list[str]:
    """The texts, none empty; an empty one or a line that cannot be read is an error that says where."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        texts, where = list(given), what
    else:
        path = Path(given)
        where = safe_text(path)
        try:
            texts = _table(path, field) if path.suffix == ".csv" else _lines(path, field)
        except UnicodeDecodeError as problem:
            raise InputError(f"{where}: not UTF-8 text (byte {problem.start}).") from None
        except OSError as problem:
            raise InputError(
                f"{where} cannot be read: {problem.strerror or problem}. {what} is a file of texts."
            ) from None
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise InputError(
                f"{where}, text {place + 1}: expected a text that is not empty, found {safe_text(text)!r}."
            )
    if not texts:
        raise InputError(f"{where} holds no text.")
    return texts


def _lines(path: Path, field: str) -> list[Any]:
    # not splitlines: it also cuts at separators that may stand inside a text
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    if path.suffix not in (".jsonl", ".ndjson"):
        return lines
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except ValueError:
            raise InputError(f"{safe_text(path)}, line {number}: not JSON.") from None
    return [_field(row, field, f"{safe_text(path)}, line {number}") for number, row in enumerate(rows, 1)]


def _table(path: Path, field: str) -> list[Any]:
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as problem:
        raise InputError(f"{safe_text(path)}: not a table ({safe_text(str(problem).splitlines()[0], 200)}).") from None
    return frame[_field({name: name for name in frame.columns}, field, safe_text(path))].to_list()


def _field(row: Any, field: str, where: str) -> Any:
    if isinstance(row, dict) and field in row:
        return row[field]
    names = [str(name) for name in row] if isinstance(row, dict) else []
    close = get_close_matches(field, names, n=1)
    hint = (
        f" Did you mean {safe_text(close[0])!r}?"
        if close
        else f" It has: {safe_text(', '.join(names), 200) or 'none'}."
    )
    raise InputError(f"{where}: no field {safe_text(field)!r}.{hint}")
