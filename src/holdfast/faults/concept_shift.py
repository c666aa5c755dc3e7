"""A slice of the test table in which the same inputs now mean something else."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._classes import codes_of
from holdfast.faults._columns import as_column, choose_column, numbers, sort_key, top_rows
from holdfast.faults._rows import column_of, need_share, need_test, rewrite, where
from holdfast.faults._tables import CannotPlant, Tables, Truth


class ConceptShift(Fault):
    r"""The relation flipped in a slice of the test table: features stay, targets change.

    .. math:: \tilde y = \sigma(y) \text{ where } x_j \text{ is largest, else } y,

    with :math:`\sigma` the next class in sorted order (the last becomes the first), or, for numbers, the value mirrored
    at the training median. The slice is the upper end of a number, or some levels of a category, the last in part.

    Use it when a rule, a policy or a diagnosis may have changed for some cases. It fails to be seen without test
    labels, whatever the method. Rows without a target stay out; a number at the median does not change.

    `column` names the column that the slice lies along; without a name one is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [1, 2, 3, 4], "y": ["a", "b", "c", "c"]})
    >>> tables = Tables(table, table, "y", "multiclass", {"x": "number"})
    >>> planted, truth = ConceptShift(column="x").plant(tables, 0.75, np.random.default_rng(0))
    >>> planted.test["y"].to_list(), truth.before
    (['a', 'c', 'a', 'a'], ('b', 'c', 'c'))
    """

    source = "morenotorres2012unifying"
    unit = "share of the test rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.4)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        if tables.target is None or tables.target not in test.columns:
            raise CannotPlant("There is no test table with targets, and this fault changes test targets.")
        name = choose_column(tables, self.column, ("number", "category", "boolean"), rng)
        old = column_of(test, tables.target)
        rows = top_rows(sort_key(column_of(test, name), rng), old.is_not_null().to_numpy(), share, rng)
        other = self._flipped(old, column_of(tables.train, tables.target), tables.task, rng)
        return rewrite(tables, "test", tables.target, where(rows, other, old), f"flipped in a slice of {name!r}")

    def _flipped(self, old: pl.Series, train: pl.Series, task: str, rng: np.random.Generator) -> pl.Series:
        if task == "regression":
            return as_column(2 * np.nanmedian(numbers(train)) - numbers(old), old, rng)
        classes = old.drop_nulls().unique().sort()
        if len(classes) < 2:
            raise CannotPlant("The test labels hold fewer than two classes, so none can become another.")
        return classes.gather((codes_of(old, classes) + 1) % len(classes))
