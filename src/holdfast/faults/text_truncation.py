"""Texts that are cut short in the test table."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._rows import column_of, draw_rows, need_share, need_test, rewrite, where
from holdfast.faults._tables import Tables, Truth
from holdfast.faults._words import choose_text


class TextTruncation(Fault):
    r"""Test texts cut off behind a share of their characters, in a share of the rows.

    .. math:: \tilde t_i = t_i[: \lceil r |t_i| \rceil] \text{ for a share } s \text{ of the test rows}

    Use it when a field, a form or a tokeniser may have a limit. It fails to stand for a fixed limit in characters,
    which only long texts feel. Texts of one character or none stay.

    `column` names a text column (one is drawn otherwise), `keep` is r.

    >>> import polars as pl
    >>> table = pl.DataFrame({"note": ["abcdef", "xy"]})
    >>> tables = Tables(table, table, kinds={"note": "text"})
    >>> planted, truth = TextTruncation(column="note", keep=0.25).plant(tables, 1.0, np.random.default_rng(0))
    >>> planted.test["note"].to_list(), truth.before
    (['ab', 'x'], ('abcdef', 'xy'))
    """

    source = "dhole2023augmenter"
    unit = "share of the test rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.5)
    column: str = ""
    keep: float = 0.5

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        if not 0 < self.keep < 1:
            raise ValueError(f"keep is {self.keep!r}; expected a share between 0 and 1.")
        share, test = need_share(strength), need_test(tables)
        name = choose_text(tables, self.column, rng)
        old = column_of(test, name)
        new = old.str.slice(0, (old.str.len_chars() * self.keep).ceil().cast(int))
        rows = draw_rows(old.ne_missing(new).to_numpy(), share, rng)
        return rewrite(tables, "test", name, where(rows, new, old), f"cut behind {self.keep:.0%} of the characters")
