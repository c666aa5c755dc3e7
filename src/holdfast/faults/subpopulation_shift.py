"""A kind of case that has become more frequent."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._groups import choose_subpopulation
from holdfast.faults._rows import draw_rows, keep_test, need_share
from holdfast.faults._tables import CannotPlant, Tables, Truth


class SubpopulationShift(Fault):
    r"""Test rows outside one subpopulation thinned, so that its share of the test table grows.

    .. math:: \tilde p(g) = p(g) + s

    No row is doubled: of n rows, with m of the subpopulation, :math:`m / \tilde p(g)` stay.

    Use it when the mix of customers, wards or products may have changed while each stayed as it was. It fails where the
    subpopulation already makes up nearly all of the test table. The truth marks its test rows.

    `column` names the column; without a name one is drawn. The subpopulation is a random level of a category or flag;
    in a table of numbers, the upper quarter of one.

    >>> import polars as pl
    >>> table = pl.DataFrame({"sex": ["f", "m"] * 30})
    >>> tables = Tables(table, table, kinds={"sex": "category"})
    >>> planted, truth = SubpopulationShift(column="sex").plant(tables, 0.25, np.random.default_rng(0))
    >>> sorted(planted.test["sex"].value_counts()["count"]), truth.amount
    ([10, 30], 0.25)
    """

    source = "yang2023change"
    unit = "rise of the subpopulation's share of the test rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.4)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share = need_share(strength)
        group = choose_subpopulation(tables, self.column, rng)
        before = float(group.test.mean())
        if before + share > 1:
            raise CannotPlant(f"{before:.0%} of the test rows have {group.name}: no room for {share:.0%} more.")
        others = len(group.test) if share == 0 else round(group.test.sum() / (before + share)) - int(group.test.sum())
        stays = draw_rows(~group.test, min(others / len(group.test), 1.0), rng) | group.test
        kept = np.flatnonzero(stays)
        truth = Truth(
            test_rows=group.test[kept] & bool(share),
            columns=(group.column,),
            test_origin=kept,
            amount=float(group.test[kept].mean()) - before,
            note=f"{len(kept):,} test rows stay: {group.name} from {before:.1%} to {group.test[kept].mean():.1%}",
        )
        return keep_test(tables, kept), truth
