"""Which untouched rows may choose a repair, and which may only confirm it: fixed by the data, not by the user's seed.

Whoever could deal the rows anew could deal until a repair looks good. So the parts are drawn from the fingerprint of
the data; another seed changes fits and folds, never the parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.audit.fitting import make_folds


class Parts(NamedTuple):
    """Positions among the judged rows: a quarter is open, a quarter guarded (both choose), half confirms."""

    open: np.ndarray
    guarded: np.ndarray
    confirm: np.ndarray

    @property
    def choose(self) -> np.ndarray:
        """The rows that may choose."""
        return np.sort(np.concatenate([self.open, self.guarded]))


def make_parts(y: np.ndarray, ties: np.ndarray, fingerprint: str) -> Parts:
    """Deal (n,) judged rows, balanced over classes; tied rows (copies, groups) stay in one part.

    >>> parts = make_parts(np.tile([0, 1], 20), np.arange(40), "00ff")
    >>> [len(part) for part in parts], sorted(np.concatenate(parts).tolist()) == list(range(40))
    ([10, 10, 20], True)
    """
    quarter = make_folds(y, ties, 4, int(fingerprint[:12], 16))
    return Parts(*(np.flatnonzero(mask) for mask in (quarter == 0, quarter == 1, quarter >= 2)))
