"""Min-K% Prob."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.language._tokens import lowest_mean


class MinKProb(Scorer):
    r"""Mean log-probability of a text's least likely tokens: a text that was learnt has no very unlikely ones.

    .. math:: s(x) = \frac{1}{|E|} \sum_{i \in E} \log p(x_i \mid x_{<i}), \quad E = \text{the share } k
              \text{ of tokens with the lowest } \log p

    Use it when a model gives token log-probabilities and nothing else is known; at `share` 1 it is the plain loss. A
    score alone proves nothing: compare it with texts that the model cannot know (`DatasetInference`, `KnownTexts`). It
    fails on texts seen once, and between texts of different kinds: easy texts score like learnt ones.

    The two least likely of four tokens are the second and the fourth, (-4 - 3) / 2:

    >>> MinKProb(share=0.5).score_rows(token_log_probs=[[-1.0, -4.0, -2.0, -3.0]]).tolist()
    [-3.5]
    """

    source = "shi2024detecting"
    claims = ("members",)
    blind = ("seen_once",)

    share: float = 0.2

    def score_rows(self, token_log_probs: np.ndarray) -> np.ndarray:
        return lowest_mean(token_log_probs, self.share)
