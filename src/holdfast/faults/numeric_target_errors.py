"""Wrong numbers in a numeric target."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import as_column, numbers, spread
from holdfast.faults._rows import column_of, draw_rows, need_share, rewrite, where
from holdfast.faults._tables import CannotPlant, Tables, Truth


class NumericTargetErrors(Fault):
    r"""Gross errors in a numeric training target: a contaminated sample.

    .. math:: F = (1 - \varepsilon) F_0 + \varepsilon H

    with H by the kind of `error`: "offset" moves a value up or down by `size` standard deviations (a wrong reading),
    "another row" puts the value of another row there (a wrong record was joined), "decimal slip" makes it ten times
    larger or smaller (a typing error).

    Use it when a numeric target was measured, typed or joined by people. It fails to change rows whose new value is
    the old one (donors with the same value, zeros in a slip): the amount says how many were changed.

    >>> import polars as pl
    >>> train = pl.DataFrame({"x": range(4), "y": [1.0, 3.0, 1.0, 3.0]})
    >>> tables = Tables(train, None, "y", "regression", {"x": "number"})
    >>> planted, truth = NumericTargetErrors(size=5.0).plant(tables, 0.25, np.random.default_rng(0))
    >>> abs(planted.train["y"] - train["y"]).sort().to_list(), truth.amount
    ([0.0, 0.0, 0.0, 5.0], 0.25)
    >>> fault = NumericTargetErrors(error="decimal slip")
    >>> fault.plant(tables, 1.0, np.random.default_rng(0))[0].train["y"].to_list()
    [10.0, 30.0, 0.1, 0.3]
    """

    source = "huber1964robust"
    unit = "share of the training rows"
    strengths = (0.01, 0.02, 0.05, 0.1, 0.2)
    error: Literal["another row", "offset", "decimal slip"] = "offset"
    size: float = 3.0

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        if tables.target is None or tables.task != "regression":
            raise CannotPlant("There is no numeric target, and this fault lies in one.")
        old = column_of(tables.train, tables.target)
        values = numbers(old)
        rows = draw_rows(np.isfinite(values), need_share(strength), rng)
        wrong = as_column(self._wrong(values, spread(old), rng), old, rng)
        return rewrite(tables, "train", tables.target, where(rows, wrong, old), f"errors of the kind {self.error!r}")

    def _wrong(self, values: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
        """What every row would hold if it were hit."""
        up = rng.random(len(values)) < 0.5
        if self.error == "offset":
            return values + np.where(up, self.size, -self.size) * scale
        if self.error == "decimal slip":
            return np.where(up, values * 10, values / 10)
        known = np.flatnonzero(np.isfinite(values))
        return values[rng.choice(known, len(values))] if len(known) else values
