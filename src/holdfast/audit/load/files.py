"""Parquet, Arrow and JSON files -> tables, with polars' errors put into words."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from holdfast.audit.load.errors import InputError, foreign_errors, safe_text
from holdfast.audit.load.objects import from_columns

if TYPE_CHECKING:
    import polars


def read_columnar(data: bytes, kind: str, path: str) -> polars.DataFrame:
    """A Parquet ("parquet"), Arrow file ("arrow") or Arrow stream ("arrow_stream")."""
    import polars as pl

    readers = {"parquet": pl.read_parquet, "arrow": pl.read_ipc, "arrow_stream": pl.read_ipc_stream}
    end = {"parquet": b"PAR1", "arrow": b"ARROW1"}.get(kind, b"")
    if not data.endswith(end):
        raise InputError(f"{path} is a {kind} file that is cut off: its end is missing. Copy or download it again.")
    try:
        return readers[kind](io.BytesIO(data))
    except foreign_errors() as error:
        raise InputError(
            f"{path} cannot be read as {kind.replace('_', ' ')} ({safe_text(error, 200)}). "
            "Is it damaged? Write it again."
        ) from None


def read_json(data: bytes, path: str) -> tuple[polars.DataFrame, list[str]]:
    """JSON Lines (an object a line), an array of objects, or an object of columns."""
    start = data[:4096].lstrip()
    if start.startswith(b"{"):
        frame = _by_polars(data)
        if frame is not None:
            return frame, []
    values = _lines(data, path) if _is_lines(data) else _document(data, path)
    return _table(values, path)


def _is_lines(data: bytes) -> bool:
    """An object a line: the first line is one of several, or a later line starts with one."""
    data = data.strip()
    first = data[: data.find(b"\n") + 1]  # empty where there is one line only: that is a document
    try:
        return bool(first) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return first[:1] == b"{" and b"\n{" in data


def _by_polars(data: bytes) -> polars.DataFrame | None:
    """The fast way, taken where nothing can be lost: polars reads cells of other types than text as missing."""
    import polars as pl

    if not _is_lines(data):
        return None
    try:
        frame = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except foreign_errors():  # the slow path names the line
        return None
    simple = [name for name, kind in frame.schema.items() if kind.is_numeric() or kind == pl.Boolean]
    return frame if not any(frame.drop(simple).null_count().row(0)) else None


def _lines(data: bytes, path: str) -> list[Any]:
    values = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path} line {number:,} is not JSON ({safe_text(error, 120)}); expected one object a line. "
                "Is the line cut off?"
            ) from None
    return values


def _document(data: bytes, path: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not JSON ({safe_text(error, 120)}); expected an array of objects or an object a line. "
            "Is it cut off?"
        ) from None


def _table(values: Any, path: str) -> tuple[polars.DataFrame, list[str]]:
    if isinstance(values, dict):
        columns = {str(name): list(_cells(cells)) for name, cells in values.items() if isinstance(cells, (list, dict))}
        if columns and len(columns) == len(values):
            return from_columns(columns, path)
        values = [values]
    rows = [row for row in values if isinstance(row, dict)]
    if not rows or len(rows) < len(values):
        raise InputError(f"{path} holds JSON values that are not objects; expected a table: an object for each row.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return from_columns({name: [row.get(name) for row in rows] for name in names}, path)


def _cells(cells: list[Any] | dict[str, Any]) -> Any:
    return cells.values() if isinstance(cells, dict) else cells  # pandas writes {"column": {"0": cell, ...}}
