"""Documents, piece by piece: where each begins and ends in its file, its text and its name; what is broken, and why."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np

from holdfast.corpus.digests import digests, digests_of
from holdfast.corpus.plain_json import loads
from holdfast.corpus.sources import Shard, Source, open_source, parquet_frame, wrong

if TYPE_CHECKING:
    from holdfast.ops.json_lines import Lines

BLOCK = 1 << 18  # bytes that are parsed at a time: they and what is made of them stay in the processor's cache
MAX_DOCUMENT = 64 << 20  # bytes of a record: larger ones are passed on and not looked at


Wanted = Literal["texts", "hashes", "arrays"]


@dataclass(frozen=True)
class Fields:
    """What the fields of a record are called."""

    text: str = "text"
    id: str = "id"


@dataclass
class Piece:
    """Documents of one piece of work. Places are bytes of the unpacked file (rows of Parquet), lines count from 0 here.

    `broken` has a place, a line and a reason each; `large` records are passed on without a look.
    """

    texts: list[str] = field(default_factory=list)
    hashed: list[bytes] = field(default_factory=list)  # instead of the texts, where only those are asked for
    ids: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: list[tuple[int, int, int, str]] = field(default_factory=list)
    large: list[tuple[int, int, int, str]] = field(default_factory=list)
    replaced: int = 0  # records whose bytes were no UTF-8: compared with the bad bytes replaced, kept as they are
    line_count: int = 0
    stop: int = 0  # where the piece ends

    def add_all(self, ids: list[Any], ends: list[int]) -> None:
        """Documents that follow each other, a line each, with where the first begins and each ends; not their texts."""
        self.starts += ends[:-1]
        self.stops += ends[1:]
        self.ids += ["" if name is None else name if type(name) is str else str(name) for name in ids]
        self.lines += range(self.line_count, self.line_count + len(ids))
        self.line_count, self.stop = self.line_count + len(ids), ends[-1]

    def add(self, start: int, stop: int, line: int, text: str, name: Any) -> None:
        """One more document."""
        self.texts.append(text)
        self.ids.append("" if name is None else str(name))
        self.starts.append(start)
        self.stops.append(stop)
        self.lines.append(line)

    def places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where every document begins and ends, and its line."""
        return np.array(self.starts), np.array(self.stops), np.array(self.lines)

    def hashes(self) -> list[bytes]:
        """Of every text the hash."""
        return self.hashed or digests(self.texts)

    def name_hashes(self) -> Iterable[bytes]:
        """Of every name the hash."""
        return digests(self.ids)

    def text_buffer(self) -> tuple[np.ndarray, np.ndarray]:
        """All texts as UTF-8, one after the other, and the starts of each, `(n + 1,)`."""
        return _joined(self.texts)

    def name_buffer(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of the names."""
        return _joined(self.ids)


class ArrayPiece(Piece):
    """A piece that compiled code has read, in which nothing is wrong: arrays only, neither texts nor ids."""

    def __init__(self, blocks: list[Lines], start: int) -> None:
        self._ends = start + _after_each_other([block.line_starts for block in blocks])
        super().__init__(line_count=len(self._ends) - 1, stop=int(self._ends[-1]))
        self._text, self._names = (
            (np.concatenate([block[at] for block in blocks]), _after_each_other([block[at + 1] for block in blocks]))
            for at in (0, 2)
        )

    def places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Piece`."""
        return self._ends[:-1], self._ends[1:], np.arange(self.line_count)

    def name_hashes(self) -> Iterable[bytes]:
        """See `Piece`."""
        return digests_of(*self._names)

    def text_buffer(self) -> tuple[np.ndarray, np.ndarray]:
        """See `Piece`."""
        return self._text

    def name_buffer(self) -> tuple[np.ndarray, np.ndarray]:
        """See `Piece`."""
        return self._names


def _after_each_other(starts: list[np.ndarray]) -> np.ndarray:
    """Starts and last ends (n + 1) of parts that are put one after the other."""
    offsets = np.cumsum([0, *(part[-1] for part in starts)])
    parts = [part[1:] + offset for part, offset in zip(starts, offsets, strict=False)]
    return np.concatenate([np.zeros(1, dtype=np.int64), *parts])


def _joined(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    starts = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), starts


def read_pieces(
    source: Source, shard: Shard, size: int, fields: Fields, skip: int = 0, wanted: Wanted = "texts"
) -> Iterator[Piece]:  # fmt: skip
    """The pieces of a shard, without the first `skip`.

    With "hashes" a piece need not hold texts, with "arrays" it may be an `ArrayPiece`.
    """
    if source.format == "parquet":
        if not skip:
            yield _parquet_piece(source, shard, fields)
        return
    with open_source(source) as file:
        try:
            if source.format == "csv":
                yield from _csv_pieces(file, source, size, fields, skip)
            else:
                yield from _line_pieces(file, source, shard, size, fields, skip, wanted)
        except (EOFError, OSError) as problem:
            if isinstance(problem, OSError) and problem.errno is not None:
                raise
            raise wrong(f"{source.path}: the packed data end too early or are damaged ({problem}).") from None


def _line_pieces(
    file: BinaryIO, source: Source, shard: Shard, size: int, fields: Fields, skip: int, wanted: Wanted
) -> Iterator[Piece]:  # fmt: skip
    at = _first_line(file, shard.start)
    if source.format == "jsonl" and source.seekable and at < shard.stop and not skip:
        quick = _quick_piece(file, at, shard.stop, fields, wanted)
        if quick is not None:
            yield quick
            return
        file.seek(at)
    yield from _slow_pieces(file, source, shard, size, fields, skip, at)


def _slow_pieces(
    file: BinaryIO, source: Source, shard: Shard, size: int, fields: Fields, skip: int, at: int
) -> Iterator[Piece]:
    """Line by line, so that whatever is wrong is found in its place."""
    parse = _json_record if source.format == "jsonl" else _text_record
    number = 0
    while shard.stop < 0 or at < shard.stop:
        piece, end = Piece(), at + size if shard.stop < 0 else shard.stop
        line_number = 0
        while at < end:
            line = file.readline(MAX_DOCUMENT + 1)
            if not line:
                break
            start, at = at, at + len(line)
            if len(line) > MAX_DOCUMENT:
                at = _rest_of_line(file, line, at)
                piece.large.append((start, at, line_number, f"{at - start} bytes"))
            elif number >= skip and not line.isspace():
                parse(line, start, at, line_number, fields, piece, source)
            line_number += 1
        piece.line_count, piece.stop = line_number, at
        if not line_number:
            return
        if number >= skip:
            yield piece
        number += 1


def _quick_piece(file: BinaryIO, at: int, stop: int, fields: Fields, wanted: Wanted) -> Piece | None:
    """A piece in which nothing is wrong, parsed in blocks; None where something is, so that it is looked at by line."""
    if wanted == "arrays":
        piece = _array_piece(file, at, stop, fields)
        if piece is not None:
            return piece
        file.seek(at)
    return _listed_piece(file, at, stop, fields, wanted)


def _blocks(file: BinaryIO, at: int, stop: int) -> Iterator[bytes]:
    """Whole lines, as long as they begin before `stop`; the last line of a file may have no end."""
    while at < stop:
        data = file.read(min(BLOCK, stop - at))
        if not data.endswith(b"\n"):
            data += file.readline(MAX_DOCUMENT)
        at += len(data)
        yield data


def _array_piece(file: BinaryIO, at: int, stop: int, fields: Fields) -> Piece | None:
    from holdfast.ops.json_lines import read_lines

    blocks = []
    for data in _blocks(file, at, stop):
        held = read_lines(data, fields.text, fields.id)
        if held is None:
            return None
        blocks.append(held)
    return ArrayPiece(blocks, at)


def _listed_piece(file: BinaryIO, at: int, stop: int, fields: Fields, wanted: Wanted) -> Piece | None:
    piece = Piece()
    for data in _blocks(file, at, stop):
        lines = data.split(b"\n")
        if lines[-1]:
            return None  # the last line has no end, or is very long
        del lines[-1]
        try:
            records = [loads(line) for line in lines]
            texts = [record[fields.text] for record in records]
            ids = [record.get(fields.id) for record in records]
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if not all(type(text) is str for text in texts):
            return None
        piece.add_all(ids, list(accumulate((len(line) + 1 for line in lines), initial=at)))
        at = piece.stop
        if wanted == "hashes":
            piece.hashed += digests(texts)
        else:
            piece.texts += texts
    return piece


def _first_line(file: BinaryIO, start: int) -> int:
    """Go to the first line that begins at `start` or later."""
    if start == 0:
        return 0
    file.seek(start - 1)
    at = start - 1
    while True:
        line = file.readline(MAX_DOCUMENT)
        at += len(line)
        if not line or line.endswith(b"\n"):
            return at


def _rest_of_line(file: BinaryIO, line: bytes, at: int) -> int:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_DOCUMENT)
        at += len(line)
    return at


