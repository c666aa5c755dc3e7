"""Log-likelihood per compressed byte."""

from __future__ import annotations

import zlib

import numpy as np

from holdfast.core import Scorer


class ZlibRatio(Scorer):
    r"""Log-likelihood of a text divided by its compressed size: likely, though not because it repeats itself.

    .. math:: s(x) = \log p(x) \, / \, |\mathrm{zlib}(x)|

    The size is in bytes at zlib's `level`. Use it when texts differ in how predictable they are, and no second model
    is at hand. It fails on texts seen once, and on very short ones: zlib's header and checksum weigh as much as the
    text does.

    "ab" repeated 50 times compresses to 13 bytes; its log-probability is -26:

    >>> ZlibRatio(level=9).score_rows(text=["ab" * 50], log_likelihood=[-26.0]).tolist()
    [-2.0]
    """

    source = "carlini2021extracting"
    claims = ("members",)
    blind = ("seen_once",)

    silent = ("level",)  # short texts compress alike at every level
    level: int = 6

    def score_rows(self, text: np.ndarray, log_likelihood: np.ndarray) -> np.ndarray:
        if not 1 <= self.level <= 9:
            raise ValueError(f"level is {self.level}; expected zlib's 1 to 9, at which text is compressed.")
        return log_likelihood / np.array([len(zlib.compress(one.encode(), self.level)) for one in text])
