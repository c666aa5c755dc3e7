"""Rows that stand twice in the training table."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._rows import insert_copies, need_share
from holdfast.faults._tables import Tables, Truth


class ExactDuplicates(Fault):
    r"""Copies of training rows, every cell and the label alike, inserted at random places.

    From n rows, :math:`c = n s / (1 - s)` copies make a share s of the new table.

    Use it when rows may have been recorded, merged or exported twice. It fails to stand for records that were typed
    twice, which differ in a cell: see `NearDuplicates`. The truth marks the copies, not the rows that were copied.

    >>> import polars as pl
    >>> tables = Tables(pl.DataFrame({"x": [1.0, 2.0, 3.0]}), kinds={"x": "number"})
    >>> planted, truth = ExactDuplicates().plant(tables, 0.25, np.random.default_rng(0))
    >>> planted.train["x"].to_list(), truth.train_rows.tolist(), truth.amount
    ([1.0, 2.0, 3.0, 3.0], [False, False, True, False], 0.25)
    """

    source = "elmagarmid2007duplicate"
    unit = "share of the training rows"
    strengths = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share = need_share(strength, below_one=True)
        n = tables.train.height
        origin, copied = insert_copies(n, rng.integers(0, max(n, 1), round(n * share / (1 - share))), rng)
        truth = Truth(
            train_rows=copied,
            train_origin=origin,
            amount=float(copied.mean()) if len(copied) else 0.0,
            note=f"{copied.sum():,} copies of training rows inserted",
        )
        return tables.with_train(tables.train[origin]), truth
