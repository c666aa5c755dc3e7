"""One source of any kind -> one `DataSet`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.audit.load.data import DataSet
from holdfast.audit.load.delimited import read_delimited
from holdfast.audit.load.encoding import to_utf8
from holdfast.audit.load.errors import InputError, foreign_errors, quoted, safe_text
from holdfast.audit.load.files import read_columnar, read_json
from holdfast.audit.load.fingerprint import fingerprint
from holdfast.audit.load.header import clean_names
from holdfast.audit.load.objects import read_object
from holdfast.audit.load.parts import find_parts, is_many, is_parquet
from holdfast.audit.load.source import read_bytes, table_format
from holdfast.audit.load.targets import TARGET_NAMES
from holdfast.audit.load.text import MAX_CELL
from holdfast.audit.load.types import plain_column
from holdfast.audit.load.values import plain_numbers, type_values
from holdfast.audit.load.vectors import vectors_of_text

if TYPE_CHECKING:
    import polars

    from holdfast.audit.large.place import Place

    Finish = Callable[[polars.DataFrame, list[str]], DataSet]

COLUMNAR = ("parquet", "arrow", "arrow_stream")
TOLD = 12  # notes on columns that are told one by one; the rest is counted


def read_table(source: Any, name: str, target: str | None = None, place: Place | None = None) -> DataSet:
    """Read a file, a folder of Parquet files or an object. `target` names the column whose labels must all be kept.

    With a `place`, Parquet of more rows than that holds is not read whole: see `holdfast.audit.large`.
    """
    if isinstance(source, DataSet):
        return source
    is_file = isinstance(source, (str, os.PathLike))
    shown = safe_text(os.fspath(source), 200) if is_file else name
    try:
        return _read_file(os.fspath(source), name, target, place) if is_file else _read_object(source, name, target)
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{shown} does not fit into memory. Audit a sample of it.") from None
    except foreign_errors() as error:  # polars' own, on data that no test foresaw
        raise InputError(f"{shown} cannot be read ({safe_text(error, 200)}). Save it as Parquet.") from None


def _read_file(path: str, name: str, target: str | None, place: Place | None) -> DataSet:
    shown = safe_text(path, 200)
    if is_many(path) or (place is not None and is_parquet(path)):
        found = find_parts(path)
        finish = partial(_data_set, name, path, shown, target=target, is_typed=True)
        if place is not None and found.rows > place.held(len(found.schema)):
            from holdfast.audit.large.reading import read_sampled

            return read_sampled(found, target, place, finish)
        if is_many(path):
            return finish(found.read_all(), list(found.notes))
    data = read_bytes(path)
    kind = table_format(data)
    if kind in COLUMNAR:
        return _data_set(name, path, shown, read_columnar(data, kind, shown), [], target, is_typed=True)
    data, note = to_utf8(data, shown)
    is_json = table_format(data) == "json"
    frame, more = read_json(data, shown) if is_json else read_delimited(data, shown)
    del data
    return _data_set(name, path, shown, frame, [*([note] if note else []), *more], target, is_typed=is_json)


def _read_object(source: Any, name: str, target: str | None) -> DataSet:
    frame, notes, path = read_object(source, name)
    return _data_set(name, path, f"{name} {path}", frame, notes, target, is_typed=True)


def _data_set(
    name: str, path: str, shown: str, frame: polars.DataFrame, notes: list[str], target: str | None, is_typed: bool
) -> DataSet:
    if not frame.width or not frame.height:
        missing = "columns" if not frame.width else "rows"
        raise InputError(f"{shown} has no {missing}; expected a table with at least one row and one column.")
    names, name_notes = clean_names(frame.columns)
    frame, column_notes = _typed(frame.rename(dict(zip(frame.columns, names, strict=True))), shown, target, is_typed)
    return DataSet(name, frame, path, fingerprint(frame), (*notes, *name_notes, *_shortened(column_notes)))


def _typed(
    frame: polars.DataFrame, shown: str, target: str | None, is_typed: bool
) -> tuple[polars.DataFrame, list[str]]:
    import polars as pl

    targets = {name for name in frame.columns if name == target or (target is None and name.casefold() in TARGET_NAMES)}
    numbers = plain_numbers(frame.drop(targets) if is_typed else frame)
    columns: list[pl.Series] = []
    notes: list[str] = []
    for column in frame.iter_columns():
        plain, more = plain_column(numbers.get(column.name, column))
        notes += more
        if plain.dtype == pl.String:
            _check_cells(plain, shown)
            may_be_vectors = not more and plain.name not in targets  # else its lists were looked at already
            plain, more = _typed_text(plain, plain.name in targets, is_typed, may_be_vectors)
            notes += more
        columns.append(plain)
    return pl.DataFrame(columns), notes


def _typed_text(
    column: polars.Series, is_target: bool, is_typed: bool, may_be_vectors: bool
) -> tuple[polars.Series, list[str]]:
    import polars as pl

    vectors, note = vectors_of_text(column) if may_be_vectors else (None, "")
    if vectors is not None:
        return vectors, [note]
    typed, notes = type_values(column, is_target, is_typed)
    if typed.dtype == pl.Float64:
        typed, more = plain_column(typed)  # "inf" reads as infinite
        notes += more
    return typed, [*([f"{note}: it was read as text"] if note else []), *notes]


def _check_cells(column: polars.Series, shown: str) -> None:
    sizes = column.str.len_bytes()
    row = sizes.arg_max()
    if row is not None and sizes[row] > MAX_CELL:
        raise InputError(
            f"{shown} column {quoted(column.name)}, row {row:,} holds {sizes[row]:,} bytes; expected at most "
            f"{MAX_CELL:,} in a cell. Shorten the cell or leave the column out."
        )


def _shortened(notes: list[str]) -> list[str]:
    if len(notes) <= TOLD:
        return notes
    return [*notes[:TOLD], f"and {len(notes) - TOLD:,} more notes of this kind on other columns"]
