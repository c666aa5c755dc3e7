"""Texts from a list or a file: JSON Lines, CSV or plain text, a text a line; with the options of multiple choice."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from holdfast.audit.load.errors import InputError, safe_text

OPTIONS = ("options", "choices")
OPTION = re.compile(r"(choice|option)[ _]?\w|[a-h]", re.IGNORECASE)  # a column that holds one option


class Item(NamedTuple):
    """A text, and the options to choose from in their published order; none where it is no multiple-choice item."""

    text: str
    options: tuple[str, ...] = ()


def read_texts(given: Any, what: str, field: str = "text") -> list[str]:
    """The texts, none empty; an empty one or a line that cannot be read is an error that says where."""
    return [item.text for item in read_items(given, what, field)]


def read_items(given: Any, what: str, field: str = "text") -> list[Item]:
    """The texts with their options: of a list of texts or of mappings, or of a file."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        rows, where = list(given), what
    else:
        path = Path(given)
        where = safe_text(path)
        try:
            rows = _table(path) if path.suffix == ".csv" else _lines(path)
        except UnicodeDecodeError as problem:
            raise InputError(f"{where}: not UTF-8 text (byte {problem.start}).") from None
        except OSError as problem:
            raise InputError(
                f"{where} cannot be read: {problem.strerror or problem}. {what} is a file of texts."
            ) from None
    if not rows:
        raise InputError(f"{where} holds no text.")
    return [_item(row, field, f"{where}, text {number}") for number, row in enumerate(rows, 1)]


def _item(row: Any, field: str, where: str) -> Item:
    options: tuple[str, ...] = ()
    if isinstance(row, Mapping):
        row, options = _field(row, field, where), _options(row, where)
    if not isinstance(row, str) or not row.strip():
        raise InputError(f"{where}: expected a text that is not empty, found {safe_text(row)!r}.")
    return Item(row, options)


def _options(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    named = next((row[name] for name in OPTIONS if name in row), None)
    if named is None:
        named = [value for name, value in row.items() if OPTION.fullmatch(str(name).strip())]
    if isinstance(named, str) or not isinstance(named, Sequence):
        raise InputError(f"{where}: options are {safe_text(named)!r}; expected a list of texts.")
    return tuple(str(one).strip() for one in named if str(one or "").strip())


def _lines(path: Path) -> list[Any]:
    # not splitlines: it also cuts at separators that may stand inside a text
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    if path.suffix not in (".jsonl", ".ndjson"):
        return lines
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            raise InputError(f"{safe_text(path)}, line {number}: not JSON.") from None
        if not isinstance(row, dict):
            raise InputError(f"{safe_text(path)}, line {number}: expected fields, found {safe_text(row)!r}.")
        rows.append(row)
    return rows


def _table(path: Path) -> list[Any]:
    import polars as pl

    try:
        return pl.read_csv(path, infer_schema=False).to_dicts()
    except pl.exceptions.PolarsError as problem:
        raise InputError(f"{safe_text(path)}: not a table ({safe_text(str(problem).splitlines()[0], 200)}).") from None


def _field(row: Mapping[str, Any], field: str, where: str) -> Any:
    if field in row:
        return row[field]
    names = [str(name) for name in row]
    close = get_close_matches(field, names, n=1)
    hint = (
        f" Did you mean {safe_text(close[0])!r}?"
        if close
        else f" It has: {safe_text(', '.join(names), 200) or 'none'}."
    )
    raise InputError(f"{where}: no field {safe_text(field)!r}.{hint}")
