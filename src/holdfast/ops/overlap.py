"""Overlap of two texts."""

from __future__ import annotations

import numpy as np


def rouge_l(candidate: str, reference: str) -> float:
    """ROUGE-L (Lin, 2004): F1 of the longest common subsequence of words, case ignored.

    >>> round(rouge_l("the cat sat", "The cat was sat on"), 3)      # 3 common words; precision 1, recall 3/5
    0.75
    """
    a, b = candidate.lower().split(), reference.lower().split()
    if not a or not b:
        return 0.0
    codes = {word: code for code, word in enumerate(dict.fromkeys(a + b))}
    there = np.array([codes[word] for word in b])
    row = np.zeros(len(b) + 1, dtype=np.int64)
    for word in a:
        row[1:] = np.maximum.accumulate(np.maximum(row[1:], (there == codes[word]) * (row[:-1] + 1)))
    return 2 * int(row[-1]) / (len(a) + len(b))


def letters_alike(candidate: str, reference: str) -> float:
    """ROUGE-L of letters and digits, case ignored, of as much of the candidate as the reference is long.

    >>> letters_alike(" Dual) or", "duel")      # d, u and l of four
    0.75
    """
    wanted = "".join(filter(str.isalnum, reference.lower()))
    said = "".join(filter(str.isalnum, candidate.lower()))[: len(wanted)]
    return rouge_l(" ".join(said), " ".join(wanted))
