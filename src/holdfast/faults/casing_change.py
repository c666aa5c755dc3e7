"""Texts in capitals in the test table."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Fault
from holdfast.faults._rows import column_of, draw_rows, need_share, need_test, rewrite, where
from holdfast.faults._tables import Tables, Truth
from holdfast.faults._words import choose_text


class CasingChange(Fault):
    r"""Test texts put in capitals, or in small letters, in a share of the rows.

    .. math:: \tilde t_i = \mathrm{upper}(t_i) \text{ for a share } s \text{ of the test rows}

    Use it when texts may come from forms or speech recognition that know one case. It fails where a text has no letter
    of the other case; only texts that change are drawn.

    `column` names a text column (one is drawn otherwise), `case` is the case that comes.

    >>> import polars as pl
    >>> table = pl.DataFrame({"note": ["Red house", "A dog"]})
    >>> tables = Tables(table, table, kinds={"note": "text"})
    >>> planted, truth = CasingChange(column="note", case="lower").plant(tables, 1.0, np.random.default_rng(0))
    >>> planted.test["note"].to_list(), truth.before
    (['red house', 'a dog'], ('Red house', 'A dog'))
    """

    source = "dhole2023augmenter"
    unit = "share of the test rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.5)
    column: str = ""
    case: Literal["upper", "lower"] = "upper"

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        name = choose_text(tables, self.column, rng)
        old = column_of(test, name)
        new = old.str.to_uppercase() if self.case == "upper" else old.str.to_lowercase()
        rows = draw_rows(old.ne_missing(new).to_numpy(), share, rng)
        return rewrite(tables, "test", name, where(rows, new, old), f"put in {self.case} case")
