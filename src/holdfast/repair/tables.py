"""Tables as they stand in the file, cell by cell, and copies of them in the same format."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.audit.load import DataSet, InputError, safe_text
from holdfast.audit.load.delimited import read_delimited
from holdfast.audit.load.encoding import to_utf8
from holdfast.audit.load.files import read_columnar, read_json
from holdfast.audit.load.parts import is_many
from holdfast.audit.load.source import read_bytes, table_format

if TYPE_CHECKING:
    import polars

SUFFIXES = {"parquet": ".parquet", "arrow": ".arrow", "arrow_stream": ".arrow", "json": ".jsonl"}


@dataclass(frozen=True)
class Table:
    """One data set with the cells of its file (text cells for CSV: "007" stays "007"); `suffix` of its format.

    `path` is empty for an object in memory, whose table is the one that the audit read.
    """

    name: str
    frame: polars.DataFrame
    suffix: str
    path: str = ""

    @property
    def original_name(self) -> str:
        """The file name of the original."""
        return Path(self.path).name if self.path else f"{self.name}{self.suffix}"


def raw_table(data: DataSet) -> Table:
    """The cells of a data set as its file holds them, row for row as the audit counts them."""
    if data.path.startswith("<"):
        return Table(data.name, data.frame, ".parquet")
    content = read_bytes(data.path)
    kind = table_format(content)
    if kind in ("parquet", "arrow", "arrow_stream"):
        frame = read_columnar(content, kind, data.path)
    else:
        content = to_utf8(content, data.path)[0]
        kind = table_format(content)
        frame = (read_json(content, data.path) if kind == "json" else read_delimited(content, data.path))[0]
    is_tabbed = Path(data.path).name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".tsv", ".tab"))
    suffix = SUFFIXES.get(kind, ".tsv" if is_tabbed else ".csv")
    if frame.shape != data.frame.shape:  # an audit that reshaped what it read: its own table then
        frame = data.frame
    return Table(data.name, frame.rename(dict(zip(frame.columns, data.frame.columns, strict=True))), suffix, data.path)


def refuse_folders(data: Mapping[str, Any]) -> None:
    """A repair writes a copy of a file; a folder of them has no one file to copy. `data`: paths of sets, by name."""
    for name, path in data.items():
        if isinstance(path, (str, os.PathLike)) and is_many(os.fspath(path)):
            raise InputError(
                f"the {name} set, {safe_text(path, 200)}, is many files; expected one to make a repaired copy of. "
                "Write it as one Parquet file, audit that, and repair."
            )


def write_table(frame: polars.DataFrame, path: Path) -> None:
    """Write in the format that the suffix names: .csv, .tsv, .parquet, .arrow or .jsonl."""
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".arrow":
        frame.write_ipc(path)
    elif path.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")


def keep_original(table: Table, path: Path) -> str:
    """Keep the very bytes of a file, compressed; returns their digest. An object is kept as Parquet."""
    if table.path:
        content = Path(table.path).read_bytes()
    else:
        from io import BytesIO

        buffer = BytesIO()
        table.frame.write_parquet(buffer)
        content = buffer.getvalue()
    with path.open("xb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        packed.write(content)
    return digest_of_bytes(content)


def digest_of_bytes(content: bytes) -> str:
    """32 hex digits."""
    return blake2b(content, digest_size=16).hexdigest()


def digest_of_file(path: Path) -> str:
    """32 hex digits of a file's bytes, read piece by piece."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
