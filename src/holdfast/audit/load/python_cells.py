"""A list of Python values -> a column; cells of several kinds become text, never an error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.vectors import as_lists

if TYPE_CHECKING:
    import polars

ONE_KIND = (str, bool, date, datetime, time, timedelta)
LARGEST = 2**63 - 1


def from_values(name: str, cells: Iterable[Any]) -> polars.Series:
    """The column of these cells; None and NaN are missing.

    >>> from_values("a", [1, "x", None, 2.5]).to_list(), from_values("a", [1, 2.5, None]).to_list()
    (['1', 'x', None, '2.5'], [1.0, 2.5, None])
    """
    import polars as pl

    if isinstance(cells, np.ndarray) and cells.ndim == 1 and cells.dtype.kind in "biufMm":
        return _from_array(name, cells)
    if isinstance(cells, np.ndarray) and cells.ndim == 2 and cells.dtype.kind in "iuf" and cells.shape[1]:
        with np.errstate(over="ignore"):  # infinite, and so missing, beyond 3e38
            return pl.Series(name, np.ascontiguousarray(cells, np.float32))
    items = [_plain(cell) for cell in (cells.tolist() if isinstance(cells, np.ndarray) else cells)]
    kinds = {type(item) for item in items if item is not None}
    if kinds and kinds <= {int, float}:
        return _numbers(name, items, kinds)
    if kinds == {list} and (lists := as_lists(items)) is not None:
        return pl.Series(name, lists, pl.List(pl.Float64))
    if len(kinds) == 1 and kinds <= set(ONE_KIND):
        try:
            return pl.Series(name, items, strict=True)
        except Exception:  # several time zones, lone surrogates
            pass
    return pl.Series(name, [None if item is None else as_cell_text(item) for item in items], pl.String)


def as_cell_text(item: Any) -> str:
    """One value as text: JSON for lists and dicts. What cannot be encoded (lone surrogates) becomes '?'."""
    text = item if isinstance(item, str) else _nested_text(item) if isinstance(item, (list, dict)) else str(item)
    return text.encode("utf-8", "replace").decode("utf-8")


def _nested_text(item: list | dict) -> str:
    try:
        return json.dumps(item, default=str, ensure_ascii=False)
    except (TypeError, ValueError):  # keys that are not text, circular references
        return str(item)


def _from_array(name: str, cells: np.ndarray) -> polars.Series:
    import polars as pl

    if cells.dtype.kind in "Mm":
        cells = cells.astype("datetime64[us]" if cells.dtype.kind == "M" else "timedelta64[us]")
    elif cells.dtype.kind == "f" and cells.dtype.itemsize not in (4, 8):
        cells = cells.astype(np.float32 if cells.dtype.itemsize < 4 else np.float64)
    return pl.Series(name, cells.astype(cells.dtype.newbyteorder("=")))


def _plain(cell: Any) -> Any:
    """Values of numpy and pandas, and decimals, as plain Python; NaN as None."""
    if isinstance(cell, (np.generic, np.ndarray)):
        cell = cell.tolist()
    elif hasattr(cell, "to_pydatetime"):
        cell = cell.to_pydatetime()
    elif hasattr(cell, "to_pytimedelta"):
        cell = cell.to_pytimedelta()
    elif isinstance(cell, (tuple, set, frozenset)):
        cell = list(cell)
    elif isinstance(cell, Decimal):
        cell = None if cell.is_nan() else float(cell)
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _numbers(name: str, items: list[Any], kinds: set[type]) -> polars.Series:
    import polars as pl

    if float not in kinds and all(item is None or abs(item) <= LARGEST for item in items):
        return pl.Series(name, items, pl.Int64)
    try:
        return pl.Series(name, [None if item is None else float(item) for item in items], pl.Float64)
    except OverflowError:  # integers beyond 1e308
        return pl.Series(name, [None if item is None else str(item) for item in items], pl.String)
