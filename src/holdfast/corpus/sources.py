"""The files of a corpus: found, recognised, opened, cut into shards; local ones and those behind any fsspec URL."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "text", ".text": "text", ".csv": "csv",
           ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}  # fmt: skip
PACKINGS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
SMALLEST, LARGEST = 1 << 19, 1 << 24  # bytes of a piece of work
PIECES = 120  # so many in a corpus, so that less than one percent of the work is lost where a run is killed


def wrong(message: str) -> ValueError:
    """An `InputError`, imported when it is needed."""
    from holdfast.audit.load.errors import InputError

    return InputError(message)


@dataclass(frozen=True)
class Source:
    """One file: where it is, its name in the output, what it holds, how it is packed, its size and time of change."""

    path: str
    name: str
    format: str
    packing: str
    size: int
    changed: str

    @property
    def seekable(self) -> bool:
        """Whether work can begin in the middle of it."""
        return not self.packing and self.format in ("jsonl", "text")


class Shard(NamedTuple):
    """A part of a source that one worker goes through: bytes (rows of Parquet) from start to stop, -1 for the end."""

    source: int
    start: int
    stop: int


def find_sources(inputs: Sequence[str | Path]) -> list[Source]:
    """All files that were named, or lie in the folders that were named, in order."""
    found: list[Source] = []
    for given in [inputs] if isinstance(inputs, (str, Path)) else inputs:
        found += _remote(str(given)) if "://" in str(given) else _local(Path(given))
    if not found:
        raise wrong("no files were given. Name files or folders of JSON Lines, Parquet, CSV or text.")
    names = [source.name for source in found]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise wrong(f"two inputs would both be written as {twice!r}. Give the folder above them instead.")
    return found


def open_source(source: Source) -> BinaryIO:
    """Its bytes, unpacked."""
    file: Any
    if "://" in source.path:
        import fsspec

        try:
            file = fsspec.open(source.path, "rb").open()
        except Exception as problem:
            raise wrong(f"{source.path} cannot be read: {type(problem).__name__}: {problem}") from None
    else:
        file = open(source.path, "rb")  # noqa: SIM115 - handed on
    if source.packing == "gzip":
        unpacked = gzip.GzipFile(fileobj=file)
        unpacked.myfileobj = file  # so that it is closed too
        return unpacked  # type: ignore[return-value]
    if source.packing == "zstd":
        return io.BufferedReader(_zstandard().ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file


def cut(sources: Sequence[Source]) -> tuple[list[Shard], list[int], int]:
    """Shards, their weights, and the bytes of one piece of work."""
    total = sum(source.size for source in sources)
    piece = min(max(total // PIECES, SMALLEST), LARGEST)
    shards, weights = [], []
    for number, source in enumerate(sources):
        if source.format == "parquet":
            rows = parquet_rows(source)
            step = rows_of_piece(source, rows, piece)
            edges = [*range(0, rows, step), rows]
            weight = source.size * step // max(rows, 1)
        elif source.seekable:
            edges, weight = [*range(0, source.size, piece), source.size], piece
        else:
            edges, weight = [0, -1], source.size
        for start, stop in pairwise(edges):
            shards.append(Shard(number, start, stop))
            weights.append(max(weight, 1))
    return shards, weights, piece


def rows_of_piece(source: Source, rows: int, piece: int) -> int:
    """How many rows of a Parquet file make a piece of work."""
    return max(1, rows * piece // max(source.size, 1))


def parquet_frame(source: Source) -> Any:
    """A lazy frame of a Parquet file; one behind a URL is read whole."""
    import polars as pl

    if "://" not in source.path:
        return pl.scan_parquet(source.path)
    return pl.scan_parquet(io.BytesIO(_fetched(source)))


@lru_cache(maxsize=1)
def _fetched(source: Source) -> bytes:
    """All bytes of a source, kept while it is the one that is worked on."""
    with open_source(source) as file:
        return file.read()


def parquet_rows(source: Source) -> int:
    """How many rows a Parquet file has."""
    import polars as pl

    try:
        return int(parquet_frame(source).select(pl.len()).collect().item())
    except Exception as problem:
        raise wrong(f"{source.path} cannot be read as Parquet: {problem}") from None


def pack(data: bytes, packing: str) -> bytes:
    """Bytes as one member of a packed file: such members may follow each other."""
    if not data or not packing:
        return data
    if packing == "gzip":
        return gzip.compress(data, 6, mtime=0)
    return _zstandard().ZstdCompressor(level=3).compress(data)


def _local(path: Path) -> list[Source]:
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file() and _kind(one.name)[0] and _seen(one, path))
        if not files:
            raise wrong(f"{path}: no file in this folder ends in {', '.join(FORMATS)} (also .gz, .zst).")
        return [_local_file(one, str(one.relative_to(path))) for one in files]
    if not path.exists():
        near = get_close_matches(path.name, [one.name for one in path.parent.glob("*")], n=1)
        raise wrong(f"{path} does not exist.{f' Did you mean {path.parent / near[0]}?' if near else ''}")
    return [_local_file(path, path.name)]


def _seen(file: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _local_file(path: Path, name: str) -> Source:
    state = path.stat()
    kind, packing = _kind(path.name)
    with path.open("rb") as file:
        head = file.read(4096)
    packing = "gzip" if head[:2] == b"\x1f\x8b" else "zstd" if head[:4] == b"\x28\xb5\x2f\xfd" else ""
    if not kind:
        raise wrong(f"{path}: the name says no format. It should end in {', '.join(FORMATS)} (also .gz, .zst).")
    source = Source(str(path), name, kind, packing, state.st_size, str(state.st_mtime_ns))
    if packing and kind != "parquet":
        with open_source(source) as unpacked:
            try:
                head = unpacked.read(4096)
            except Exception as problem:
                raise wrong(f"{path}: the {packing} data are damaged ({problem}).") from None
    if kind != "parquet" and b"\0" in head:
        raise wrong(f"{path} looks binary: there are zero bytes at its beginning. Expected {kind}.")
    return source


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it."""
    try:
        import fsspec
    except ModuleNotFoundError:
        raise wrong(f"{url}: URLs need fsspec: pip install 'holdfast[corpus]'") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except Exception as problem:
        raise wrong(f"{url} cannot be opened: {type(problem).__name__}: {problem}") from None
    return system, path.rstrip("/")


