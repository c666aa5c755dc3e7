"""Texts that a model knows, at a controlled rate of false alarms."""

from __future__ import annotations

import numpy as np

from holdfast.core import Grouper
from holdfast.ops.multiple_testing import benjamini_hochberg


class KnownTexts(Grouper):
    r"""Group 0 holds the texts whose score stands out from those of texts that the model cannot know.

    .. math:: p(x) = \frac{1 + \#\{i : s(x_i^\text{clean}) \ge s(x)\}}{n + 1}

    with Benjamini and Hochberg's rule at `rate`, the largest expected share of clean texts among those flagged. The
    p-value of one clean text is valid whatever the score and its distribution. Attribute: `pvalues_` (n,).

    Use it when a list of texts is to be left out of a benchmark, with any score of this family and texts of the same
    kind that were written after the model was trained. It fails where the clean texts are of another kind: the p-values
    then speak of the difference in kind; and it names nothing where there are fewer than about
    (texts / (rate x texts flagged)) clean ones.

    >>> finder = KnownTexts(rate=0.3).fit(score=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    >>> finder.group_rows(score=[9.5, 2.5, 12.0]).tolist(), finder.pvalues_.tolist()
    ([0, -1, 0], [0.1, 0.8, 0.1])
    """

    source = "vovk2005algorithmic"
    claims = ("strong_members",)
    blind = ("seen_once",)
    transductive = True

    rate: float = 0.1

    def fit(self, score: np.ndarray) -> KnownTexts:
        """Keep the scores of texts that the model cannot know."""
        self.clean_ = np.sort(score)
        return self

    def group_rows(self, score: np.ndarray) -> np.ndarray:
        above = len(self.clean_) - np.searchsorted(self.clean_, score, side="left")
        self.pvalues_ = (1 + above) / (len(self.clean_) + 1)
        return np.where(benjamini_hochberg(self.pvalues_) <= self.rate, 0, -1)
