"""A column that moves little by little along the test table."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._drift import move_along
from holdfast.faults._tables import Tables, Truth


class GradualDrift(Fault):
    r"""A numeric test column that rises in a straight line over the order of the rows.

    .. math:: \tilde x_i = x_i + s \, \hat\sigma_{\mathrm{train}} \, (i / n - a)^+ / (1 - a)

    Use it when the test rows come in the order of time: wear, prices, seasons. It fails to mean anything where their
    order is arbitrary. Cells of whole-number columns are rounded up or down at random; missing cells stay.

    `column` names the column (one is drawn otherwise); `start` is a, the share of rows before the drift begins.

    >>> import polars as pl
    >>> train, test = pl.DataFrame({"x": [0.0, 2.0]}), pl.DataFrame({"x": [0.0] * 4})
    >>> tables = Tables(train, test, kinds={"x": "number"})
    >>> planted, truth = GradualDrift(column="x", start=0.5).plant(tables, 3.0, np.random.default_rng(0))
    >>> planted.test["x"].to_list(), truth.amount
    ([0.0, 0.0, 1.5, 3.0], 3.0)
    """

    source = "gama2014survey"
    unit = "standard deviations of the training column at the last row"
    strengths = (0.2, 0.5, 1.0, 2.0)
    column: str = ""
    start: float = 0.0

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        return move_along(tables, self.column, strength, self.start, True, rng)
