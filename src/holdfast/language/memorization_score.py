"""Memorisation score."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class MemorizationScore(Scorer):
    r"""The share of a greedy continuation that repeats the true one: 1 = the text can be extracted word for word.

    .. math:: s(x) = \frac{1}{n} \sum_{i=1}^{n} 1[\hat x_{k+i} = x_{k+i}], \quad \hat x = \text{greedy}(x_1 \dots x_k)

    `leading` counts only what comes before the first miss. Use it when the question is what a model would repeat,
    rather than what it has seen. It fails on texts seen once: models repeat few of those. Common phrases are repeated
    by models that never saw the text: compare with texts that the model cannot know.

    >>> MemorizationScore(leading=False).score_rows(completion_hits=[[1, 1, 0, 1]]).tolist()
    [0.75]
    >>> MemorizationScore(leading=True).score_rows(completion_hits=[[1, 1, 0, 1]]).tolist()
    [0.5]
    """

    source = "biderman2023emergent"
    claims = ("members",)
    blind = ("seen_once",)

    leading: bool = False

    def score_rows(self, completion_hits: np.ndarray) -> np.ndarray:
        hits = np.logical_and.accumulate(completion_hits, axis=1) if self.leading else completion_hits
        return hits.mean(axis=1)
