"""Texts that hold an item of a test in other words."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.text_features import as_buffer, hashed_counts, rarity, word_hashes


class RephrasedItems(Scorer):
    r"""For every text the most of a test item's evidence that some window of it holds, in whatever order and words.

    .. math:: s(x) = \max_{i \in \text{top } k(x)} \max_{W \subset x, \, |W| \le 1.5 |q_i|}
              \Big( \frac{E(q_i \cap W) - \nu}{E(q_i) - \nu} \Big)_+, \qquad E(q) = \sum_{w \in q} -\log \text{df}_w

    The `candidates` items nearest to a text by cosine of rare words are judged by a window a little longer than the
    item: the share of the item's rare words (names, numbers, nouns), each weighed by how few items have it, that stand
    near each other there, after taking off the `noise` :math:`\nu` that chance finds. `matched_` (n,) is the item that
    scores highest.

    Use it where n-grams find nothing since items were rephrased, without a model. It fails on translations, and where
    names and numbers were replaced; `holdfast corpus decontaminate` does it on disk, with a correction for what chance
    finds in large corpora.

    >>> items = ["How many apples does Maria have if she picks 37 and gives Tobias 12?", "Name the capital of Peru."]
    >>> texts = ["Maria had picked 37 apples; Tobias got 12 of her apples.", "It rained all day in the valley."]
    >>> method = RephrasedItems(candidates=1, noise=2.0)
    >>> high, low = method.fit(ref_text=items).score_rows(text=texts)
    >>> bool(high > 0.3), bool(low < 0.1), int(method.matched_[0])
    (True, True, 0)
    """

    source = "yang2023rethinking"
    claims = ("rephrased_items",)
    blind = ("other_names_and_numbers",)
    silent: ClassVar[tuple[str, ...]] = ("candidates",)  # in the worlds the nearest item is the one that is hidden
    candidates: int = 3
    noise: float = 3.0

    def fit(self, ref_text: np.ndarray) -> RephrasedItems:
        """Keep the items of the test, and how rare their words are among them."""
        self.items_ = [np.unique(part) for part in _words(ref_text)]
        self.lengths_ = np.array([len(part) for part in _words(ref_text)])
        known, counts = np.unique(np.concatenate([*self.items_, np.empty(0, np.uint64)]), return_counts=True)
        weight = -np.log(np.minimum(counts / max(len(self.items_), 20), 0.99))
        self.weights_ = [weight[np.searchsorted(known, part)].tolist() for part in self.items_]
        table = hashed_counts(ref_text, 1 << 16, orders=(1,))
        self.rarity_ = rarity(np.bincount(table.indices, minlength=1 << 16), len(self.items_))
        self.vectors_ = self._unit(table)
        return self

    def score_rows(self, text: np.ndarray) -> np.ndarray:
        """(n,) from 0 to 1, 1 where an item's rare words all stand together."""
        near = (self._unit(hashed_counts(text, 1 << 16, orders=(1,))) @ self.vectors_.T).toarray()
        count = min(max(self.candidates, 1), len(self.items_))
        score, self.matched_ = np.zeros(len(text)), np.full(len(text), -1)
        for row, words in enumerate(_words(text)):
            for item in np.argsort(-near[row], kind="stable")[:count].tolist():
                value = self._best(words, item) if near[row, item] > 0 else 0.0
                if value > score[row]:
                    score[row], self.matched_[row] = value, item
        return score

    def _best(self, words: np.ndarray, item: int) -> float:
        """The largest share of an item's weight inside one window, by two places that move over the text."""
        mine, weight = self.items_[item], self.weights_[item]
        code = np.minimum(np.searchsorted(mine, words), len(mine) - 1)
        at = np.flatnonzero(mine[code] == words)
        window, first, held, best = int(1.5 * self.lengths_[item]) + 6, 0, 0.0, 0.0
        places, codes, counts = at.tolist(), code[at].tolist(), [0] * len(mine)
        for place, one in zip(places, codes, strict=True):
            held += weight[one] if counts[one] == 0 else 0.0
            counts[one] += 1
            while places[first] <= place - window:
                counts[codes[first]] -= 1
                held -= weight[codes[first]] if counts[codes[first]] == 0 else 0.0
                first += 1
            best = max(best, held)
        return max(best - self.noise, 0.0) / max(sum(weight) - self.noise, self.noise, 1e-300)

    def _unit(self, table):  # type: ignore[no-untyped-def]
        weighed = table.multiply(self.rarity_[None]).tocsr()
        norm = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1))).ravel()
        from scipy.sparse import diags

        return diags(1 / np.maximum(norm, 1e-12)) @ weighed


def _words(texts: np.ndarray) -> list[np.ndarray]:
    words, ends = word_hashes(*as_buffer(texts))
    return np.split(words, ends[1:-1])
