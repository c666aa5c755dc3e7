"""A column whose upper end is missing from one of the tables."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import choose_column, numbers
from holdfast.faults._rows import column_of, keep_test, need_share, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth

VALUES = 8  # a column with fewer has no upper end to speak of


class Truncation(Fault):
    r"""Rows above a value of a column taken out of the training (or of the test) table: selection on a column.

    .. math:: \tilde p(x) \propto p(x) \, 1[x \le q_{1-s}]

    Use it when one side was collected under a rule: an age limit, a credit score, a working range. It fails to take out
    exactly the share asked for where many rows share a value: rows strictly above the quantile go, equal ones and
    missing cells stay.

    `column` names a number with at least eight values (one is drawn otherwise), `side` the table that loses rows.
    Where that is the training table, the truth marks the test rows that lie above its end.

    >>> import polars as pl
    >>> tables = Tables(pl.DataFrame({"x": range(10)}), pl.DataFrame({"x": [3, 9]}), kinds={"x": "number"})
    >>> planted, truth = Truncation(column="x").plant(tables, 0.2, np.random.default_rng(0))
    >>> planted.train["x"].max(), truth.test_rows.tolist(), truth.amount
    (7, [False, True], 0.2)
    >>> Truncation(side="test").plant(tables, 0.5, np.random.default_rng(0))[0].test["x"].to_list()
    [3]
    """

    source = "heckman1979sample"
    unit = "removed share of the rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.4)
    column: str = ""
    side: Literal["train", "test"] = "train"

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share = need_share(strength, below_one=True)
        name = choose_column(tables, self.column, ("number",), rng, distinct=VALUES)
        frame = tables.train if self.side == "train" else need_test(tables)
        values = numbers(column_of(frame, name))
        known = np.sort(values[np.isfinite(values)])
        if not len(known):
            raise CannotPlant(f"Column {name!r} holds no number in the {self.side} table.")
        end = known[len(known) - 1 - round(share * len(known))] if share < 1 else known[0]
        is_gone = values > (end if share else np.inf)
        kept = np.flatnonzero(~is_gone)
        amount, note = float(is_gone.mean()), f"{is_gone.sum():,} {self.side} rows with {name!r} above {end:g} removed"
        if self.side == "test":
            return keep_test(tables, kept), Truth(columns=(name,), test_origin=kept, amount=amount, note=note)
        beyond = None
        if tables.test is not None:
            theirs = numbers(column_of(tables.test, name))
            beyond = (theirs > end) & bool(share)
        truth = Truth(test_rows=beyond, columns=(name,), train_origin=kept, amount=amount, note=note)
        return tables.with_train(frame[kept]), truth
