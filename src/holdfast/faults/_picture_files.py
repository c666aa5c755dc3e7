"""Columns of paths to pictures: changed copies are written beside, the files themselves are only read."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from holdfast.faults._rows import column_of, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth

Change = Callable[[np.ndarray], np.ndarray]


def corrupt_files(tables: Tables, name: str, strength: float, change: Change) -> tuple[Tables, Truth]:
    """Changed copies of all pictures of the test table, in a new folder inside `tables.pictures`; paths lead there.

    Copies are PNG, which loses nothing, in grey or in colour as the file is, at its own size; black is 0 and white 255.
    """
    test = need_test(tables)
    paths = column_of(test, name).to_list()
    if not tables.pictures:
        raise CannotPlant(
            f"{name!r} holds paths, and it was not said where changed copies may be written: Tables(pictures=DIR)."
        )
    if strength == 0:
        return tables, Truth(test_rows=np.zeros(len(paths), dtype=bool), columns=(name,), note="nothing planted")
    Path(tables.pictures).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="pictures-", dir=tables.pictures))
    try:
        written, differs = _copied(paths, name, change, folder)
    except BaseException:  # one that cannot be read leaves no others behind
        shutil.rmtree(folder, ignore_errors=True)
        raise
    note = f"{differs.sum():,} test pictures changed at severity {strength:g}; copies in {folder}"
    truth = Truth(test_rows=differs, columns=(name,), amount=strength if differs.any() else 0.0, note=note)
    return tables.with_test(test.with_columns(pl.Series(name, written, dtype=pl.String))), truth


def _copied(paths: list[str | None], name: str, change: Change, folder: Path) -> tuple[list[str], np.ndarray]:
    """Where the changed copies are, and which differ; one picture is in memory at a time."""
    written, differs = [], np.zeros(len(paths), dtype=bool)
    for row, path in enumerate(paths):
        picture = _read(path, row, name)
        new = np.rint(255 * np.clip(change(picture[None] / 255), 0, 1)[0]).astype(np.uint8)
        differs[row] = bool((new != picture).any())
        written.append(_write(new, folder / f"{row}-{Path(str(path)).stem}.png"))
    return written, differs


def _read(path: str | None, row: int, name: str) -> np.ndarray:
    """(height, width, 1 or 3) bytes; `CannotPlant` names the row whose file cannot be read."""
    from PIL import Image

    try:
        with Image.open(str(path)) as image:
            is_grey = image.mode in ("1", "L", "I", "I;16", "F", "LA")
            pixels = np.asarray(image.convert("L" if is_grey else "RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as problem:
        raise CannotPlant(
            f"Column {name!r}, row {row}: {str(path)!r} cannot be read as a picture ({problem})."
        ) from None
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _write(pixels: np.ndarray, path: Path) -> str:
    from PIL import Image

    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path)
    return str(path)
