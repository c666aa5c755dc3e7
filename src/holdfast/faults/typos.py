"""Slips of the keys in the texts of the test table."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._rows import column_of, need_share, need_test, rewrite
from holdfast.faults._tables import Tables, Truth
from holdfast.faults._words import choose_text, texts, with_typos


class Typos(Fault):
    r"""Words of a test text with one slip each: two letters swapped, one dropped, doubled, or a neighbouring key.

    .. math:: \text{a share } s \text{ of the words of three characters or more, drawn in every text}

    Use it when texts may be typed in haste. It fails to imitate errors of hearing or spelling, and knows the keys
    of one keyboard (QWERTY). First letters stay; words are what blanks part.

    `column` names a text column; without a name one is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"note": ["the house is red", "a dog"]})
    >>> tables = Tables(table, table, kinds={"note": "text"})
    >>> planted, truth = Typos(column="note").plant(tables, 1.0, np.random.default_rng(0))
    >>> planted.test["note"][1] != "a dog", truth.amount
    (True, 1.0)
    """

    source = "pruthi2019combating"
    unit = "share of the long words"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.5)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        name = choose_text(tables, self.column, rng)
        done = [(None, 0, 0) if text is None else with_typos(text, share, rng) for text in texts(column_of(test, name))]
        new = pl.Series([text for text, _, _ in done], dtype=pl.String)
        slipped, long = sum(hits for _, _, hits in done), sum(words for _, words, _ in done)
        return rewrite(tables, "test", name, new, f"{slipped:,} typos", slipped / max(long, 1))
