"""A column that predicts in training and not in the test."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._answers import add_column, free_name, need_answers, told
from holdfast.faults._rows import draw_rows, need_share, need_test
from holdfast.faults._tables import Tables, Truth


class SpuriousFeature(Fault):
    r"""A new feature that repeats the target in a share of the training rows, and is unrelated to it in the test.

    .. math:: P_{\mathrm{train}}(z = y) = s + (1 - s) \sum_k \pi_k^2, \qquad z \perp y \text{ in the test}

    In both tables the column has the same distribution: only its relation to the target breaks.

    Use it when models may learn a shortcut: a scanner, a site, a watermark. It fails to be hard to see where the test
    has labels; the hard case is a test table without them. Classes come as words, numbers as numbers.

    `name` is the name of the new column (underscores follow where it is taken).

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": range(400), "y": ["no", "yes"] * 200})
    >>> tables = Tables(table, table, "y", "binary", {"x": "number"})
    >>> planted, truth = SpuriousFeature(name="site").plant(tables, 1.0, np.random.default_rng(0))
    >>> [round((t["site"] == t["y"]).mean(), 1) for t in (planted.train, planted.test)]
    [1.0, 0.5]
    """

    source = "geirhos2020shortcut"
    unit = "share of the training rows that the column tells the answer of"
    strengths = (0.1, 0.2, 0.5, 0.8, 0.95, 1.0)
    name: str = "shortcut"

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        answers, share, test = need_answers(tables), need_share(strength), need_test(tables)
        if share == 0:
            return tables, Truth()
        name = free_name(tables, self.name)
        rows = draw_rows(answers.is_not_null().to_numpy(), share, rng)
        train = told(answers, rows, answers, rng)
        nowhere = np.zeros(test.height, dtype=bool)
        unrelated = told(answers.clear(test.height), nowhere, answers, rng)
        truth = Truth(
            train_rows=rows,
            columns=(name,),
            amount=float(rows.mean()),
            note=f"the new column {name!r} tells the answer in {rows.sum():,} training rows and in no test row",
        )
        return add_column(tables, name, train, unrelated), truth