def _json_record(line: bytes, start: int, stop: int, number: int, fields: Fields, piece: Piece, source: Source) -> None:
    try:
        record = loads(line)
    except ValueError:
        record = _patient(line, start, stop, number, piece)
        if record is None:
            return
    if not isinstance(record, dict):
        piece.broken.append((start, stop, number, f"a JSON {type(record).__name__}, not an object with fields"))
        return
    text = record.get(fields.text)
    if isinstance(text, str):
        piece.add(start, stop, number, text, record.get(fields.id))
        return
    if fields.text not in record and start == 0:
        raise wrong(f"{source.path}: no field {fields.text!r}.{_hint(fields.text, list(record))}")
    reason = f"no field {fields.text!r}" if fields.text not in record else f"{fields.text!r} holds no text"
    piece.broken.append((start, stop, number, reason))


def _patient(line: bytes, start: int, stop: int, number: int, piece: Piece) -> Any:
    """What the fast parser refuses: half surrogates, NaN and bytes that are no UTF-8 are taken as they are meant."""
    try:
        record = json.loads(line.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError) as problem:
        piece.broken.append((start, stop, number, f"broken JSON: {problem}"))
        return None
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        piece.replaced += 1
    return record


def _text_record(line: bytes, start: int, stop: int, number: int, fields: Fields, piece: Piece, source: Source) -> None:  # noqa: ARG001
    text = line.decode("utf-8", errors="replace")
    piece.replaced += "\ufffd" in text and b"\xef\xbf\xbd" not in line
    piece.add(start, stop, number, text.rstrip("\r\n"), None)


