"""Choosing a subpopulation that a reader could name: the rows of a category, or the upper end of a number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.faults._columns import choose_column, numbers
from holdfast.faults._rows import column_of, need_test
from holdfast.faults._tables import CannotPlant, Tables


class Subpopulation(NamedTuple):
    """Its column, what to call it, and (n,) bool who belongs to it in the training and in the test table."""

    column: str
    name: str
    train: np.ndarray
    test: np.ndarray


def choose_subpopulation(tables: Tables, column: str, rng: np.random.Generator) -> Subpopulation:
    """A random level of the column that both tables hold and not all rows are of; a quarter of a number's values."""
    test = need_test(tables)
    kinds = ("category", "boolean") if not column and tables.columns_of("category", "boolean") else ()
    name = choose_column(tables, column, kinds or ("number", "category", "boolean"), rng)
    train_values, test_values = column_of(tables.train, name), column_of(test, name)
    if tables.kinds[name] == "number":
        known = numbers(train_values)
        edge = float(np.quantile(known[np.isfinite(known)], 0.75))
        found = Subpopulation(name, f"{name!r} above {edge:g}", known > edge, numbers(test_values) > edge)
        return _checked(found)
    theirs = set(test_values.drop_nulls().unique().to_list())
    levels = [level for level in train_values.drop_nulls().unique().sort().to_list() if level in theirs]
    if not levels:
        raise CannotPlant(f"No value of column {name!r} stands in both tables.")
    level = levels[int(rng.integers(len(levels)))]
    mine, theirs_too = ((values == level).fill_null(False).to_numpy() for values in (train_values, test_values))
    return _checked(Subpopulation(name, f"{name!r} = {level!r}", mine, theirs_too))


def _checked(found: Subpopulation) -> Subpopulation:
    for side, members in (("training", found.train), ("test", found.test)):
        if not members.any() or members.all():
            raise CannotPlant(f"All or none of the {side} rows have {found.name}.")
    return found
