"""A kind of case that the training table hardly holds."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._groups import choose_subpopulation
from holdfast.faults._rows import draw_rows, need_share
from holdfast.faults._tables import Tables, Truth


class MissingSubpopulation(Fault):
    r"""Training rows of one subpopulation taken out; the test table keeps them.

    .. math:: \tilde p_{\mathrm{train}}(g) \propto (1 - s) \, p_{\mathrm{train}}(g)

    The subpopulation g is a random level of a category or flag; in a table of numbers, the upper quarter of one.

    Use it when some cases may not have been asked, seen or recorded. It fails to plant a gap that no column names: see
    `MissingRegion`. The truth marks the test rows of the subpopulation.

    `column` names the column; without a name one is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"sex": ["f", "m"] * 4})
    >>> tables = Tables(table, table, kinds={"sex": "category"})
    >>> planted, truth = MissingSubpopulation(column="sex").plant(tables, 0.75, np.random.default_rng(0))
    >>> sorted(planted.train["sex"].value_counts()["count"]), int(truth.test_rows.sum()), truth.amount
    ([1, 4], 4, 0.75)
    """

    source = "santurkar2021breeds"
    unit = "removed share of the subpopulation's training rows"
    strengths = (0.25, 0.5, 0.75, 0.9, 1.0)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share = need_share(strength)
        group = choose_subpopulation(tables, self.column, rng)
        members = np.flatnonzero(group.train)
        gone = members[draw_rows(np.ones(len(members), dtype=bool), share, rng)]
        kept = np.setdiff1d(np.arange(len(group.train)), gone)
        truth = Truth(
            test_rows=group.test & bool(share),
            columns=(group.column,),
            train_origin=kept,
            amount=len(gone) / len(members),
            note=f"{len(gone):,} of {len(members):,} training rows with {group.name} removed",
        )
        return tables.with_train(tables.train[kept]), truth