def _csv_pieces(file: BinaryIO, source: Source, size: int, fields: Fields, skip: int) -> Iterator[Piece]:
    """CSV records; a quoted cell may go over many lines, so that work begins at the beginning only."""
    rows = _CsvRows(file, source, fields)
    for number in count():
        piece, start, first_line = Piece(), rows.bytes, rows.lines
        while rows.bytes < start + size and rows.read(piece, first_line):
            pass
        piece.line_count, piece.stop = rows.lines - first_line, rows.bytes
        if not piece.line_count:
            return
        if number >= skip:
            yield piece


class _CsvRows:
    """Records of a CSV file with the bytes and lines that each takes."""

    def __init__(self, file: BinaryIO, source: Source, fields: Fields) -> None:
        csv.field_size_limit(MAX_DOCUMENT)
        self.bytes = self.lines = 0
        self.file = file
        self.rows = csv.reader(self._taken(), delimiter="\t" if ".tsv" in source.name.lower() else ",")
        header = [name.removeprefix("\ufeff") for name in next(self.rows, [])]
        if fields.text not in header:
            raise wrong(f"{source.path}: no column {fields.text!r}.{_hint(fields.text, header)}")
        self.width, self.text = len(header), header.index(fields.text)
        self.id = header.index(fields.id) if fields.id in header else None

    def _taken(self) -> Iterator[str]:
        for line in self.file:
            self.bytes += len(line)
            self.lines += 1
            yield line.decode("utf-8", errors="replace")

    def read(self, piece: Piece, first_line: int) -> bool:
        """Take one record into a piece; false at the end."""
        start, line = self.bytes, self.lines - first_line
        try:
            row = next(self.rows, None)
        except csv.Error as problem:
            piece.broken.append((start, self.bytes, line, f"broken CSV: {problem}"))
            return True
        if row is None:
            return False
        if row and len(row) != self.width:
            reason = f"{len(row)} cells where the header has {self.width}"
            piece.broken.append((start, self.bytes, line, reason))
        elif row:
            piece.add(start, self.bytes, line, row[self.text], None if self.id is None else row[self.id])
        return True


def _parquet_piece(source: Source, shard: Shard, fields: Fields) -> Piece:
    frame = parquet_frame(source)
    names = frame.collect_schema().names()
    if fields.text not in names:
        raise wrong(f"{source.path}: no column {fields.text!r}.{_hint(fields.text, names)}")
    wanted = [fields.text] + ([fields.id] if fields.id in names and fields.id != fields.text else [])
    rows = frame.select(wanted).slice(shard.start, shard.stop - shard.start).collect()
    ids = rows[fields.id].to_list() if fields.id in rows.columns else [None] * len(rows)
    piece = Piece(line_count=len(rows), stop=shard.stop)
    for number, (text, name) in enumerate(zip(rows[fields.text].to_list(), ids, strict=True)):
        if isinstance(text, str):
            piece.add(shard.start + number, shard.start + number + 1, number, text, name)
        else:
            place = shard.start + number
            piece.broken.append((place, place + 1, number, f"{fields.text!r} holds no text"))
    return piece


def _hint(name: str, names: list[str]) -> str:
    usual = [other for other in ("text", "content", "raw_content", "document", "body", "markdown") if other in names]
    close = (get_close_matches(name, names, n=1, cutoff=0.6) or usual)[:1]
    return (f" Did you mean {close[0]!r}?" if close else "") + f" It has: {', '.join(map(str, names[:20]))}."
