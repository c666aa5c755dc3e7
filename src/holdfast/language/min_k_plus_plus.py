"""Min-K%++."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.language._tokens import lowest_mean


class MinKPlusPlus(Scorer):
    r"""Min-K% on standardised log-probabilities: is the token near the mode of what the model expected there?

    .. math:: z_i = \frac{\log p(x_i \mid x_{<i}) - \mu_i}{\sigma_i}, \quad s(x) = \frac{1}{|E|} \sum_{i \in E} z_i,
              \quad \mu_i = \sum_v p_v \log p_v, \; \sigma_i^2 = \sum_v p_v (\log p_v - \mu_i)^2

    E is the `share` of tokens with the lowest z. Use it when the whole next-token distribution can be read:
    `LanguageModel.read` gives `token_means` and `token_spreads` too. It fails on texts seen once, and where the model
    is certain of a token that is not there: a spread near 0 makes z huge; `floor` is the least spread.

    z is (-1 + 2) / 2 = 0.5, (-6 + 2) / 1 = -4 and (-2 + 2) / 1 = 0; two of three count:

    >>> scores = MinKPlusPlus(share=0.67, floor=1.0).score_rows(
    ...     token_log_probs=[[-1.0, -6.0, -2.0]], token_means=[[-2.0] * 3], token_spreads=[[2.0, 0.1, 1.0]])
    >>> scores.tolist()
    [-2.0]
    """

    source = "zhang2024mink"
    claims = ("members",)
    blind = ("seen_once",)

    silent = ("floor",)  # a spread that small is rare
    share: float = 0.2
    floor: float = 1e-3

    def score_rows(self, token_log_probs: np.ndarray, token_means: np.ndarray, token_spreads: np.ndarray) -> np.ndarray:
        return lowest_mean((token_log_probs - token_means) / np.maximum(token_spreads, self.floor), self.share)
