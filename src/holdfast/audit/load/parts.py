"""One data set in many Parquet files: a folder, with hive partitions or without, a glob, or a single large file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import reduce
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from holdfast.audit.load.errors import InputError, foreign_errors, listed, quoted, safe_text

if TYPE_CHECKING:
    import polars

SUFFIXES = (".parquet", ".parq", ".pq")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # how hive writes a missing value into a path
MAGIC = b"PAR1"


@dataclass(frozen=True)
class Part:
    """One file: where it is, how many bytes and rows it has, the row of the data set at which it begins."""

    path: str
    size: int
    rows: int
    first: int
    partition: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Parts:
    """All files in the order of their names, with one schema. `notes` say what was left out or made equal."""

    path: str
    parts: tuple[Part, ...]
    schema: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(part.rows for part in self.parts)

    def read(
        self, part: Part, start: int = 0, count: int | None = None, columns: list[str] | None = None
    ) -> polars.DataFrame:
        """Some rows of one file from its row `start`, with the types of the whole; all columns or those named."""
        import polars as pl

        if not os.path.exists(part.path) or os.path.getsize(part.path) != part.size:
            raise InputError(f"{_shown(part.path)} changed while it was read. Run again when it is complete.")
        try:
            table = pl.scan_parquet(part.path, hive_partitioning=False, glob=False).slice(start, count)
            named = [pl.lit(value).alias(name) for name, value in part.partition]
            kinds = [(name, self.schema[name]) for name in columns or self.schema]
            return table.with_columns(named).select(pl.col(name).cast(kind) for name, kind in kinds).collect()
        except foreign_errors() as error:
            stop = part.rows if count is None else min(start + count, part.rows)
            raise InputError(
                f"{_shown(part.path)} cannot be read as parquet between its rows {start:,} and {stop:,} "
                f"({safe_text(error, 200)}). Is it damaged? Write it again."
            ) from None

    def read_all(self) -> polars.DataFrame:
        """Every row of every file."""
        import polars as pl

        return pl.concat([self.read(part) for part in self.parts if part.rows])


def is_many(path: str) -> bool:
    """Whether a path is a folder or a pattern that stands for files."""
    return os.path.isdir(path) or (has_magic(path) and "://" not in path and not os.path.lexists(path))


def is_parquet(path: str) -> bool:
    """Whether a path is a Parquet file as it stands, not packed."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == MAGIC
    except OSError:
        return False


def find_parts(path: str) -> Parts:
    """The Parquet files that a folder, a pattern or a file name stands for; `InputError` says what is wrong."""
    files, notes = _files(path)
    root = path if os.path.isdir(path) else ""
    partitions = _typed_partitions([_partition(file, root) for file in files], files)
    found = [_part(file, partition) for file, partition in zip(files, partitions, strict=True)]
    schema, more = _one_schema([part for part, _ in found], [kinds for _, kinds in found])
    parts, first = [], 0
    for part, _ in found:
        parts.append(replace(part, first=first))
        first += part.rows
    return Parts(path, tuple(parts), schema, (*notes, *more))


def _files(path: str) -> tuple[list[str], list[str]]:
    if os.path.isfile(path):
        return [path], []
    if os.path.isdir(path):
        known = sorted(_walk(path))
    else:
        matches = sorted(glob(path, recursive=True))
        known = sorted({file for match in matches for file in (_walk(match) if os.path.isdir(match) else [match])})
    files = [file for file in known if file.lower().endswith(SUFFIXES) or is_parquet(file)]
    others = [os.path.basename(file) for file in known if file not in set(files)]
    if not files:
        raise InputError(_nothing(path, others))
    return files, [f"{len(others):,} file(s) that are no Parquet were left out: {listed(others)}"] if others else []


def _nothing(path: str, others: list[str]) -> str:
    if not os.path.isdir(path):
        return f"No Parquet file matches {quoted(path, 200)}. Check the pattern; quote it, so that the shell leaves it."
    if not others:
        return f"{_shown(path)} is an empty folder; expected a file, or a folder of Parquet files."
    return (
        f"{_shown(path)} is a folder; expected a file. It holds {listed(others, 3)}. Give one file, or a folder of "
        "Parquet files."
    )


def _walk(folder: str) -> list[str]:
    """Its files, those of its folders too; names that begin with a point or an underscore are no data."""
    found = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if name[0] not in "._"]
        found += [os.path.join(place, name) for name in names if name[0] not in "._"]
    return [file for file in found if os.path.isfile(file)]


def _refuse(error: OSError) -> None:
    raise InputError(f"{_shown(error.filename)} cannot be read: {error.strerror or error}.")


