"""A numeric column that lies higher in the test table."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import as_column, choose_column, numbers, spread
from holdfast.faults._rows import column_of, need_test, rewrite
from holdfast.faults._tables import Tables, Truth


class ColumnShift(Fault):
    r"""A numeric test column moved up by a number of its training standard deviations.

    .. math:: \tilde x = x + s \, \hat\sigma_{\mathrm{train}}

    Use it when an instrument, a currency or a price level may have moved. It fails to change which rows are there: for
    a population that changed, see `ExponentialTilt`. Cells of whole-number columns are rounded up or down at random so
    that the mean moves as asked; missing and infinite cells stay.

    `column` names the column; without a name, one that varies is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [0.0, 2.0, 4.0, None], "z": [1.0, 2.0, 3.0, 4.0]})
    >>> tables = Tables(table, table, kinds={"x": "number", "z": "number"})
    >>> planted, truth = ColumnShift(column="x").plant(tables, 0.5, np.random.default_rng(0))
    >>> planted.test["x"].round(3).to_list(), round(truth.amount, 3)
    ([0.816, 2.816, 4.816, None], 0.5)
    """

    source = "rabanser2019failing"
    unit = "standard deviations of the training column"
    strengths = (0.05, 0.1, 0.2, 0.5, 1.0)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        test = need_test(tables)
        name = choose_column(tables, self.column, ("number",), rng)
        old, scale = column_of(test, name), spread(column_of(tables.train, name))
        new = as_column(numbers(old) + strength * scale, old, rng) if strength else old
        moved = (numbers(new) - numbers(old))[np.isfinite(numbers(old))]
        amount = float(moved.mean() / scale) if len(moved) else 0.0
        return rewrite(tables, "test", name, new, f"moved by {strength:g} training standard deviations", amount)
