"""What the compiled search for items skips must change nothing: it is compared with one that looks at every window."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.datasets.corpora import real_documents
from holdfast.ops.text_features import as_buffer, word_hashes

pytest.importorskip("numba", reason="the extra corpus is not installed")
from holdfast.ops import window_score
from holdfast.ops.window_score import STRIDE, Items, best_windows, index_items


def every_window(words: np.ndarray, starts: np.ndarray, items: Items, threshold: float) -> dict[tuple[int, int], float]:
    """Best scores by document and item: every window of two blocks, every item, its rarest words one by one."""
    best: dict[tuple[int, int], float] = {}
    slot, counts = np.full(len(items.weight), -1), np.zeros(len(items.sequence) + 1, dtype=np.int64)
    for document in range(len(starts) - 1):
        mine = words[starts[document] : starts[document + 1]]
        here = window_score._numbers(mine, items.table_keys, items.table_words)
        for begin in range(0, max(len(mine) - STRIDE, 1), STRIDE):
            near = set(here[begin : begin + 2 * STRIDE].tolist())
            for item in range(len(items.total)):
                rarest = items.rarest[items.rarest_starts[item] : items.rarest_starts[item + 1]]
                if items.weight[[word for word in rarest if word in near]].sum() + 1e-9 < items.needed[item]:
                    continue
                score, _, _ = window_score._score(
                    here, len(mine), begin, item, items.weight, items.sequence, items.sequence_starts, items.distinct,
                    items.distinct_starts, items.total[item], items.verbatim[item], items.noise, slot, counts,
                )  # fmt: skip
                if score + 1e-9 >= threshold:
                    best[document, item] = max(score, best.get((document, item), -1.0))
    return best


@pytest.mark.parametrize("noise", [20.0, 4.0])
def test_nothing_is_missed_that_a_look_at_every_window_finds(noise: float) -> None:
    documents = real_documents()
    items = [" ".join(text.split()[:size]) for text, size in zip(documents[:40], [25, 40, 60, 8] * 10, strict=True)]
    rng = np.random.default_rng(0)
    mixed = [" ".join(rng.permutation(text.split())) for text in items]
    texts = [*documents[:60], *items, *mixed, " ".join([*documents[0].split()[:70], *items[1].split()]), "", "one"]
    known, starts = word_hashes(*as_buffer(items))
    words, ends = word_hashes(*as_buffer(texts))
    share = {int(word): 1 / (2 + number % 50) for number, word in enumerate(np.unique(known))}
    index = index_items(known, starts, share, noise=noise)
    expected = every_window(words, ends, index, 0.1)
    pairs, scores, _ = best_windows(words, ends, index, 0.1)
    found = {(int(document), int(item)): score for (document, item), score in zip(pairs, scores, strict=True)}
    assert len(expected) > 80 and set(found) == set(expected)
    assert list(found) == sorted(found)
    assert all(found[pair] == pytest.approx(expected[pair]) for pair in expected)
