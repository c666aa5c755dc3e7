"""The last stage: every file without what was removed, what was removed beside it, and a table that says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from holdfast.corpus.parquet_parts import MAGIC, footer_of, part_of
from holdfast.corpus.plain_json import as_lines
from holdfast.corpus.records import BLOCK, Fields
from holdfast.corpus.rewriting import header_of, rewritten, without
from holdfast.corpus.scan import Arrays
from holdfast.corpus.sources import Source, open_source, pack, parquet_frame, parquet_rows, rows_of_piece
from holdfast.corpus.workspace import Workspace, write_bytes, write_text
from holdfast.engine.store import read_arrays, write_arrays

FILES = KEPT, REMOVED = "data", "removed"
WHOLE = "original"
PARTS = ("substring",)  # rules that take a passage out of a record that stays


@dataclass(frozen=True)
class Copy:
    """What the shards of this stage share; `ranges` is the folder with the removed ranges of every source."""

    sources: list[Source]
    ranges: Path
    folder: Path
    piece: int
    fields: Fields


def write_outputs(
    place: Workspace, sources: list[Source], removed: list[dict[str, Any]], piece: int, fields: Fields
) -> dict[str, Any]:
    """Copy all sources without the removed records; the manifest. `removed` rows are provenance, in no order.

    A row whose rule is in `PARTS` takes its `span` out of a record that stays; it is told how many bytes the record has
    then (`written`), which is how `restore` finds it.
    """
    rows = sorted(removed, key=lambda row: (row["file"], row["start"], row.get("span") or []))
    ranges = place.work / "ranges"
    ranges.mkdir(exist_ok=True)
    by_file: dict[str, dict[tuple[int, int], list[list[int]]]] = {}
    for row in rows:
        cuts = by_file.setdefault(row["file"], {}).setdefault((row["start"], row["stop"]), [])
        if row["rule"] in PARTS:
            cuts.append(row["span"])
    for number, source in enumerate(sources):
        write_arrays(ranges / f"{number}.piece", _as_arrays(by_file.get(source.name, {})))
    copies = place.work / "copies"
    copies.mkdir(exist_ok=True)
    shards, weights = list(range(len(sources))), [source.size for source in sources]
    copy = Copy(sources, ranges, copies, piece, fields)
    stage, _ = place.stage("copied", copy_source, copy, shards, weights, "writing")
    manifest, sizes, cut_up = {}, {}, any(row["rule"] in PARTS for row in rows)
    for number, source in enumerate(sources):
        for path in stage.pieces(number) if cut_up else ():
            for start, size in read_arrays(path, ("written",))["written"].tolist():
                sizes[source.name, start] = size
        last = read_arrays(stage.pieces(number)[-1], ("sums",))["sums"]
        manifest[source.name] = {"format": source.format, "packing": source.packing} | {
            kind: {"bytes": int(size), "crc32": f"{int(total):08x}"}
            for kind, (size, total) in zip((KEPT, REMOVED, WHOLE), last, strict=True)
        }
        for kind in FILES:
            target = place.results / kind / source.name
            is_there = target.exists() or place.is_placed(f"{kind}/{source.name}")
            if (kind == KEPT or last[1][0]) and not is_there:
                target.parent.mkdir(parents=True, exist_ok=True)
                _copied(copies, number, kind).replace(target)
    rows = [row | {"written": sizes[row["file"], row["start"]]} if row["rule"] in PARTS else row for row in rows]
    write_text(place.results / "manifest.json", json.dumps(manifest, indent=1))
    write_bytes(place.results / "provenance.jsonl", as_lines(rows))
    return manifest


def _as_arrays(records: dict[tuple[int, int], list[list[int]]]) -> Arrays:
    """Ranges of records, and the ranges of characters that are cut out of each; none: the whole record goes."""
    ends = np.cumsum([0, *(len(cuts) for cuts in records.values())])
    cuts = [cut for some in records.values() for cut in some]
    return {
        "spans": np.array(list(records), dtype=np.int64).reshape(-1, 2),
        "cut_ends": ends.astype(np.int64),
        "cuts": np.array(cuts, dtype=np.int64).reshape(-1, 2),
    }


class _Removals:
    """What goes from one source: ranges of bytes, and for some the ranges of characters that go from their text."""

    def __init__(self, copy: Copy, number: int) -> None:
        held = read_arrays(copy.ranges / f"{number}.piece", ("spans", "cut_ends", "cuts"))
        self.spans, self.fields, self.source = held["spans"], copy.fields, copy.sources[number]
        self.cuts = [held["cuts"][low:high].tolist() for low, high in pairwise(held["cut_ends"].tolist())]
        self.header = header_of(self.source) if any(self.cuts) else []

    def short_by(self, stop: int) -> int:
        """How many more bytes are needed so that no record that is written anew is cut in two at `stop`."""
        at = int(np.searchsorted(self.spans[:, 1], stop, side="right"))
        inside = at < len(self.spans) and self.spans[at, 0] < stop and self.cuts[at]
        return int(self.spans[at, 1]) - stop if inside else 0

    def split(self, data: bytes, at: int) -> tuple[bytes, bytes, list[list[int]]]:
        """What stays and what goes of data that begin at a place; start and new size of records written anew."""
        low = int(np.searchsorted(self.spans[:, 1], at, side="right"))
        high = int(np.searchsorted(self.spans[:, 0], at + len(data), side="left"))
        if low >= high:
            return data, b"", []
        view, here, written = memoryview(data), 0, []
        outside: list[bytes | memoryview] = []
        inside: list[memoryview] = []
        for number, (start, stop) in enumerate(np.clip(self.spans[low:high] - at, 0, len(data)).tolist(), low):
            outside.append(view[here:start])
            inside.append(view[start:stop])
            here = stop
            if self.cuts[number]:
                anew = rewritten(bytes(view[start:stop]), self.cuts[number], self.source, self.fields, self.header)
                outside.append(anew)
                written.append([int(self.spans[number, 0]), len(anew)])
        outside.append(view[here:])
        return b"".join(outside), b"".join(inside), written

    def split_rows(self, frame: Any, at: int) -> tuple[Any, Any, list[list[int]]]:
        """The same of rows of a table that begin at a row."""
        import polars as pl

        low = int(np.searchsorted(self.spans[:, 0], at))
        high = int(np.searchsorted(self.spans[:, 0], at + len(frame)))
        if low >= high:
            return frame, frame.head(0), []
        places = (self.spans[low:high, 0] - at).tolist()
        anew = {place: self.cuts[low + number] for number, place in enumerate(places) if self.cuts[low + number]}
        stays = np.ones(len(frame), dtype=bool)
        stays[[place for place in places if place not in anew]] = False
        kept = frame
        if anew:
            column = frame[self.fields.text]
            new = [without(column[place], cuts) for place, cuts in anew.items()]
            kept = frame.with_columns(column.cast(pl.String).scatter(list(anew), new).cast(column.dtype))
        return kept.filter(pl.Series(stays)), frame[places], [[at + place, 1] for place in anew]


def copy_source(copy: Copy, number: int, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:
    """Copy one source piece by piece; a copy that was stopped is cut back to the last piece that was noted."""
    source = copy.sources[number]
    removals = _Removals(copy, number)
    if source.format == "parquet":
        yield from _copy_parquet(copy, number, removals, skip, last)
        return
    sums = last("sums").copy() if skip else np.zeros((3, 2), dtype=np.int64)
    files = [_cut_back(_copied(copy.folder, number, kind), int(sums[row][0])) for row, kind in enumerate(FILES)]
    step = copy.piece if source.packing else min(BLOCK, copy.piece)  # what is packed together stays together
    data = b"begin"
    with open_source(source) as file, files[0], files[1]:
        at = int(sums[2][0])
        _forward(file, at)
        while data:
            written, stop = [], at + copy.piece
            while data and at < stop:
                data = file.read(min(step, stop - at))
                data += _exactly(file, removals.short_by(at + len(data)))
                stays, goes, anew = removals.split(data, at)
                at += len(data)
                written += anew
                for row, part in enumerate((stays, goes)):
                    packed = pack(part, source.packing)
                    files[row].write(packed)
                    sums[row] = [sums[row][0] + len(packed), crc32(packed, int(sums[row][1]))]
                sums[2] = [at, crc32(data, int(sums[2][1]))]
            _flushed(files)
            if data:
                yield _noted(sums, written)
    yield _noted(sums, written)


def _copied(folder: Path, number: int, kind: str) -> Path:
    return folder / f"{number}.{kind}.partial"


def _forward(file: BinaryIO, at: int) -> None:
    """Go on to a place; packed data are read up to there."""
    if file.seekable():
        file.seek(at)
        return
    while at > 0:
        at -= len(file.read(min(at, 1 << 22))) or at


def _exactly(file: BinaryIO, count: int) -> bytes:
    parts = []
    while count > 0 and (data := file.read(count)):
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def _copy_parquet(
    copy: Copy, number: int, removals: _Removals, skip: int, last: Callable[[str], np.ndarray]
) -> Iterator[Arrays]:  # fmt: skip
    """Rows that stay and rows that go as two Parquet files, part by part; a row that loses a passage is in both."""
    source = copy.sources[number]
    frame, rows = parquet_frame(source), parquet_rows(source)
    step = rows_of_piece(source, rows, copy.piece)
    sums = last("sums").copy() if skip else np.zeros((3, 2), dtype=np.int64)
    done = last("done").tolist() if skip else [0, 0, 0, 0, 0]  # rows of the source; groups and rows of both files
    groups = [last(f"groups{row}").tobytes() if skip else b"" for row in (0, 1)]
    files = [_cut_back(_copied(copy.folder, number, kind), int(sums[row][0])) for row, kind in enumerate(FILES)]
    empty = frame.head(0).collect()

    def write(row: int, data: bytes) -> None:
        files[row].write(data)
        sums[row] = [sums[row][0] + len(data), crc32(data, int(sums[row][1]))]

    with files[0], files[1]:
        used = (0, 1) if len(removals.spans) else (0,)
        for row in used if not skip else ():
            write(row, MAGIC)
        for start in range(done[0], rows, step):
            *parts, written = removals.split_rows(frame.slice(start, step).collect(), start)
            for row in used:
                part = part_of(parts[row], int(sums[row][0]))
                write(row, part.pages)
                groups[row] += part.groups
                done[1 + 2 * row] += part.group_count
                done[2 + 2 * row] += part.rows
            done[0] = min(start + step, rows)
            _flushed(files)
            yield _noted(sums, written) | {
                "done": np.array(done), **{f"groups{row}": np.frombuffer(groups[row], np.uint8) for row in (0, 1)}
            }  # fmt: skip
        for row in used:
            write(row, footer_of(empty, groups[row], done[1 + 2 * row], done[2 + 2 * row]))
        _flushed(files)
    yield _noted(sums, [])


def _cut_back(path: Path, size: int) -> BinaryIO:
    """A file to be written on from a place on, which is its end."""
    path.touch()
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


def _flushed(files: list[BinaryIO]) -> None:
    for file in files:
        file.flush()


def _noted(sums: np.ndarray, written: list[list[int]]) -> Arrays:
    return {"sums": sums.copy(), "written": np.array(written, dtype=np.int64).reshape(-1, 2)}


def crc_of(path: Path) -> int:
    """The checksum of a file."""
    value = 0
    with path.open("rb") as file:
        while data := file.read(1 << 22):
            value = crc32(data, value)
    return value
