"""Test rows that the model has been trained on."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._crossing import put_into_test
from holdfast.faults._rows import need_share, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth


class CrossSplitCopies(Fault):
    r"""Copies of training rows, their labels too, inserted at random places of the test table.

    From m test rows, :math:`c = m s / (1 - s)` copies make a share s of the new test table; a training row is copied
    once before any is copied twice.

    Use it when the split may have been made before the duplicates were taken out. It fails to stand for rows that are
    alike without being equal: see `NearDuplicates` and `GroupLeak`.

    >>> import polars as pl
    >>> train, test = pl.DataFrame({"x": [7, 8]}), pl.DataFrame({"x": [1, 2, 3]})
    >>> tables = Tables(train, test, kinds={"x": "number"})
    >>> planted, truth = CrossSplitCopies().plant(tables, 0.25, np.random.default_rng(0))
    >>> planted.test["x"].to_list(), truth.test_from_train.tolist(), truth.amount
    ([1, 2, 7, 3], [-1, -1, 0, -1], 0.25)
    """

    source = "barz2020train"
    unit = "share of the test rows"
    strengths = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, n = need_share(strength, below_one=True), tables.train.height
        count = round(need_test(tables).height * share / (1 - share))
        if n == 0:
            raise CannotPlant("The training table has no row that could be copied.")
        order = np.concatenate([rng.permutation(n) for _ in range(1 + count // n)])
        return put_into_test(tables, order[:count], rng, "copied into")