def _remote(url: str) -> list[Source]:
    system, path = file_system(url)
    try:
        if not system.exists(path):
            raise FileNotFoundError("there is nothing of this name")
        paths = sorted(system.find(path)) if system.isdir(path) else [path]
        found = []
        for one in paths:
            kind, packing = _kind(one)
            if not kind:
                if len(paths) > 1:
                    continue
                raise ValueError(f"the name says no format; it should end in {', '.join(FORMATS)} (also .gz, .zst)")
            about = system.info(one)
            changed = str(about.get("mtime") or about.get("etag") or about.get("LastModified") or "")
            name = one[len(path) :].strip("/") or one.rpartition("/")[2]
            found.append(Source(system.unstrip_protocol(one), name, kind, packing, int(about["size"]), changed))
        if not found:
            raise ValueError(f"no file in this folder ends in {', '.join(FORMATS)} (also .gz, .zst)")
        return found
    except Exception as problem:
        raise wrong(f"{url} cannot be read: {type(problem).__name__}: {problem}") from None


def _kind(name: str) -> tuple[str, str]:
    """Format and packing as the name says."""
    ends = re.findall(r"\.[A-Za-z0-9]+", name.rpartition("/")[2].lower())
    packing = PACKINGS.get(ends[-1], "") if ends else ""
    if packing:
        ends = ends[:-1]
    return (FORMATS.get(ends[-1], "") if ends else ""), packing


def _zstandard() -> Any:
    try:
        import zstandard
    except ModuleNotFoundError:
        raise wrong("files packed with zstd need zstandard: pip install 'holdfast[corpus]'") from None
    return zstandard
