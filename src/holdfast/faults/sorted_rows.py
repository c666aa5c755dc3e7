"""Training rows that come in an order that says something."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import choose_column, sort_key
from holdfast.faults._rows import column_of, need_share
from holdfast.faults._tables import CannotPlant, Tables, Truth


class SortedRows(Fault):
    r"""Training rows put in an order that is correlated with the target, or with a column.

    .. math:: \text{rows sorted by } s z + \sqrt{1 - s^2} \, \varepsilon, \quad \varepsilon \sim N(0, 1),

    with z the normal scores of the column (ranks, ties in random order, mapped to a normal distribution).

    Use it when rows were collected one kind after the other: then a split by position is a split by kind. It fails to
    reach the full correlation where many rows share a value; the amount is Spearman's rank correlation of the order
    with the column. No cell changes.

    `column` names a column, the target among them; without a name it is the target, or one that is drawn.

    >>> import polars as pl
    >>> tables = Tables(pl.DataFrame({"x": [3.0, 1.0, 2.0, 4.0]}), kinds={"x": "number"})
    >>> planted, truth = SortedRows(column="x").plant(tables, 1.0, np.random.default_rng(0))
    >>> planted.train["x"].to_list(), truth.train_origin.tolist(), round(truth.amount, 6)
    ([1.0, 2.0, 3.0, 4.0], [1, 2, 0, 3], 1.0)
    """

    source = "wald1943exact"
    unit = "rank correlation of the order with the column"
    strengths = (0.1, 0.2, 0.4, 0.7, 1.0)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        from scipy.stats import norm, spearmanr

        share = need_share(strength)
        name = self._column(tables, rng)
        values = column_of(tables.train, name)
        if values.drop_nulls().n_unique() < 2:
            raise CannotPlant(f"Column {name!r} holds one value only, so no order is special.")
        if share == 0:
            return tables, Truth(columns=(name,))
        key = sort_key(values, rng)
        place = np.empty(len(key))
        place[np.lexsort((rng.random(len(key)), key))] = np.arange(len(key))
        scores = norm.ppf((place + 0.5) / len(key))
        order = np.argsort(share * scores + np.sqrt(1 - share**2) * rng.normal(size=len(key)), kind="stable")
        truth = Truth(
            columns=(name,),
            train_origin=order,
            amount=float(spearmanr(np.arange(len(key)), np.unique(key[order], return_inverse=True)[1]).statistic),
            note=f"training rows put in an order that goes with {name!r}",
        )
        return tables.with_train(tables.train[order]), truth

    def _column(self, tables: Tables, rng: np.random.Generator) -> str:
        if self.column and self.column == tables.target:
            return self.column
        if not self.column and tables.target is not None:
            return tables.target
        return choose_column(tables, self.column, ("number", "category", "boolean", "date"), rng)
