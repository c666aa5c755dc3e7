"""The first pass over all rows: counts and sketches of every column, and a random sample of rows.

Everything it writes merges without rounding, and whether a row is drawn depends on the seed and its number alone: the
outcome is the same however the files are cut and whoever does the work.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from holdfast.audit.large.cells import plain_cells
from holdfast.audit.large.place import Place
from holdfast.audit.large.shards import Shard, cut, hash_check, pieces, written
from holdfast.audit.load.errors import InputError
from holdfast.audit.load.parts import Parts
from holdfast.audit.load.whole import ColumnFacts
from holdfast.engine.store import read_arrays
from holdfast.ops.distinct import KEPT, Distinct
from holdfast.ops.hashing import row_hashes

if TYPE_CHECKING:
    import polars

Arrays = dict[str, np.ndarray]
LONGEST = 200  # characters of a value that a sketch keeps
SPARE = 6.0  # standard errors by which more rows are kept on the way than are wanted in the end


@dataclass(frozen=True)
class Scan:
    """What all shards share. Rows whose key is at most `limit` are kept; `targets` keep every label."""

    parts: Parts
    seed: int
    limit: int
    targets: frozenset[str]
    check: int


@dataclass
class Scanned:
    """All shards together: facts of the columns as they are named in the files, drawn rows and their numbers."""

    facts: dict[str, ColumnFacts]
    numbers: np.ndarray
    frame: polars.DataFrame
    sums: dict[str, int]


def scan_parts(parts: Parts, held: int, targets: frozenset[str], place: Place) -> Scanned:
    """One pass over all rows; `held` of them are drawn."""
    share = min(1.0, (held + SPARE * held**0.5) / parts.rows)
    scan = Scan(parts, place.seed, min(int(share * 2**64), 2**64 - 1), targets, hash_check())
    shards, weights = cut(parts)
    about = (written(parts), held, sorted(targets), place.seed, scan.check)
    return _merged(parts, held, place.run("scanning", scan_shard, scan, shards, weights, about))


def scan_shard(scan: Scan, shard: Shard, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:  # noqa: ARG001
    """The stage's work: one piece a shard."""
    import polars as pl

    if skip:
        return
    if hash_check() != scan.check:
        raise InputError("the workers hash otherwise than this process: install the same version of polars everywhere.")
    found = {name: _Column() for name in scan.parts.schema}
    drawn, numbers, keys = [], [], []
    for first, frame in pieces(scan.parts, shard):
        rows = np.arange(first, first + frame.height)
        key = row_hashes(rows[:, None], scan.seed)
        chosen = np.flatnonzero(key <= scan.limit)
        drawn.append(frame[chosen])
        numbers.append(rows[chosen])
        keys.append(key[chosen])
        for column in frame.iter_columns():
            found[column.name].add(plain_cells(column, column.name in scan.targets), column.name in scan.targets)
    packed = io.BytesIO()
    pl.concat(drawn).write_ipc(packed, compression="zstd")
    yield {
        "numbers": np.concatenate(numbers),
        "keys": np.concatenate(keys),
        "rows": np.frombuffer(packed.getvalue(), np.uint8),
        "missing": np.array([column.missing for column in found.values()], np.int64),
        "sums": np.array([column.total for column in found.values()], np.uint64),
        **{
            f"{part}{j}": array
            for j, own in enumerate(found.values())
            for part, array in _to_arrays(own.sketch).items()
        },
    }


@dataclass
class _Column:
    """What is gathered of one column of a shard."""

    missing: int = 0
    total: int = 0
    sketch: Distinct = field(default_factory=lambda: Distinct.of(np.zeros(0, np.uint64), kept=KEPT))

    def add(self, cells: polars.Series, is_target: bool) -> None:
        import polars as pl

        known = cells.drop_nulls()
        self.missing += len(cells) - len(known)
        if cells.dtype == pl.List:
            return
        hashes = known.hash(seed=0).to_numpy()
        self.total = (self.total + int(hashes.sum(dtype=np.uint64))) % 2**64
        if cells.dtype.is_float() and not is_target:
            self.sketch = self.sketch.merged(Distinct.of(hashes[hashes <= self.sketch.limit], kept=KEPT))
            return
        small = known.filter(pl.Series(hashes <= self.sketch.limit)) if not self.sketch.is_exact else known
        few = small.unique(maintain_order=True)
        texts = few.cast(pl.String).str.slice(0, LONGEST).to_numpy()
        order = np.argsort(few.hash(seed=0).to_numpy(), kind="stable")
        own = Distinct.of(small.hash(seed=0).to_numpy(), kept=KEPT)
        own = replace(own, values=texts[order][:KEPT].astype(object))
        empty = replace(self.sketch, values=np.zeros(0, object))
        self.sketch = (empty if self.sketch.values is None else self.sketch).merged(own)


def _to_arrays(sketch: Distinct) -> Arrays:
    arrays = {"hashes": sketch.hashes, "counts": sketch.counts}
    if sketch.values is not None:
        texts = [text.encode() for text in sketch.values]
        ends = np.cumsum([0, *map(len, texts)]).astype(np.int64)
        arrays |= {"texts": np.frombuffer(b"".join(texts), np.uint8), "ends": ends}
    return arrays


def _from_arrays(arrays: Arrays, j: int) -> Distinct:
    values = None
    if f"texts{j}" in arrays:
        text, ends = arrays[f"texts{j}"].tobytes(), arrays[f"ends{j}"].tolist()
        values = np.array([text[a:b].decode() for a, b in pairwise(ends)], object)
    return Distinct(arrays[f"hashes{j}"], arrays[f"counts{j}"], values, KEPT)


def _merged(parts: Parts, held: int, paths: Iterable[Path]) -> Scanned:
    import polars as pl

    names = list(parts.schema)
    missing, sums = np.zeros(len(names), np.int64), np.zeros(len(names), np.uint64)
    sketches: list[Distinct | None] = [None] * len(names)
    numbers, keys, frames = [], [], []
    for path in paths:
        arrays = read_arrays(path)
        missing += arrays["missing"]
        sums += arrays["sums"]
        numbers.append(arrays["numbers"])
        keys.append(arrays["keys"])
        frames.append(pl.read_ipc(io.BytesIO(arrays["rows"].tobytes())))
        for j, known in enumerate(sketches):
            own = _from_arrays(arrays, j)
            sketches[j] = own if known is None else known.merged(own)
    number, key = np.concatenate(numbers), np.concatenate(keys)
    kept = np.sort(np.argsort(key, kind="stable")[:held])  # the held smallest keys, in the order of the rows
    facts = {name: ColumnFacts(int(m), s) for name, m, s in zip(names, missing, sketches, strict=True) if s is not None}
    return Scanned(facts, number[kept], pl.concat(frames)[kept], dict(zip(names, sums.tolist(), strict=True)))
