"""Rows that stand twice in the training table, the second time a little different."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._columns import as_column, numbers, spread
from holdfast.faults._rows import column_of, insert_copies, need_share, where
from holdfast.faults._tables import CannotPlant, Tables, Truth
from holdfast.faults._words import texts, with_typos


class NearDuplicates(Fault):
    r"""Copies of training rows, inserted at random places, whose numbers and texts differ a little.

    .. math:: \tilde x = x + \delta \, \hat\sigma \, \varepsilon, \quad \varepsilon \sim N(0, 1)

    in columns of fractions; a text gets one slip of the keys. In a table without either, one whole number of every copy
    moves by 1. All else is copied, the label too.

    Use it when one thing may have been recorded twice: measured again, or typed again. It fails to stand for records
    whose categories were coded anew. The truth marks the copies, not the rows that were copied.

    `jitter` is :math:`\delta`, in standard deviations of the column.

    >>> import polars as pl
    >>> tables = Tables(pl.DataFrame({"x": [1.0, 2.0, 3.0]}), kinds={"x": "number"})
    >>> planted, truth = NearDuplicates(jitter=0.1).plant(tables, 0.25, np.random.default_rng(0))
    >>> planted.train["x"].round(2).to_list(), truth.train_rows.tolist()
    ([1.0, 2.0, 3.01, 3.0], [False, False, True, False])
    """

    source = "hernandez1998realworld"
    unit = "share of the training rows"
    strengths = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    jitter: float = 0.01

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share = need_share(strength, below_one=True)
        n = tables.train.height
        columns = _columns_to_change(tables)
        origin, copied = insert_copies(n, rng.integers(0, max(n, 1), round(n * share / (1 - share))), rng)
        frame = tables.train[origin]
        for name in columns:
            old = column_of(frame, name)
            scale = spread(column_of(tables.train, name)) if old.dtype.is_numeric() else 0.0
            frame = frame.with_columns(where(copied, self._nearby(old, scale, copied, rng), old).alias(name))
        truth = Truth(
            train_rows=copied,
            columns=tuple(columns),
            train_origin=origin,
            amount=float(copied.mean()) if n else 0.0,
            note=f"{copied.sum():,} copies of training rows inserted, a little changed",
        )
        return tables.with_train(frame), truth

    def _nearby(self, old: pl.Series, scale: float, copied: np.ndarray, rng: np.random.Generator) -> pl.Series:
        if old.dtype == pl.String:
            pairs = zip(texts(old), copied, strict=True)
            return pl.Series(
                [with_typos(t, 0, rng, least=1)[0] if t and hit else t for t, hit in pairs], dtype=old.dtype
            )
        if old.dtype.is_integer():
            return as_column(numbers(old) + rng.choice((-1, 1), len(old)), old, rng)
        return as_column(numbers(old) + self.jitter * scale * rng.normal(size=len(old)), old, rng)


def _columns_to_change(tables: Tables) -> list[str]:
    """Columns of fractions and texts, else one of whole numbers."""
    fractions = [name for name in tables.columns_of("number") if tables.train.schema[name].is_float()]
    words = [name for name in tables.columns_of("text") if tables.train.schema[name] == pl.String]
    whole = [name for name in tables.columns_of("number") if tables.train.schema[name].is_integer()]
    chosen = [name for name in fractions if name != tables.target] + words or whole[:1]
    if not chosen:
        raise CannotPlant("There is no number and no text that a copy could differ in.")
    return chosen
