"""N-gram accuracy."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class NGramAccuracy(Scorer):
    r"""The share of places in a text from which greedy decoding reproduces the next n tokens exactly.

    .. math:: s(x) = \frac{1}{K} \sum_{k=1}^{K} \prod_{j=1}^{n} 1[\text{rank}(x_{a_k + j}) = 0], \quad
              a_k \text{ evenly spaced}

    Rank 0 at all n places in a row is the same as reproducing the n tokens. `starts` is K, `length` n; texts shorter
    than n count as one piece. Use it when question and answer of a benchmark may have been learnt by heart, together
    with `RewordingGap` on reworded items. It fails on texts seen once, and on boilerplate: fixed phrases are
    reproduced without having seen the text.

    Pairs from the first and from the third token of four; the first pair has a miss:

    >>> NGramAccuracy(starts=2, length=2).score_rows(token_ranks=[[0, 3, 0, 0]]).tolist()
    [0.5]
    """

    source = "xu2024benchmarking"
    claims = ("members",)
    blind = ("seen_once",)

    starts: int = 5
    length: int = 3

    def score_rows(self, token_ranks: np.ndarray) -> np.ndarray:
        if min(self.starts, self.length) < 1:
            raise ValueError("starts and length are at least 1: how many pieces of token_ranks, and how long.")
        lengths = (~np.isnan(token_ranks)).sum(axis=1)
        hits = np.where(np.isnan(token_ranks), True, token_ranks == 0)  # a piece is never longer than its text
        last = np.maximum(lengths - self.length, 0)
        first = np.rint(np.linspace(0, last, self.starts)).astype(np.int64).T
        places = np.minimum(first[:, :, None] + np.arange(self.length), token_ranks.shape[1] - 1)
        return np.take_along_axis(hits[:, None], places, axis=2).all(axis=2).mean(axis=1)
