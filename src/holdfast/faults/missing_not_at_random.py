"""Cells that are missing because of what they hold."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._columns import choose_column, sort_key, top_rows
from holdfast.faults._rows import column_of, need_share, need_test, rewrite, where
from holdfast.faults._tables import Tables, Truth


class MissingNotAtRandom(Fault):
    r"""Cells of a column made null, the more likely the larger the value is.

    .. math:: P(x_i \text{ missing}) \text{ grows with } e^{\gamma r_i},

    with r the rank of the value from 0 to 1, drawn without replacement. Levels of a category come in a random order.

    Use it when people may skip a question because of the answer, or a sensor may saturate. It fails to be told from
    missing at random by looking at the gaps alone. Cells that are null already stay so and do not count.

    `column` names a number, category or flag (one is drawn otherwise), `side` the table, `sharpness` is
    :math:`\gamma`: 0 is missing completely at random.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [1, 2, 3, 4, 5, None]})
    >>> tables = Tables(table, table, kinds={"x": "number"})
    >>> fault = MissingNotAtRandom(column="x", side="train", sharpness=100.0)
    >>> planted, truth = fault.plant(tables, 0.33, np.random.default_rng(0))
    >>> planted.train["x"].to_list(), truth.before
    ([1, 2, 3, None, None, None], (4, 5))
    """

    source = "rubin1976inference"
    unit = "share of the rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.4)
    column: str = ""
    side: Literal["test", "train"] = "test"
    sharpness: float = 4.0

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share = need_share(strength)
        frame = need_test(tables) if self.side == "test" else tables.train
        name = choose_column(tables, self.column, ("number", "category", "boolean"), rng)
        old = column_of(frame, name)
        known = old.is_not_null().to_numpy()
        key = sort_key(old, rng)
        rank = np.zeros(len(key))
        rank[known] = np.searchsorted(np.sort(key[known]), key[known], side="right") / max(known.sum(), 1)
        rows = top_rows(self.sharpness * rank + rng.gumbel(size=len(key)), known, share, rng)
        gone = pl.repeat(None, len(old), dtype=old.dtype, eager=True)
        return rewrite(tables, self.side, name, where(rows, gone, old), "made missing, large values first")
