"""The gap between human and machine text."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.kernels import Z90
from holdfast.shift._text_counts import counted, fall, grams, loops

WORD = re.compile(r"\w+|[^\w\s]")
ORDERS = (1, 2, 3, 4)  # of the n-grams of self-BLEU


class TextGap(Measure):
    r"""How far text parts from human text in what decoding breaks: loops, sameness, the curve of word frequencies.

    .. math:: G = \frac13 \big(|\Delta_\text{loop}| + |\Delta_\text{self-BLEU}| + |\Delta_\text{Zipf}|\big)

    *loop* is the share of texts that end in a phrase of at least two words three times in a row; *self-BLEU* the
    geometric mean over 1- to 4-grams of the share that another text of the same side has too; *Zipf* the slope of log
    frequency on log rank over the first `ranks` words. With log-likelihoods of every text under one model, as many a
    side as texts, *likelihood* is a fourth. Texts are dealt out anew `permutations` times; the p-value is that of the
    gap that stands out most. `gaps_` holds each: current minus reference, with its own interval and p-value.

    Use it on generated against human text, and on a corpus that may hold generated text against an older one. It fails
    on text that is fluent and wrong: none of these reads meaning. Sides of very unequal size differ in self-BLEU alone:
    take equal ones.

    >>> human = ["the sea is wide and blue today", "a red fox ran over the hill", "no one saw the old man leave"]
    >>> machine = ["we go on and on and on and on", "it is so good so good so good", "ha ha he he he he he he"]
    >>> method = TextGap(permutations=19, ranks=5, seed=1)
    >>> estimate = method.measure(ref_text=human, cur_text=machine)
    >>> method.gaps_["loop"].value, round(method.gaps_["self-BLEU"].value, 3)
    (1.0, -0.002)
    """

    source = "holtzman2019curious"
    claims = ("looping_text", "sharpened_words")
    permutations: int = 39
    ranks: int = 200
    seed: int = 0

    def measure(
        self, ref_text: np.ndarray, cur_text: np.ndarray, ref_log_likelihood: np.ndarray | None = None,
        cur_log_likelihood: np.ndarray | None = None,
    ) -> Estimate:  # fmt: skip
        """The mean gap, with an interval from redealt sides, and the joint p-value."""
        likely = None
        if ref_log_likelihood is not None and cur_log_likelihood is not None:
            likely = np.concatenate([ref_log_likelihood, cur_log_likelihood])
        texts = _Texts([*ref_text, *cur_text], likely, self.ranks)
        sides = np.arange(len(ref_text) + len(cur_text)) >= len(ref_text)
        rng = np.random.default_rng(self.seed)
        seen = texts.gaps(sides)
        null = np.array([texts.gaps(rng.permutation(sides)) for _ in range(self.permutations)])
        spread, n = np.maximum(null.std(axis=0), 1e-12), len(sides)
        at_least = (np.abs(null) >= np.abs(seen) - 1e-12).sum(axis=0)
        top = (np.abs(null) / spread).max(axis=1)
        joint = (1 + int((top >= (np.abs(seen) / spread).max() - 1e-9).sum())) / (1 + self.permutations)
        self.gaps_ = {
            name: Estimate(float(value), float(value - Z90 * half), float(value + Z90 * half), n,
                           (1 + int(count)) / (1 + self.permutations))
            for name, value, half, count in zip(texts.names, seen, spread, at_least, strict=True)
        }  # fmt: skip
        value, half = float(np.abs(seen).mean()), Z90 * float(np.abs(null).mean(axis=1).std())
        return Estimate(value, max(0.0, value - half), value + half, n, joint)


class _Texts:
    """What is counted once, so that a redealing is sums over texts."""

    def __init__(self, texts: list[str], likely: np.ndarray | None, ranks: int) -> None:
        from scipy.sparse import hstack

        words = [WORD.findall(text.lower()) for text in texts]
        parts = [counted([grams(one, order) for one in words]) for order in ORDERS]
        self.ends = np.cumsum([0, *(part.shape[1] for part in parts)])
        self.table = hstack([*parts, counted(words)]).tocsr()
        self.loops = np.array([loops(one) for one in words], dtype=float)
        self.ranks, self.likely = ranks, likely
        self.names = ("loop", "self-BLEU", "Zipf", *(() if likely is None else ("likelihood",)))

    def gaps(self, is_cur: np.ndarray) -> np.ndarray:
        """Current minus reference, in the order of `names`."""
        ref, cur = (self._of(side.astype(float), sums) for side, sums in zip(*self._sums(is_cur), strict=True))
        return cur - ref

    def _sums(self, is_cur: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        sides = ~is_cur, is_cur
        return sides, np.array(sides, dtype=float) @ self.table

    def _of(self, side: np.ndarray, sums: np.ndarray) -> np.ndarray:
        per_order = [sums[low:high] for low, high in pairwise(self.ends)]
        shares = [one[one >= 2].sum() / max(one.sum(), 1.0) for one in per_order]
        frequent = -np.sort(-sums[self.ends[-1] :])[: self.ranks]
        found = [side @ self.loops / side.sum(), np.exp(np.log(np.maximum(shares, 1e-3)).mean()), fall(frequent)]
        return np.array([*found, *(() if self.likely is None else (side @ self.likely / side.sum(),))])
