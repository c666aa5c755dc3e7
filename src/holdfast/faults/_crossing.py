"""Putting training rows into the test table."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.faults._rows import insert_copies, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth


def put_into_test(tables: Tables, chosen: np.ndarray, rng: np.random.Generator, note: str) -> tuple[Tables, Truth]:
    """The tables with the chosen training rows (numbers) inserted at random places of the test table as well."""
    test = need_test(tables)
    source, is_put = insert_copies(test.height, test.height + np.arange(len(chosen)), rng)
    both = pl.concat([test, _in_shape_of(test, tables.train[chosen])])
    from_train = np.full(len(source), -1)
    from_train[is_put] = chosen[source[is_put] - test.height]
    truth = Truth(
        test_rows=is_put,
        test_origin=np.where(is_put, -1, source),
        test_from_train=from_train,
        amount=float(is_put.mean()),
        note=f"{len(chosen):,} training rows {note} the test table",
    )
    return tables.with_test(both[source]), truth


def _in_shape_of(test: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Training rows with the columns and dtypes of the test table; columns that only that has are missing."""
    columns = {}
    for name, dtype in test.schema.items():
        if name not in rows.columns:
            columns[name] = pl.repeat(None, rows.height, dtype=dtype, eager=True)
            continue
        try:
            columns[name] = rows.get_column(name).cast(dtype)
        except pl.exceptions.PolarsError:
            raise CannotPlant(
                f"Column {name!r} has other types of values in the training and the test table."
            ) from None
    return pl.DataFrame(columns)
