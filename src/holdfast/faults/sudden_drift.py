"""A column that jumps at one place of the test table."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._drift import move_along
from holdfast.faults._tables import Tables, Truth


class SuddenDrift(Fault):
    r"""A numeric test column that lies higher from one row on.

    .. math:: \tilde x_i = x_i + s \, \hat\sigma_{\mathrm{train}} \, 1[i / n > a]

    Use it when the test rows come in the order of time: a new device, a new supplier, a new rule. It fails to mean
    anything where their order is arbitrary. Cells of whole-number columns are rounded up or down at random; missing
    cells stay.

    `column` names the column (one is drawn otherwise); `start` is a, the share of rows before the jump.

    >>> import polars as pl
    >>> train, test = pl.DataFrame({"x": [0.0, 2.0]}), pl.DataFrame({"x": [0.0] * 4})
    >>> tables = Tables(train, test, kinds={"x": "number"})
    >>> planted, truth = SuddenDrift(column="x", start=0.75).plant(tables, 3.0, np.random.default_rng(0))
    >>> planted.test["x"].to_list(), truth.amount
    ([0.0, 0.0, 0.0, 3.0], 3.0)
    """

    source = "gama2014survey"
    unit = "standard deviations of the training column"
    strengths = (0.2, 0.5, 1.0, 2.0)
    column: str = ""
    start: float = 0.5

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        return move_along(tables, self.column, strength, self.start, False, rng)
