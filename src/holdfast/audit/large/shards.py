"""All rows of a data set, cut into shards that are worked on anywhere, and each read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from holdfast.audit.load.errors import InputError
from holdfast.audit.load.parts import Parts

if TYPE_CHECKING:
    import polars

CELLS = 2_000_000  # read together
ROWS = 1 << 20  # of a shard, unless there would be too many shards
MOST = 1_000  # shards


class Shard(NamedTuple):
    """Rows of one file: its number, the first row in it, how many."""

    part: int
    start: int
    rows: int


def cut(parts: Parts) -> tuple[list[Shard], list[int]]:
    """Shards in the order of the rows, and how many rows each has."""
    step = max(ROWS, -(-parts.rows // MOST))
    shards = [
        Shard(number, start, min(step, part.rows - start))
        for number, part in enumerate(parts.parts)
        for start in range(0, part.rows, step)
    ]
    return shards, [shard.rows for shard in shards]


def pieces(parts: Parts, shard: Shard, columns: list[str] | None = None) -> Iterator[tuple[int, polars.DataFrame]]:
    """The rows of a shard a piece at a time, each with the number of its first row in the data set."""
    part = parts.parts[shard.part]
    step = max(1, CELLS // max(1, len(parts.schema)))
    for start in range(shard.start, shard.start + shard.rows, step):
        count = min(step, shard.start + shard.rows - start)
        frame = parts.read(part, start, count, columns)
        if frame.height != count:
            raise InputError(f"{part.path} ends before its row {start + count:,}. Is it damaged? Write it again.")
        yield part.first + start, frame


def written(parts: Parts) -> list[object]:
    """What tells one state of the files from another."""
    import os

    return [(part.path, part.size, part.rows, os.stat(part.path).st_mtime_ns) for part in parts.parts]


def hash_check() -> int:
    """A hash that comes out different where another version of polars, or another processor, hashes otherwise."""
    import polars as pl

    frame = pl.DataFrame({"a": [1, None], "b": [0.5, -2.0], "c": ["x", "y"]})
    return int(np.bitwise_xor.reduce(frame.hash_rows(seed=0).to_numpy()))
