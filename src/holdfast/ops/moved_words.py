"""A copy of a text that says nearly the same and reads less well: some of its words change places."""

from __future__ import annotations

import numpy as np


def move_words(text: str, draw: int) -> str:
    """The text with a third of its words changing places in pairs, the same for the same draw.

    >>> move_words("one two three four", 0).split() == ["one", "two", "three", "four"]
    False
    """
    words = text.split()
    if len(words) < 2:
        return text
    rng = np.random.default_rng([draw, len(text), sum(text.encode())])
    for _ in range(max(1, len(words) // 6)):
        one, other = rng.choice(len(words), 2, replace=False)
        words[one], words[other] = words[other], words[one]
    return " ".join(words)
