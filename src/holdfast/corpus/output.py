"""The last stage: every file without what was removed, what was removed beside it, and a table that says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from holdfast.corpus.scan import Arrays, Index
from holdfast.corpus.sources import Source, open_source, pack, parquet_frame
from holdfast.corpus.workspace import Workspace, write_text
from holdfast.engine.store import read_arrays, write_arrays

KEPT, REMOVED, WHOLE = "data", "removed", "original"


@dataclass(frozen=True)
class Copy:
    """What the shards of this stage share; `ranges` is the folder with the removed ranges of every source."""

    sources: list[Source]
    ranges: Path
    folder: Path
    piece: int


def write_outputs(place: Workspace, index: Index, removed: list[dict[str, Any]], piece: int) -> dict[str, Any]:
    """Copy all sources without the removed records; the manifest. `removed` rows are provenance, in no order."""
    rows = sorted(removed, key=lambda row: (row["file"], row["start"]))
    ranges = place.work / "ranges"
    ranges.mkdir(exist_ok=True)
    by_file: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        by_file.setdefault(row["file"], []).append((row["start"], row["stop"]))
    for number, source in enumerate(index.sources):
        spans = np.array(by_file.get(source.name, []), dtype=np.int64).reshape(-1, 2)
        write_arrays(ranges / f"{number}.piece", {"spans": spans})
    copies = place.work / "copies"
    copies.mkdir(exist_ok=True)
    shards, weights = list(range(len(index.sources))), [source.size for source in index.sources]
    copy = Copy(index.sources, ranges, copies, piece)
    stage, _ = place.stage("copied", copy_source, copy, shards, weights, "writing")
    manifest = {}
    for number, source in enumerate(index.sources):
        last = read_arrays(stage.pieces(number)[-1], ("sums",))["sums"]
        manifest[source.name] = {"format": source.format, "packing": source.packing} | {
            kind: {"bytes": int(size), "crc32": f"{int(total):08x}"}
            for kind, (size, total) in zip((KEPT, REMOVED, WHOLE), last, strict=True)
        }
        for kind in (KEPT, REMOVED):
            target = place.results / kind / source.name
            if (kind == KEPT or last[1][0]) and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _copied(copies, number, kind).replace(target)
    write_text(place.results / "manifest.json", json.dumps(manifest, indent=1))
    write_text(place.results / "provenance.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return manifest


def copy_source(copy: Copy, number: int, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:
    """Copy one source piece by piece; a copy that was stopped is cut back to the last piece that was noted."""
    source = copy.sources[number]
    spans = read_arrays(copy.ranges / f"{number}.piece", ("spans",))["spans"]
    if source.format == "parquet":
        yield _copy_parquet(copy, number, spans)
        return
    sums = last("sums").copy() if skip else np.zeros((3, 2), dtype=np.int64)
    paths = [_copied(copy.folder, number, kind) for kind in (KEPT, REMOVED)]
    for path in paths:
        path.touch()
    with open_source(source) as file, paths[0].open("r+b") as kept, paths[1].open("r+b") as removed:
        for target, row in ((kept, 0), (removed, 1)):
            target.truncate(int(sums[row][0]))
            target.seek(int(sums[row][0]))
        at = int(sums[2][0])
        _forward(file, at)
        while True:
            data = file.read(copy.piece)
            pieces = _split(data, at, spans)
            at += len(data)
            for target, row, part in ((kept, 0, pieces[0]), (removed, 1, pieces[1])):
                packed = pack(part, source.packing)
                target.write(packed)
                sums[row] += [len(packed), 0]
                sums[row][1] = crc32(packed, int(sums[row][1]))
            sums[2] = [at, crc32(data, int(sums[2][1]))]
            kept.flush()
            removed.flush()
            if not data:
                break
            yield {"sums": sums.copy()}
    yield {"sums": sums.copy()}


def _copied(folder: Path, number: int, kind: str) -> Path:
    return folder / f"{number}.{kind}.partial"


def _forward(file: BinaryIO, at: int) -> None:
    """Go on to a place; packed data are read up to there."""
    if file.seekable():
        file.seek(at)
        return
    while at > 0:
        at -= len(file.read(min(at, 1 << 22))) or at


def _split(data: bytes, at: int, spans: np.ndarray) -> tuple[bytes, bytes]:
    """Bytes outside and inside the spans, of data that begin at a place."""
    low = int(np.searchsorted(spans[:, 1], at, side="right"))
    high = int(np.searchsorted(spans[:, 0], at + len(data), side="left"))
    if low >= high:
        return data, b""
    view, outside, inside, here = memoryview(data), [], [], 0
    for start, stop in np.clip(spans[low:high] - at, 0, len(data)).tolist():
        outside.append(view[here:start])
        inside.append(view[start:stop])
        here = stop
    outside.append(view[here:])
    return b"".join(outside), b"".join(inside)


def _copy_parquet(copy: Copy, number: int, spans: np.ndarray) -> Arrays:
    """Rows outside and inside the spans, as two Parquet files."""
    import polars as pl

    source = copy.sources[number]
    rows = np.concatenate([np.arange(start, stop) for start, stop in spans.tolist()] + [np.empty(0, dtype=np.int64)])
    frame = parquet_frame(source).with_row_index("__row")
    chosen = pl.col("__row").is_in(pl.Series(rows, dtype=pl.UInt32).implode())
    sums = np.zeros((3, 2), dtype=np.int64)
    for line, (kind, condition) in enumerate(((KEPT, ~chosen), (REMOVED, chosen))):
        path = _copied(copy.folder, number, kind)
        if kind == KEPT or len(rows):
            frame.filter(condition).drop("__row").sink_parquet(path)
            sums[line] = [path.stat().st_size, crc_of(path)]
    return {"sums": sums}


def crc_of(path: Path) -> int:
    """The checksum of a file."""
    value = 0
    with path.open("rb") as file:
        while data := file.read(1 << 22):
            value = crc32(data, value)
    return value
