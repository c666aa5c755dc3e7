"""Arrays in one file, written aside and renamed, every array with a checksum that is looked at when it is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

MAGIC = b"HFSTORE1"
try:  # several times as fast; a run goes on only where the same is installed
    from xxhash import xxh3_64_intdigest as _sum
except ModuleNotFoundError:
    from zlib import crc32 as _sum  # type: ignore[assignment]


class DamagedFileError(ValueError):
    """A stage file is not as it was written. It has been deleted, so that the same command makes it again."""


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """All arrays in one file that is there whole or not at all."""
    heads, offset = {}, 0
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        heads[name] = [array.dtype.str, list(array.shape), offset, _checksum(array)]
        offset += array.nbytes
    head = json.dumps(heads).encode()
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(MAGIC + len(head).to_bytes(8, "little") + head)
            for array in arrays.values():
                file.write(array.reshape(-1).view(np.uint8).data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_array(path: Path, name: str) -> np.ndarray:
    """One of the arrays, checked; a damaged file is deleted and `DamagedFileError` raised."""
    return read_arrays(path, (name,))[name]


def read_arrays(path: Path, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """The arrays, checked; where some are named, the others are not read."""
    with path.open("rb") as file:
        try:
            heads, base = _heads(file.read(16), file)
            found = {}
            for name in heads if names is None else names:
                dtype, shape, offset, checksum = heads[name]
                file.seek(base + offset)
                size = int(np.prod(shape)) * np.dtype(dtype).itemsize
                data = file.read(size)
                if len(data) != size:
                    raise ValueError("shorter than it was written")
                found[name] = np.frombuffer(data, dtype=dtype).reshape(shape)
                if _checksum(found[name]) != checksum:
                    raise ValueError(f"the checksum of {name!r} does not hold")
            return found
        except (ValueError, KeyError) as problem:
            path.unlink(missing_ok=True)
            raise DamagedFileError(
                f"{path} is damaged ({problem}). It was deleted: the same command makes it again and goes on."
            ) from None


def array_place(path: Path, name: str) -> tuple[int, np.dtype]:
    """Where in the file an array begins and its type, for reading parts of it, which no checksum covers."""
    with path.open("rb") as file:
        heads, base = _heads(file.read(16), file)
    return base + heads[name][2], np.dtype(heads[name][0])


def _heads(start: bytes, file) -> tuple[dict[str, list], int]:  # type: ignore[no-untyped-def]
    if start[:8] != MAGIC:
        raise ValueError("its beginning is not ours")
    size = int.from_bytes(start[8:], "little")
    if size > 1 << 24:
        raise ValueError("its head cannot be so long")
    return json.loads(file.read(size)), 16 + size


def _checksum(array: np.ndarray) -> int:
    return _sum(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
