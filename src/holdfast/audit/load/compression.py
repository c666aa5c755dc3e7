"""Undo gzip and zstd, within a limit."""

from __future__ import annotations

import gzip
import io
from typing import Any

from holdfast.audit.load.errors import InputError

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
LIMIT = 4 << 30  # bytes after decompression: a small file must not be able to fill the memory
STEP = 1 << 22


def decompress(data: bytes, path: str, limit: int = LIMIT) -> bytes:
    """The content of a gzip or zstd file; anything else comes back as it is. Nested twice at most."""
    for _ in range(2):
        if data.startswith(GZIP):
            data = _drain(gzip.GzipFile(fileobj=io.BytesIO(data)), path, "gzip", limit)
        elif data.startswith(ZSTD):
            data = _drain(_open_zstd(data, path), path, "zstd", limit)
        else:
            break
    return data


def _drain(stream: Any, path: str, name: str, limit: int) -> bytes:
    content = bytearray()
    try:
        while piece := stream.read(STEP):
            content += piece
            if len(content) > limit:
                raise InputError(
                    f"{path} unpacks to more than {limit / 2**30:.3g} GiB; expected at most that from a {name} file. "
                    "Is it what you meant? For larger data use Parquet."
                )
    except InputError:
        raise
    except EOFError:
        raise InputError(
            f"{path} ends too early: the {name} data stops after {len(content):,} unpacked bytes. "
            "Was the download or copy interrupted? Fetch the file again."
        ) from None
    except MemoryError:
        raise InputError(f"{path} does not fit into memory when unpacked. Save it as Parquet.") from None
    except Exception as error:  # zlib's, the zstd libraries' own, OSError
        raise InputError(f"{path} is damaged: its {name} data cannot be unpacked ({error}). Fetch it again.") from None
    return bytes(content)


def _open_zstd(data: bytes, path: str) -> Any:
    """Whatever here can unpack zstd: Python 3.14, zstandard, pyarrow, or polars line by line."""
    try:
        from compression import zstd

        return zstd.ZstdFile(io.BytesIO(data))
    except ImportError:
        pass
    try:
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True)
    except ImportError:
        pass
    try:
        import pyarrow

        return pyarrow.CompressedInputStream(pyarrow.BufferReader(data), "zstd")
    except ImportError:
        return io.BytesIO(_lines_by_polars(data, path))


def _lines_by_polars(data: bytes, path: str) -> bytes:
    """polars unpacks zstd only while it reads a CSV: read one as lines, without quotes or delimiters."""
    import polars as pl

    try:
        lines = pl.read_csv(
            io.BytesIO(data), has_header=False, separator="\x1f", quote_char=None, schema={"line": pl.String}
        )
    except Exception as error:
        raise InputError(
            f"{path} is zstd data that cannot be read without a zstd library ({error}). "
            "Install one (pip install zstandard) or unpack the file first."
        ) from None
    return "\n".join(lines["line"].fill_null("").to_list()).encode()