def _partition(file: str, root: str) -> dict[str, str | None]:
    """What the folders below the root say: `year=2024/month=5`."""
    folders = Path(os.path.relpath(file, root)).parts[:-1] if root else Path(file).parts[:-1]
    pairs = [folder.partition("=") for folder in folders if "=" in folder]
    return {unquote(name): None if value == NO_VALUE else unquote(value) for name, _, value in pairs}


def _typed_partitions(found: list[dict[str, str | None]], files: list[str]) -> list[dict[str, Any]]:
    """Values of partitions as whole numbers where all of a column's are; every file must have the same ones."""
    for file, own in zip(files, found, strict=True):
        if list(own) != list(found[0]):
            raise InputError(
                f"{_shown(file)} lies in the partitions {list(own)}, {_shown(files[0])} in {list(found[0])}; expected "
                "the same for every file. Give the folder of one data set."
            )
    whole = {name for name in found[0] if all(_is_whole(own[name]) for own in found if own[name] is not None)}
    return [{name: int(v) if v is not None and name in whole else v for name, v in own.items()} for own in found]


def _is_whole(text: str | None) -> bool:
    """Digits that are a number: "05" is one too, as months are written."""
    return text is not None and text.lstrip("-").isdecimal() and len(text) < 18


def _part(file: str, partition: dict[str, Any]) -> tuple[Part, dict[str, Any]]:
    import polars as pl

    size = _size(file)
    try:
        table = pl.scan_parquet(file, hive_partitioning=False, glob=False)
        kinds = dict(table.collect_schema())
        rows = int(table.select(pl.len()).collect().item())
    except foreign_errors() as error:
        raise InputError(
            f"{_shown(file)} cannot be read as parquet ({safe_text(error, 200)}). Is it damaged? Write it again."
        ) from None
    twice = [name for name in partition if name in kinds]  # the file's own column is kept
    added = {name: value for name, value in partition.items() if name not in twice}
    kinds |= {name: pl.Int64() if isinstance(value, int) else pl.String() for name, value in added.items()}
    return Part(file, size, rows, 0, tuple(added.items())), kinds


def _size(file: str) -> int:
    try:
        with open(file, "rb") as opened:
            start = opened.read(4)
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - 4))
            end = opened.read(4)
    except OSError as error:
        raise InputError(f"{_shown(file)} cannot be read: {error.strerror or error}.") from None
    if not size:
        raise InputError(f"{_shown(file)} is empty (0 bytes); expected a Parquet file. Write it again.")
    if start != MAGIC:
        raise InputError(f"{_shown(file)} is no Parquet file, whatever its name says. Move it out of the data set.")
    if end != MAGIC:
        raise InputError(
            f"{_shown(file)} is a parquet file that is cut off: its end is missing. Copy or download it again."
        )
    return size


def _one_schema(parts: list[Part], kinds: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """The columns of the first file; numbers of several types become the widest, a column without a type any."""
    first, notes = kinds[0], []
    schema = dict(first)
    for part, own in zip(parts[1:], kinds[1:], strict=True):
        lost, new = [n for n in first if n not in own], [n for n in own if n not in first]
        if lost or new:
            lacks = [f"lacks {listed(lost)}"] if lost else []
            has = [f"has {listed(new)} in addition"] if new else []
            raise InputError(
                f"{_shown(part.path)} {' and '.join([*lacks, *has])}, compared with {_shown(parts[0].path)}; expected "
                "the same columns in every file. Write the files again with one schema, or give those that agree."
            )
    for name in first:
        seen = list(dict.fromkeys(own[name] for own in kinds))
        if len(seen) > 1:
            schema[name] = reduce(lambda a, b: _common(a, b, name, parts, kinds), seen)
            notes.append(
                f"column {quoted(name)} is {', '.join(map(str, seen))} in different files: {schema[name]} here"
            )
    return schema, notes


def _common(left: Any, right: Any, name: str, parts: list[Part], kinds: list[dict[str, Any]]) -> Any:
    import polars as pl

    if pl.Null in (left, right):
        return right if left == pl.Null else left
    if left.is_numeric() and right.is_numeric() and not (left.is_decimal() or right.is_decimal()):
        return pl.Float64 if left.is_float() or right.is_float() else pl.Int64
    other = next(part for part, own in zip(parts, kinds, strict=True) if own[name] == right)
    raise InputError(
        f"column {quoted(name)} is {left} in {_shown(parts[0].path)} and {right} in {_shown(other.path)}; expected one "
        "type in every file. Write the files again with one schema."
    )


def _shown(path: str) -> str:
    return safe_text(path, 200)
