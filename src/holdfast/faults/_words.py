"""Texts as words, and the small changes that text faults make to them."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.faults._columns import choose_column
from holdfast.faults._tables import CannotPlant, Tables

KEYS = "qwertyuiop asdfghjkl zxcvbnm"
NEXT_KEY = {key: KEYS[max(place - 1, 0) : place + 2].replace(key, "").strip() or key for place, key in enumerate(KEYS)}


def typo(word: str, kind: int, place: int) -> str:
    """A word with one slip: 0 two letters swapped, 1 one dropped, 2 one doubled, 3 a neighbouring key.

    The first letter stays, and words of fewer than three characters stay as they are. Where a slip changes nothing
    (equal letters swapped, no such key) a letter is dropped.

    >>> [typo("house", kind, 1) for kind in range(4)]
    ['huose', 'huse', 'hoouse', 'hiuse']
    """
    if len(word) < 3:
        return word
    place = 1 + (place - 1) % (len(word) - 2)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slips = (
        before + after[0] + letter + after[1:],
        before + after,
        before + letter + letter + after,
        before + NEXT_KEY.get(letter, letter)[0] + after,
    )
    return slips[kind] if slips[kind] != word else before + after


def with_typos(text: str, share: float, rng: np.random.Generator, least: int = 0) -> tuple[str, int, int]:
    """The text with slips in a share of its words of three characters or more; how many words, and how many slipped.

    Words are what blanks part; the blanks stay as they are. `least` words slip where there are so many.
    """
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) >= 3]
    count = min(len(long), max(least, int(share * len(long) + rng.random())))
    for place in rng.permutation(long)[:count].tolist():
        words[place] = typo(words[place], int(rng.integers(4)), int(rng.integers(1, len(words[place]))))
    return " ".join(words), len(long), count


def texts(values: pl.Series) -> list[str | None]:
    """The cells of a text column."""
    return values.cast(pl.String).to_list()


def choose_text(tables: Tables, named: str, rng: np.random.Generator) -> str:
    """The named text column, or one that is drawn; `CannotPlant` where there is none in the test table."""
    name = choose_column(tables, named, ("text",), rng)
    if tables.test is None or tables.test.schema[name] != pl.String:
        raise CannotPlant(f"Column {name!r} of the test table does not hold texts.")
    return name
