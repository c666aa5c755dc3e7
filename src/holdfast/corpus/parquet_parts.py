"""Parquet written part by part, so that what was written stays when a run is killed: parts are joined byte for byte.

A Parquet file is pages of data and a footer that says where they are. Every part is written as a file of its own by
polars; its pages are copied as they are, and what its footer says of them is moved to where they stand then. The footer
is Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md, its
fields are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

MAGIC = b"PAR1"
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12
ROWS, ROW_GROUPS = 3, 4  # fields of the footer
COLUMNS, GROUP_ROWS, GROUP_OFFSET, ORDINAL = 1, 3, 5, 7  # of a group of rows
COLUMN_OFFSET, ABOUT, PAGE_INDEXES = 2, 3, (4, 5, 6, 7)  # of a column in it
PLACES = (9, 10, 11, 14)  # of what a column says of itself: pages, index, dictionary, Bloom filter

Struct = dict[int, tuple[int, Any]]  # number of a field -> its type and value


class Part(NamedTuple):
    """Pages of some rows; what the footer must say of them, written out; how many groups and rows these are."""

    pages: bytes
    groups: bytes
    group_count: int
    rows: int


def part_of(frame: Any, at: int) -> Part:
    """The rows of a frame as pages that stand at a place in a file; a frame without rows has none."""
    if not len(frame):
        return Part(b"", b"", 0, 0)
    data = _written(frame)
    footer, end = _footer(data)
    shift = at - len(MAGIC)
    groups = footer[ROW_GROUPS][1][1]
    out = io.BytesIO()
    for group in groups:
        _move(group, shift)
        _write_value(out, STRUCT, group)
    return Part(data[len(MAGIC) : end], out.getvalue(), len(groups), len(frame))


def footer_of(empty: Any, groups: bytes, count: int, rows: int) -> bytes:
    """What ends a file of these groups: its footer with the schema of a frame without rows, its length, the mark."""
    footer, _ = _footer(_written(empty))
    footer[ROWS] = (I64, rows)
    footer[ROW_GROUPS] = (LIST, (STRUCT, []))
    out = io.BytesIO()
    _write_struct(out, footer, {ROW_GROUPS: _list_head(count, STRUCT) + groups})
    data = out.getvalue()
    return data + len(data).to_bytes(4, "little") + MAGIC


def _written(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def _footer(data: bytes) -> tuple[Struct, int]:
    """The footer of a file, and where it begins."""
    size = int.from_bytes(data[-8:-4], "little")
    begin = len(data) - 8 - size
    return _read_struct(io.BytesIO(data[begin:-8])), begin


def _move(group: Struct, shift: int) -> None:
    """Change all places in what is said of a group of rows. Page indexes hold places of their own and are left out."""
    for column in group[COLUMNS][1][1]:
        for field in PAGE_INDEXES:
            column.pop(field, None)
        _shift(column, COLUMN_OFFSET, shift)
        if ABOUT in column:
            for field in PLACES:
                _shift(column[ABOUT][1], field, shift)
    _shift(group, GROUP_OFFSET, shift)
    group.pop(ORDINAL, None)


def _shift(struct: Struct, field: int, shift: int) -> None:
    if field in struct and struct[field][1] > 0:
        struct[field] = (I64, struct[field][1] + shift)


def _read_struct(data: io.BytesIO) -> Struct:
    found: Struct = {}
    field = 0
    while head := data.read(1)[0]:
        delta, kind = head >> 4, head & 15
        field = field + delta if delta else _zigzag(data)
        found[field] = (kind, _read_value(data, kind))
    return found


def _read_value(data: io.BytesIO, kind: int) -> Any:
    if kind in (TRUE, FALSE):
        return kind == TRUE
    if kind == BYTE:
        return data.read(1)
    if kind in (I16, I32, I64):
        return _zigzag(data)
    if kind == DOUBLE:
        return data.read(8)
    if kind == BINARY:
        return data.read(_varint(data))
    if kind in (LIST, SET):
        head = data.read(1)[0]
        size, inner = head >> 4, head & 15
        size = _varint(data) if size == 15 else size
        return inner, [data.read(1) if inner in (TRUE, FALSE) else _read_value(data, inner) for _ in range(size)]
    if kind == STRUCT:
        return _read_struct(data)
    raise ValueError(f"a Parquet footer with a field of type {kind}, which is none of its types.")


def _write_struct(out: io.BytesIO, struct: Struct, written: dict[int, bytes]) -> None:
    """All fields; those in `written` are written already."""
    before = 0
    for field, (kind, value) in sorted(struct.items()):
        kind = (TRUE if value else FALSE) if kind in (TRUE, FALSE) else kind
        delta = field - before
        out.write(bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + _as_zigzag(field))
        before = field
        if field in written:
            out.write(written[field])
        elif kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
    out.write(b"\0")


def _write_value(out: io.BytesIO, kind: int, value: Any) -> None:
    if kind in (TRUE, FALSE, BYTE, DOUBLE):
        out.write(value)
    elif kind in (I16, I32, I64):
        out.write(_as_zigzag(value))
    elif kind == BINARY:
        out.write(_as_varint(len(value)) + value)
    elif kind in (LIST, SET):
        out.write(_list_head(len(value[1]), value[0]))
        for one in value[1]:
            _write_value(out, value[0], one)
    else:
        _write_struct(out, value, {})


def _list_head(size: int, kind: int) -> bytes:
    return bytes([size << 4 | kind]) if size < 15 else bytes([15 << 4 | kind]) + _as_varint(size)


def _varint(data: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = data.read(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _zigzag(data: io.BytesIO) -> int:
    value = _varint(data)
    return value >> 1 ^ -(value & 1)


def _as_zigzag(value: int) -> bytes:
    return _as_varint(value << 1 ^ value >> 63)
