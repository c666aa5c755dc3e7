"""Categories that are spelled in another way in the test table."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._columns import sort_key, top_rows, varies
from holdfast.faults._rows import column_of, need_share, need_test, rewrite, where
from holdfast.faults._tables import CannotPlant, Tables, Truth


class CategoryRename(Fault):
    r"""Levels of a category under names that the training table does not know, level after level in random order.

    .. math:: \tilde x_i = \rho(x_i) \text{ for a share } s \text{ of the test rows, } \rho \text{ one to one}

    The last level concerned is renamed in part of its rows, as while a change is being rolled out.

    Use it when an export, a form or a language may have changed. It fails on columns of a closed list of values
    (polars Enum) and on flags, which cannot hold a new name. Missing cells stay.

    `column` names the column (one is drawn otherwise); `style` says how names change: "case" swaps upper and lower
    case, "blank" adds one behind, "prefix" puts "new " before. Where that gives a known name, underscores follow.

    >>> import polars as pl
    >>> table = pl.DataFrame({"sex": ["f", "f", "f", "f"] + ["m"] * 4})
    >>> tables = Tables(table, table, kinds={"sex": "category"})
    >>> planted, truth = CategoryRename(column="sex", style="prefix").plant(tables, 0.5, np.random.default_rng(0))
    >>> planted.test["sex"].unique().sort().to_list(), truth.amount
    (['f', 'new m'], 0.5)
    """

    source = "schelter2021jenga"
    unit = "share of the test rows"
    strengths = (0.05, 0.1, 0.25, 0.5, 1.0)
    column: str = ""
    style: Literal["case", "blank", "prefix"] = "case"

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        name = self._column(tables, rng)
        old = column_of(test, name)
        known = pl.concat([column_of(frame, name).cast(pl.String).drop_nulls() for frame in (tables.train, test)])
        levels = known.unique().sort()
        rows = top_rows(sort_key(old.cast(pl.String), rng), old.is_not_null().to_numpy(), share, rng)
        words = old.cast(pl.String).replace_strict(levels, _renamed(levels.to_list(), self.style), default=None)
        return rewrite(tables, "test", name, where(rows, words, old), f"renamed in the style {self.style!r}")

    def _column(self, tables: Tables, rng: np.random.Generator) -> str:
        offered = [
            name
            for name in tables.columns_of("category")
            if tables.train.schema[name] in (pl.String, pl.Categorical) and varies(tables, name)
        ]
        if self.column and self.column not in offered:
            raise ValueError(f"no category {self.column!r} of words; there are: {', '.join(offered) or 'none'}.")
        if not offered:
            raise CannotPlant("No category of words varies in the training table.")
        return self.column or offered[int(rng.integers(len(offered)))]


def _renamed(levels: list[str], style: str) -> list[str]:
    """A new name for every level, all different and none of them known."""
    taken, found = set(levels), []
    for level in levels:
        new = {"case": level.swapcase(), "blank": level + " ", "prefix": "new " + level}[style]
        while new in taken:
            new += "_"
        taken.add(new)
        found.append(new)
    return found
