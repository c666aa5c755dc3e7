"""What is counted in texts to see whether they were decoded: loops, n-grams, the fall of word frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np

TIMES = 3  # a text repeats itself where it ends in a phrase that stands there so often


def fall(frequent: np.ndarray) -> float:
    """Minus the slope of log frequency on log rank."""
    frequent = frequent[frequent > 0]
    if len(frequent) < 3:
        return 0.0
    x = np.log(np.arange(1, len(frequent) + 1))
    x -= x.mean()
    return float(-(x @ np.log(frequent)) / (x @ x))


def loops(words: list[str]) -> bool:
    """Whether a text ends in a phrase of at least two words three times in a row."""
    for size in range(2, len(words) // TIMES + 1):
        if words[-size:] == words[-2 * size : -size] == words[-3 * size : -2 * size]:
            return True
    return False


def grams(words: list[str], order: int) -> list[Any]:
    """The different n-grams of a text."""
    return list({tuple(words[at : at + order]) for at in range(len(words) - order + 1)})


def counted(words: list[list[Any]]) -> Any:
    """(texts, different words) how often each stands in each, sparse."""
    from scipy.sparse import csr_matrix

    known: dict[Any, int] = {}
    codes = [[known.setdefault(word, len(known)) for word in one] for one in words]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in codes])])
    flat = np.array([code for one in codes for code in one], dtype=np.int64)
    table = csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(words), max(1, len(known))))
    table.sum_duplicates()
    return table
