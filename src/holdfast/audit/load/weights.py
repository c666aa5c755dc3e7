"""The weight column: how much every row counts where models are fitted."""

from __future__ import annotations

import numpy as np

from holdfast.audit.load.data import Loaded
from holdfast.audit.load.errors import InputError, listed, quoted, safe_text


def weight_column(loaded: Loaded) -> str | None:
    """The name of the column with the role "weight", a given one before a guessed one; None where there is none."""
    columns = loaded.with_role("weight")
    names = [column.name for column in columns if column.given] or [column.name for column in columns]
    if len(names) > 1:
        raise InputError(f"{len(names)} columns have the role weight ({listed(names)}); expected one.")
    return names[0] if names else None


def row_weights(loaded: Loaded, name: str) -> np.ndarray | None:
    """(n,) weights of every row of the set "train" or "test", mean 1 over the training set.

    A missing weight counts as 1, and so does every row of a set without the column. None without a weight column in
    training. Raises `InputError` for what is not a number, for a negative weight, and where all are zero.
    """
    column = weight_column(loaded)
    train, data = loaded.train, getattr(loaded, name)
    if column is None or column not in train.frame.columns:
        return None
    if column not in data.frame.columns:
        return np.ones(data.frame.height)
    known = _numbers(train.frame[column].drop_nulls(), column, train.path)
    mean = float(known.mean()) if len(known) else 0.0
    if mean <= 0:
        raise InputError(f"weight column {quoted(column)} has no weight above 0 in {safe_text(train.path, 200)}.")
    return np.nan_to_num(_numbers(data.frame[column], column, data.path) / mean, nan=1.0)


def _numbers(weights: object, column: str, path: str) -> np.ndarray:
    import polars as pl

    assert isinstance(weights, pl.Series)
    where = f"weight column {quoted(column)} in {safe_text(path, 200)}"
    if not weights.dtype.is_numeric():
        raise InputError(f"{where} holds {weights.dtype} values; expected numbers >= 0.")
    negative = (weights < 0).fill_null(False).arg_true()
    if len(negative):
        row = int(negative[0])
        raise InputError(f"{where}, row {row:,} is {weights[row]}; expected weights >= 0.")
    return weights.cast(pl.Float64).fill_null(float("nan")).to_numpy()
