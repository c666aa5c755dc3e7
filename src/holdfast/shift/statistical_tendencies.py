"""Statistical tendencies of two bodies of text."""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from holdfast.core import Estimate, Measure
from holdfast.ops.kernels import Z90

# The most frequent function words of English; another language brings its own.
STOPWORDS = tuple(
    """a about after all also an and any are as at be because been before but by can could did do does for from had has
    have he her him his how i if in into is it its just like me more most my no not now of on one only or other our out
    over said she so some such than that the their them then there these they this to up us was we were what when which
    who will with would you your""".split()  # noqa: SIM905 - a table of words reads better so
)
TOKEN = re.compile(r"\w+|[^\w\s]")


class StatisticalTendencies(Measure):
    r"""How far two bodies of text part in the laws that hold for every language, and in which of them.

    .. math:: D = \frac{1}{6} \sum_t d_t, \qquad d_t \in \{\mathrm{KS}, \mathrm{TV}\}

    Six tendencies: the length of documents, the share of stopwords and of symbols in each, the number of different
    words for their length (Heaps) by Kolmogorov-Smirnov; how frequent words of every rank are (Zipf) by the same
    between the curves; the words themselves by total variation. Documents are dealt out anew to the two sides to see
    what chance makes of each distance; the p-value is that of the tendency that stands out most among the six, so
    testing six costs nothing. `tendencies_` holds distance and p-value of each by name.

    Use it on generated against human text, or on this month's texts against last year's. It fails on the order of
    words, which none of the six reads, and only `unigram` sees topics. Stopwords are English unless given.

    >>> ref, cur = ["the cat sat on the mat ."] * 12, ["cat mat cat mat"] * 12
    >>> method = StatisticalTendencies(permutations=19, stopwords=("the", "on"), seed=3)
    >>> estimate = method.measure(ref_text=ref, cur_text=cur)
    >>> method.tendencies_["stopwords"].value, round(method.tendencies_["unigram"].value, 3), estimate.pvalue
    (1.0, 0.714, 0.05)
    """

    source = "meister2021language"
    claims = ("other_genre", "sharpened_words")
    blind = ("word_order",)
    permutations: int = 99
    stopwords: tuple[str, ...] = STOPWORDS
    seed: int = 0

    def measure(self, ref_text: np.ndarray, cur_text: np.ndarray) -> Estimate:
        """The mean distance over the tendencies, less what chance makes of it at the low end; the joint p-value."""
        n, m = len(ref_text), len(cur_text)
        corpus = _Corpus([*ref_text, *cur_text], frozenset(self.stopwords))
        sides = np.arange(n + m) >= n
        rng = np.random.default_rng(self.seed)
        seen = corpus.distances(sides)
        null = np.array([corpus.distances(rng.permutation(sides)) for _ in range(self.permutations)])
        at_least = (null >= seen - 1e-12).sum(axis=0)
        scale = np.maximum(null.std(axis=0), 1e-12)
        top = ((null - null.mean(axis=0)) / scale).max(axis=1)
        joint = (1 + int((top >= ((seen - null.mean(axis=0)) / scale).max() - 1e-9).sum())) / (1 + self.permutations)
        self.tendencies_ = {
            name: Estimate(value, *_reach(value, chance), n + m, (1 + int(count)) / (1 + self.permutations))
            for name, value, chance, count in zip(TENDENCIES, seen.tolist(), null.T, at_least, strict=True)
        }
        value = float(seen.mean())
        return Estimate(value, *_reach(value, null.mean(axis=1)), n + m, joint)


def _reach(value: float, chance: np.ndarray) -> tuple[float, float]:
    """From the distance less what chance makes of none, to the distance; both widened by the spread of chance."""
    half = Z90 * float(chance.std())
    return min(value, max(0.0, value - float(chance.mean()) - half)), max(value, min(1.0, value + half))


class _Corpus:
    """What is counted once: tokens of every document, so that a redealing is sums and sorts."""

    def __init__(self, texts: list[str], stopwords: frozenset[str]) -> None:
        words = [TOKEN.findall(text.lower()) for text in texts]
        vocabulary: dict[str, int] = {}
        codes = [[vocabulary.setdefault(word, len(vocabulary)) for word in document] for document in words]
        size = np.array([len(document) for document in codes])
        ends = np.concatenate([[0], np.cumsum(size)])
        flat = np.array([code for document in codes for code in document], dtype=np.int64)
        shape = len(texts), max(1, len(vocabulary))
        self.counts = counts = sparse.csr_matrix((np.ones(len(flat)), flat, ends), shape=shape)
        counts.sum_duplicates()
        kinds = [[word in stopwords, not word[0].isalnum()] for word in vocabulary] or [[False, False]]
        shares = (counts @ np.array(kinds, dtype=float)) / np.maximum(size, 1)[:, None]
        types = np.diff(counts.indptr)
        log_size = np.log(np.maximum(size, 1))
        slope, level = np.polyfit(log_size, np.log(np.maximum(types, 1)), 1) if np.ptp(log_size) else (0.0, 0.0)
        heaps = np.log(np.maximum(types, 1)) - slope * log_size - level
        self.ranks = [_dense_rank(column) for column in (size, shares[:, 0], shares[:, 1], heaps)]

    def distances(self, is_cur: np.ndarray) -> np.ndarray:
        """(6,) in the order of `TENDENCIES`."""
        by_side = np.array([(~is_cur).astype(float), is_cur.astype(float)]) @ self.counts
        words = by_side / np.maximum(by_side.sum(axis=1, keepdims=True), 1)
        zipf = np.cumsum(-np.sort(-words, axis=1), axis=1)
        laws = [_gap(rank, is_cur) for rank in self.ranks]
        return np.array([*laws, np.abs(zipf[0] - zipf[1]).max(), np.abs(words[0] - words[1]).sum() / 2])


TENDENCIES = ("length", "stopwords", "symbols", "type-token", "rank-frequency", "unigram")


def _dense_rank(values: np.ndarray) -> np.ndarray:
    return np.unique(np.round(values, 12), return_inverse=True)[1]


def _gap(rank: np.ndarray, is_cur: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance."""
    curves = [
        np.cumsum(np.bincount(rank[side], minlength=int(rank.max()) + 1)) / side.sum() for side in (is_cur, ~is_cur)
    ]
    return float(np.abs(curves[0] - curves[1]).max())
