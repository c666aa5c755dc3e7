"""Exact substrings that repeat."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.suffix_array import repeated_windows
from holdfast.ops.text_features import as_buffer, word_hashes


class ExactSubstr(Scorer):
    r"""The share of a text's words that lie in a run of `length` words or more that stands elsewhere too.

    .. math:: s(x_i) = \frac{1}{|x_i|} \, \# \{t : t \in [u, u + \ell), \; x_i[u : u + \ell] = x_j[v : v + \ell], \;
              (j, v) \ne (i, u)\}

    A suffix array over all words, sorted to `length` of them, brings equal runs side by side. `spans_` holds (text,
    first word, word after the last) of what stands in an earlier place: all that would have to go.

    Use it to find boilerplate, quotations and copied paragraphs inside documents that differ, in training data or (test
    texts after training texts) across a split. It fails on runs with a changed word, and on what is shorter;
    `holdfast corpus dedup --substring` does it on disk.

    >>> method = ExactSubstr(length=3)
    >>> method.score_rows(text=["we all live here", "so we all live in a house", "no one"]).round(2).tolist()
    [0.75, 0.43, 0.0]
    >>> method.spans_.tolist()
    [[1, 1, 4]]
    """

    source = "lee2021deduplicating"
    claims = ("shared_passages",)
    blind = ("edited_passages",)
    transductive = True

    length: int = 20

    def score_rows(self, text: np.ndarray) -> np.ndarray:
        """(n,) from 0 for a text of its own to 1 for one that stands elsewhere word for word."""
        if self.length < 2:
            raise ValueError(f"length {self.length} of a run of words in text: expected at least 2.")
        words, ends = word_hashes(*as_buffer(text))
        document = np.repeat(np.arange(len(text)), np.diff(ends))
        place = np.arange(len(words))
        starts, first = repeated_windows(words, ends[1:][document] - place, place, self.length)
        self.spans_ = _runs(self._covered(starts, len(words)), document, ends)
        inside = self._covered(np.concatenate([starts, first]), len(words))
        return np.bincount(document[inside], minlength=len(text)) / np.maximum(np.diff(ends), 1)

    def _covered(self, starts: np.ndarray, count: int) -> np.ndarray:
        steps = np.zeros(count + 1, dtype=np.int64)
        np.add.at(steps, starts, 1)
        np.add.at(steps, starts + self.length, -1)
        return np.cumsum(steps[:-1]) > 0


def _runs(inside: np.ndarray, document: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(m, 3) the text, first word and end of every run of marked words."""
    new = np.append(True, document[1:] != document[:-1]) if len(document) else document.astype(bool)
    begin = np.flatnonzero(inside & (new | ~np.append(False, inside[:-1])))
    stop = np.flatnonzero(inside & np.append(new[1:] | ~inside[1:], True)) + 1
    owner = document[begin]
    return np.column_stack([owner, begin - ends[owner], stop - ends[owner]])
