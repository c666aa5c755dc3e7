"""Groups whose rows stand on both sides of the split."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import choose_column, sort_key
from holdfast.faults._crossing import put_into_test
from holdfast.faults._rows import column_of, need_share, need_test
from holdfast.faults._tables import CannotPlant, Tables, Truth


class GroupLeak(Fault):
    r"""Half of the rows of some groups (patients, customers, places) moved from the training to the test table.

    With m test rows, c moved rows make a share :math:`s = c / (m + c)` of the new test table.

    Use it when rows of one group resemble each other, so that a split by rows flatters. It fails where the column is no
    group: without a name a category is drawn, which shows little. Half of the rows of all groups can move at most; the
    amount says how many did.

    `column` names the column of groups; it need not be one that models learn from.

    >>> import polars as pl
    >>> train = pl.DataFrame({"who": ["a", "a", "b", "b"], "x": [1, 2, 3, 4]})
    >>> tables = Tables(train, pl.DataFrame({"who": ["c"], "x": [5]}), kinds={"x": "number"})
    >>> planted, truth = GroupLeak(column="who").plant(tables, 0.5, np.random.default_rng(0))
    >>> planted.train.height, planted.test["who"].sort().to_list(), truth.amount
    (3, ['a', 'c'], 0.5)
    """

    source = "kapoor2023leakage"
    unit = "share of the test rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.3)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength, below_one=True), need_test(tables)
        name = self._column(tables, rng)
        groups = column_of(tables.train, name)
        movable = _every_other_row(sort_key(groups, rng), groups.is_not_null().to_numpy(), rng)
        if not len(movable):
            raise CannotPlant(f"No group of column {name!r} has two training rows.")
        moved = movable[: round(test.height * share / (1 - share))]
        planted, truth = put_into_test(tables, moved, rng, f"of groups in {name!r} moved into")
        left = np.setdiff1d(np.arange(tables.train.height), moved)
        return planted.with_train(tables.train[left]), Truth(**(vars(truth) | {"train_origin": left}))

    def _column(self, tables: Tables, rng: np.random.Generator) -> str:
        if not self.column:
            return choose_column(tables, "", ("category",), rng)
        if self.column not in tables.train.columns:
            raise ValueError(f"no column {self.column!r} in the training table.")
        return self.column


def _every_other_row(key: np.ndarray, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every second row of every group, group after group in a random order."""
    rows = np.flatnonzero(known)
    _, group = np.unique(key[rows], return_inverse=True)
    group = rng.permutation(group.max(initial=0) + 1)[group]
    order = np.lexsort((rng.random(len(rows)), group))
    starts = np.concatenate([[0], np.cumsum(np.bincount(group))])[group[order]]
    return rows[order][(np.arange(len(rows)) - starts) % 2 == 1]
