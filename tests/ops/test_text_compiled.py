"""The compiled text kernels use their memory again, but never while somebody looks at it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the extra corpus is not installed")
from holdfast.ops import text_compiled, text_plain
from holdfast.ops.text_features import as_buffer


def test_what_a_call_returned_is_not_overwritten_by_the_next() -> None:
    first = text_compiled.word_hashes(*as_buffer(["one two three", "four"]))
    kept = [part.copy() for part in first]
    part = first[0][1:3]
    for text in ("other words here", "a b c d e f"):
        text_compiled.word_hashes(*as_buffer([text]))
    for one, other in zip(first, kept, strict=True):
        np.testing.assert_array_equal(one, other)
    expected = part.tolist()
    del first
    text_compiled.word_hashes(*as_buffer(["still others"]))
    assert part.tolist() == expected, "a part of a result is a result"


def test_memory_is_used_again_when_nobody_looks() -> None:
    text = as_buffer(["some words " * 1000])
    text_compiled.word_hashes(*text)
    buffers = text_compiled._last.buffers
    text_compiled.word_hashes(*text)
    assert text_compiled._last.buffers is buffers
    held = text_compiled.word_hashes(*text)
    text_compiled.word_hashes(*text)
    assert text_compiled._last.buffers is not buffers and len(held[0]) == 2000


def test_long_words_and_ends_of_documents_are_the_same_in_both_versions() -> None:
    rng = np.random.default_rng(1)
    letters = np.array([*"abcXYZ019_", "é", "\u00a0", "\u2019", "ж", "中"])
    texts = ["".join(rng.choice(letters, size=size)) for size in range(40)] * 20
    texts += ["x" * size for size in range(30)] + [f"{'x' * size} y" for size in range(30)]
    for one, other in zip(
        text_compiled.word_hashes(*as_buffer(texts)), text_plain.word_hashes(*as_buffer(texts)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
