"""Cells recorded in another unit."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import as_column, choose_column, numbers
from holdfast.faults._rows import column_of, draw_rows, need_share, need_test, rewrite, where
from holdfast.faults._tables import Tables, Truth


class UnitChange(Fault):
    r"""Cells of a numeric test column multiplied by a factor, in a share of the rows.

    .. math:: \tilde x_i = f x_i \text{ for a share } s \text{ of the test rows}

    Use it when some rows may come in inches, in pounds, in cents. It fails where a cell is 0, which no unit changes.
    Cells of whole-number columns are rounded; those beyond the range of their type stop at its end.

    `factor` is f; `column` names the column, without a name one is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"cm": [100.0, 150.0, 200.0, 250.0]})
    >>> tables = Tables(table, table, kinds={"cm": "number"})
    >>> planted, truth = UnitChange(column="cm", factor=0.01).plant(tables, 0.5, np.random.default_rng(0))
    >>> planted.test["cm"].to_list(), truth.before
    ([1.0, 150.0, 2.0, 250.0], (100.0, 200.0))
    """

    source = "schelter2021jenga"
    unit = "share of the test rows"
    strengths = (0.01, 0.05, 0.1, 0.5, 1.0)
    column: str = ""
    factor: float = 2.54

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        name = choose_column(tables, self.column, ("number",), rng)
        old = column_of(test, name)
        values = numbers(old)
        rows = draw_rows(np.isfinite(values) & (values != 0), share, rng)
        new = as_column(values * self.factor, old, rng)
        return rewrite(tables, "test", name, where(rows, new, old), f"multiplied by {self.factor:g}")
