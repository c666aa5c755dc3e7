"""A column that gives the answer away."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._answers import add_column, as_answers, free_name, need_answers, told
from holdfast.faults._rows import column_of, draw_rows, need_share
from holdfast.faults._tables import Tables, Truth


class TargetLeak(Fault):
    r"""A new feature that repeats the target in a share of the rows, in the training and in the test table.

    .. math:: z = y \text{ with probability } s, \text{ else the target of a random training row}

    Classes come as words, numbers as numbers. A test table without the target gets the targets of random rows, as
    where the leaking column is not known yet when the model is asked.

    Use it when a column may have been filled in after the outcome was known. It fails to stand for leaks spread over
    several columns. By chance a drawn target agrees too; the truth marks the rows that were told.

    `name` is the name of the new column (underscores follow where it is taken).

    >>> import polars as pl
    >>> train = pl.DataFrame({"x": range(4), "y": ["no", "yes", "no", "yes"]})
    >>> tables = Tables(train, train, "y", "binary", {"x": "number"})
    >>> planted, truth = TargetLeak(name="code").plant(tables, 1.0, np.random.default_rng(0))
    >>> planted.test["code"].to_list(), planted.kinds["code"], truth.amount
    (['no', 'yes', 'no', 'yes'], 'category', 1.0)
    """

    source = "kapoor2023leakage"
    unit = "share of the training rows that the column tells the answer of"
    strengths = (0.1, 0.2, 0.5, 0.8, 0.95, 1.0)
    name: str = "leak"

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        answers, share = need_answers(tables), need_share(strength)
        if share == 0:
            return tables, Truth()
        name = free_name(tables, self.name)
        rows = draw_rows(answers.is_not_null().to_numpy(), share, rng)
        train = told(answers, rows, answers, rng)
        test, test_rows = None, None
        if tables.test is not None:
            if tables.target in tables.test.columns:
                theirs = as_answers(column_of(tables.test, str(tables.target)), tables.task)
            else:
                theirs = answers.clear(tables.test.height)
            test_rows = draw_rows(theirs.is_not_null().to_numpy(), share, rng)
            test = told(theirs, test_rows, answers, rng)
        truth = Truth(
            train_rows=rows,
            test_rows=test_rows,
            columns=(name,),
            amount=float(rows.mean()),
            note=f"the new column {name!r} tells the answer in {rows.sum():,} training rows",
        )
        return add_column(tables, name, train, test), truth
