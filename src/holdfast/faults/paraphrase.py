"""Texts of the test table in other words."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from holdfast.core import Fault
from holdfast.faults._rows import column_of, draw_rows, need_share, need_test, rewrite, where
from holdfast.faults._tables import Tables, Truth
from holdfast.faults._words import choose_text, texts

SHORT = {
    "can't": "cannot", "won't": "will not", "don't": "do not", "doesn't": "does not", "didn't": "did not",
    "isn't": "is not", "aren't": "are not", "wasn't": "was not", "weren't": "were not", "haven't": "have not",
    "hasn't": "has not", "couldn't": "could not", "wouldn't": "would not", "shouldn't": "should not", "i'm": "I am",
    "i've": "I have", "i'll": "I will", "you're": "you are", "we're": "we are", "they're": "they are",
}  # fmt: skip
COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {str(number): word for number, word in enumerate(COUNTS)}
# Either word for the other, whatever stands around them: same part of speech, same number, same strength.
TWINS = (
    "big large", "quick fast", "quickly fast", "begin start", "begins starts", "began started",
    "buy purchase", "bought purchased", "help assist", "helped assisted", "film movie", "films movies", "maybe perhaps",
    "often frequently", "almost nearly", "whole entire", "hard difficult", "easy simple",
    "show display", "shows displays", "end finish", "ends finishes", "ended finished", "choose select",
    "answer reply", "answers replies", "car automobile", "doctor physician", "child kid", "children kids",
    "picture image", "pictures images", "store shop", "stores shops", "phone telephone", "funny amusing", "sad unhappy",
    "happy glad", "awful terrible", "great excellent", "wonderful marvellous", "boring dull", "smart clever",
    "strange odd", "rich wealthy", "ill sick", "however nevertheless", "total sum",
    "each every", "gets receives", "get receive", "got received", "needs requires", "need require", "gave handed",
    "enough sufficient", "chose selected",
)  # fmt: skip


def _table() -> dict[str, str]:
    pairs = [tuple(pair.split()) for pair in TWINS]
    twins = {a: b for one, other in pairs for a, b in ((one, other), (other, one))}
    long = {full.lower(): short for short, full in SHORT.items()}
    digits = {word: digit for digit, word in NUMBERS.items() if word != "one"}  # "the one" is no number
    return {**twins, **NUMBERS, **digits, **SHORT, **long}


WORDS = _table()
# Longer phrases first; no digit that belongs to a longer number, a price or a date. The article follows the new word.
PHRASE = re.compile(
    r"(?<![\w.,:/'$-])(?:(an?)(\s+))?("
    + "|".join(map(re.escape, sorted(WORDS, key=len, reverse=True)))
    + r")(?![\w'/:-]|[.,]\d)",
    re.IGNORECASE,
)


def reworded(text: str) -> str:
    """The text with every known phrase in other words; capitals at the start stay.

    >>> reworded("I don't need 3 big cars. However, it cost 3.50 on 3/4.")
    'I do not require three large cars. Nevertheless, it cost 3.50 on 3/4.'
    >>> reworded("A great film in an hour")
    'An excellent movie in an hour'
    """
    return PHRASE.sub(_other, text)


def _other(found: re.Match[str]) -> str:
    article, blank, old = found.groups()
    new = WORDS[old.lower()]
    if old.isupper() and len(old) > 1:
        new = new.upper()
    elif old[0].isupper():
        new = new[0].upper() + new[1:]
    if not article:
        return new
    return article[0] + ("n" if new[0].lower() in "aeio" else "") + blank + new


class Paraphrase(Fault):
    r"""Test texts said in other words, by rules: contractions, numbers in words, near synonyms.

    .. math:: \tilde t_i = \rho(t_i) \text{ for a share } s \text{ of the test rows that } \rho \text{ changes}

    Every known phrase is replaced: short forms by long ones and back, 0 to 12 by words and back, and words by a twin of
    the same meaning. Use it when texts will be written by other people than those who wrote the training set, or when
    benchmark items may come back reworded. It fails to change the order of a sentence, knows English only, and looks
    at no context, so that a phrase may read oddly.

    `column` names a text column; without a name one is drawn.

    >>> import polars as pl
    >>> table = pl.DataFrame({"note": ["a great film", "Paris"]})
    >>> tables = Tables(table, table, kinds={"note": "text"})
    >>> planted, truth = Paraphrase(column="note").plant(tables, 1.0, np.random.default_rng(0))
    >>> planted.test["note"].to_list(), truth.before
    (['an excellent movie', 'Paris'], ('a great film',))
    """

    source = "wei2019eda"
    unit = "share of the test rows"
    strengths = (0.02, 0.05, 0.1, 0.2, 0.5)
    column: str = ""

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        name = choose_text(tables, self.column, rng)
        old = column_of(test, name)
        new = pl.Series([None if text is None else reworded(text) for text in texts(old)], dtype=pl.String)
        rows = draw_rows(old.ne_missing(new).to_numpy(), share, rng)
        return rewrite(tables, "test", name, where(rows, new, old), "said in other words")
