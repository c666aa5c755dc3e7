"""Data selection with importance resampling."""

from __future__ import annotations

import numpy as np

from holdfast.core import Selector
from holdfast.ops.text_features import hashed_counts, log_ratio


class DSIR(Selector):
    r"""Texts drawn from a raw pool so that their words and word pairs are those of a target.

    .. math:: \log w_i = \sum_b c_{ib} \log \frac{\hat p_b}{\hat q_b}, \qquad
              \text{the } k \text{ largest of } \log w_i + g_i, \quad g_i \sim \text{Gumbel}

    c are counts of uni- and bigrams in `buckets` hashed places, :math:`\hat p` their shares in the target (`cur_text`)
    and :math:`\hat q` in the pool (`ref_text`), with `smoothing` added to every count. The noise makes the k largest a
    draw without replacement in proportion to w. `log_weights_` (n,) holds log w. Without a budget the share `keep` of
    the pool is drawn.

    Use it where a few thousand texts show what training should look like and the pool is large. It fails on long
    documents, whose weights are sums over all words and so decide alone, and on anything that single words do not show.

    >>> pool, target = ["red apple pie", "blue steel bolt", "green apple tart"], ["apple pie", "apple tart"]
    >>> method = DSIR(buckets=1000, smoothing=0.1, keep=0.7, seed=1)
    >>> sorted(method.select_rows(ref_text=pool, cur_text=target).tolist())
    [0, 2]
    """

    source = "xie2023data"
    claims = ("other_kind_of_text",)

    buckets: int = 10_000
    smoothing: float = 1.0
    keep: float = 0.7
    seed: int = 0

    def select_rows(self, ref_text: np.ndarray, cur_text: np.ndarray, budget: int | None = None) -> np.ndarray:
        pool = hashed_counts(ref_text, self.buckets)
        wanted, seen = (np.asarray(part.sum(axis=0)).ravel() for part in (hashed_counts(cur_text, self.buckets), pool))
        self.log_weights_ = np.asarray(pool @ log_ratio(wanted, seen, self.smoothing)).ravel()
        noise = np.random.default_rng(self.seed).gumbel(size=len(ref_text))
        order = np.argsort(-(self.log_weights_ + noise), kind="stable")
        return order[: max(1, round(self.keep * len(order)))][:budget]
