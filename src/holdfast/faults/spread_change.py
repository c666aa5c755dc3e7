"""A numeric column that spreads wider in the test table."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import as_column, choose_column, numbers
from holdfast.faults._rows import column_of, need_test, rewrite
from holdfast.faults._tables import CannotPlant, Tables, Truth


class SpreadChange(Fault):
    r"""A numeric test column stretched around its median, which stays.

    .. math:: \tilde x = m + (1 + s)(x - m)

    Use it when an instrument may have become noisier or a market wilder: methods that compare means see nothing. It
    fails to change a column whose test cells are all equal. Cells of whole-number columns are rounded up or down at
    random; missing and infinite cells stay.

    `column` names the column; without a name, one that varies is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [0.0, 2.0, 4.0, None]})
    >>> tables = Tables(table, table, kinds={"x": "number"})
    >>> planted, truth = SpreadChange(column="x").plant(tables, 0.5, np.random.default_rng(0))
    >>> planted.test["x"].to_list(), round(truth.amount, 3)
    ([-1.0, 2.0, 5.0, None], 0.5)
    """

    source = "rabanser2019failing"
    unit = "relative rise of the column's standard deviation"
    strengths = (0.1, 0.2, 0.5, 1.0, 2.0)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        test = need_test(tables)
        name = choose_column(tables, self.column, ("number",), rng)
        old = column_of(test, name)
        values = numbers(old)
        known = values[np.isfinite(values)]
        if not len(known) or known.min() == known.max():
            raise CannotPlant(f"Column {name!r} does not vary in the test table.")
        middle = np.median(known)
        new = as_column(middle + (1 + strength) * (values - middle), old, rng) if strength else old
        amount = float(numbers(new)[np.isfinite(values)].std() / known.std() - 1)
        return rewrite(tables, "test", name, new, f"stretched by {1 + strength:g} around {middle:g}", amount)
