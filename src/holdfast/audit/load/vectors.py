"""A column of embeddings: a vector of numbers in every row, all of one length."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.errors import quoted, rows_text

if TYPE_CHECKING:
    import polars

LEAST = 2  # numbers in a vector


def is_embedding(column: polars.Series) -> bool:
    """Whether the column was read as vectors."""
    import polars as pl

    return column.dtype == pl.List(pl.Float32)


def width(column: polars.Series) -> int:
    """How many numbers each vector has."""
    return len(column.drop_nulls()[0])


def to_matrix(column: polars.Series) -> np.ndarray:
    """(n, d) float32; a row of NaN where the vector is missing.

    >>> import polars
    >>> to_matrix(polars.Series([[1.0, 2.0], None], dtype=polars.List(polars.Float32))).tolist()
    [[1.0, 2.0], [nan, nan]]
    """
    known = column.is_not_null().to_numpy()
    out = np.full((len(column), width(column)), np.nan, np.float32)
    out[known] = column.drop_nulls().explode().to_numpy().reshape(known.sum(), -1)
    return out


def vectors_of_lists(column: polars.Series) -> tuple[polars.Series | None, str]:
    """Lists of numbers as vectors of float32, and a note; None and the reason where they are no vectors.

    A vector with a missing, infinite or absent number is missing as a whole: no distance to it is known.
    """
    import polars as pl

    lists = (column.arr.to_list() if isinstance(column.dtype, pl.Array) else column).cast(pl.List(pl.Float32))
    lengths = lists.list.len()
    known = lengths.drop_nulls()
    if not len(known) or known[0] < LEAST:
        return None, f"column {quoted(column.name)}: a vector needs at least {LEAST} numbers"
    if known.n_unique() > 1:
        first = int(lengths.is_not_null().arg_true()[0])
        row = int((lengths != known[0]).fill_null(False).arg_true()[0])
        return None, (
            f"column {quoted(column.name)} holds lists of different lengths (row {first:,}: {known[0]:,} numbers, "
            f"row {row:,}: {lengths[row]:,}); expected one length, as embeddings have"
        )
    finite = lists.list.eval(pl.element().is_finite().fill_null(False)).list.all()
    broken = int((~finite).fill_null(False).sum())
    vectors = pl.select(pl.when(finite).then(lists).alias(column.name)).to_series()
    if broken == len(known):
        return None, f"column {quoted(column.name)}: no vector is complete and finite"
    note = f"column {quoted(column.name)}: vectors of {known[0]:,} numbers were read as an embedding"
    lost = f"; {rows_text(broken)} with a missing or infinite number count(s) as missing" if broken else ""
    return vectors, note + lost


def vectors_of_text(column: polars.Series) -> tuple[polars.Series | None, str]:
    """Cells like "[0.1, 0.2]" as vectors; None and the reason where a later cell is not like the first one.

    The reason is empty where the first cell holds no vector: then the column is text and nothing else.
    """
    import polars as pl

    first = column.drop_nulls().head(1)
    if not len(first) or not first[0].lstrip().startswith("[") or _numbers(first[0]) is None:
        return None, ""
    cells = [None if cell is None else _numbers(cell) for cell in column]
    for row, (cell, text) in enumerate(zip(cells, column, strict=True)):
        if cell is None and text is not None:
            return None, (
                f"column {quoted(column.name)} begins with lists of numbers, but row {row:,} holds {quoted(text, 40)}; "
                "expected a list of numbers in every row, as embeddings have"
            )
    return vectors_of_lists(pl.Series(column.name, cells, pl.List(pl.Float64)))


def as_lists(items: list[Any]) -> list[Any] | None:
    """Python lists as lists of floats (None = missing number), or None if one holds something else."""
    inner = set(map(type, chain.from_iterable(item for item in items if item is not None)))
    if not inner <= {int, float, type(None)} or inner <= {type(None)}:
        return None
    try:
        return [None if item is None else [None if x is None else float(x) for x in item] for item in items]
    except OverflowError:  # integers beyond 1e308
        return None


def _numbers(text: str) -> list[Any] | None:
    try:
        cell = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(cell, list) or len(cell) < LEAST:
        return None
    lists = as_lists([cell])
    return None if lists is None else lists[0]
