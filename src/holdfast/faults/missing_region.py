"""A region of the feature space that the training table does not cover."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._encode import encode
from holdfast.faults._rows import need_share, need_test
from holdfast.faults._tables import Tables, Truth


class MissingRegion(Fault):
    r"""The training rows nearest to a random test row taken out: a hole that test rows fall into.

    .. math:: \tilde p(x) \propto p(x) \, 1[\lVert x - x_0 \rVert > r]

    with distances over all scaled features and r such that a share s of the training rows goes.

    Use it when some kind of case may never have been collected. It fails to stand for a gap in one column that a
    reader could name: see `Truncation` and `MissingSubpopulation`. The truth marks the test rows within r.

    >>> import polars as pl
    >>> tables = Tables(pl.DataFrame({"x": range(10)}), pl.DataFrame({"x": [9.0]}), kinds={"x": "number"})
    >>> planted, truth = MissingRegion().plant(tables, 0.3, np.random.default_rng(0))
    >>> planted.train["x"].to_list(), truth.test_rows.tolist(), truth.amount
    ([0, 1, 2, 3, 4, 5, 6], [True], 0.3)
    """

    source = "quinonero2009dataset"
    unit = "removed share of the training rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.4)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength, below_one=True), need_test(tables)
        train_X, test_X = encode(tables, tables.train), encode(tables, test)
        centre = test_X[rng.integers(len(test_X))]
        train_far, test_far = (((X - centre) ** 2).sum(axis=1) for X in (train_X, test_X))
        order = np.lexsort((rng.random(len(train_far)), train_far))
        gone = order[: round(share * len(order))]
        kept = np.setdiff1d(np.arange(len(order)), gone)
        radius = train_far[gone].max() if len(gone) else -1.0
        truth = Truth(
            test_rows=test_far <= radius,
            train_origin=kept,
            amount=len(gone) / max(len(order), 1),
            note=f"the {len(gone):,} training rows nearest to a test row removed",
        )
        return tables.with_train(tables.train[kept]), truth
