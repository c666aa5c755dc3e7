"""Worlds of the curation family: digits and texts, some of which a training set is better without.

The truth marks those: copies, what crowds out the rest, what is not of the wanted kind, gibberish and boilerplate.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from holdfast.datasets.corpora import real_documents
from holdfast.faults.worlds import World
from holdfast.faults.worlds import _reader as reader
from holdfast.ops.byte_grams import ByteGrams

ROWS = 160


def none(seed: int) -> World:
    """Nothing is wrong: digits, none twice, of all kinds alike; texts of one kind."""
    rng = np.random.default_rng(seed)
    X, _ = _digits()
    rows = rng.permutation(len(X))
    texts = _prose(rng, 2 * ROWS)
    evidence = {
        "X": X[rows[:ROWS]], "ref_X": X[rows[:ROWS]], "cur_X": X[rows[ROWS : 2 * ROWS]],
        "ref_text": texts[:ROWS], "cur_text": texts[ROWS:], "perplexity": np.exp(rng.normal(5, 0.1, ROWS)),
    }  # fmt: skip
    return World(evidence, np.zeros(ROWS, bool))


def many_copies(seed: int) -> World:
    """Two dozen digits stand there six times each, with a little noise: all but the first are too many."""
    rng = np.random.default_rng(seed)
    X, _ = _digits()
    rows = rng.permutation(len(X))[:ROWS]
    copies = np.repeat(rows[:24], 5)
    both = np.concatenate([X[rows], X[copies] + rng.normal(0, 0.01 * X.std(), (len(copies), X.shape[1]))])
    order = rng.permutation(len(both))
    return World({"X": both[order]}, (np.arange(len(both)) >= ROWS)[order])


def crowded_topic(seed: int) -> World:
    """Nearly half of the rows are zeros, the other nine digits share the rest."""
    rng = np.random.default_rng(seed)
    X, y = _digits()
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(y == digit))[: 100 if digit == 0 else 14] for digit in range(10)]
    )
    rows = rng.permutation(rows)
    return World({"X": X[rows]}, y[rows] == 0)


def other_kind_of_row(seed: int) -> World:
    """The candidates are digits of all kinds; the target has only those below five."""
    rng = np.random.default_rng(seed)
    X, y = _digits()
    rows = rng.permutation(len(X))
    target = rows[ROWS:][y[rows[ROWS:]] < 5][:100]
    return World({"ref_X": X[rows[:ROWS]], "cur_X": X[target]}, y[rows[:ROWS]] >= 5)


def other_kind_of_text(seed: int) -> World:
    """The pool holds pieces of a manual and of literature; the target is the manual."""
    rng = np.random.default_rng(seed)
    manual, literature = _prose(rng, 200), _literature(rng, 100)
    texts = np.concatenate([manual[:150], literature])
    order = rng.permutation(len(texts))
    return World({"ref_text": texts[order], "cur_text": manual[150:]}, (np.arange(len(texts)) >= 150)[order])


def boilerplate_and_gibberish(seed: int) -> World:
    """Pieces of a manual, a line that stands everywhere, keyboard noise: the perplexity of each for an n-gram model."""
    rng = np.random.default_rng(seed)
    manual = _prose(rng, 200)
    noise = ["".join(rng.choice(list("qwxzjkvyp;~ "), 80)) for _ in range(60)]
    boiler = ["All rights reserved. All rights reserved."] * 40
    texts = np.array([*manual, *noise, *boiler], dtype=object)
    perplexity = np.exp(-_model().log_probs(texts)) ** 2
    order = rng.permutation(len(texts))
    return World({"perplexity": perplexity[order]}, (np.arange(len(texts)) >= 200)[order])


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X - X.mean(axis=0), y


def _prose(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.array(rng.permutation(reader.pieces())[:count], dtype=object)


def _literature(rng: np.random.Generator, count: int) -> np.ndarray:
    texts = [text[:90] for text in real_documents()]
    return np.array(rng.permutation(texts)[:count], dtype=object)


@cache
def _model() -> Any:
    return ByteGrams(order=4, bits=16).learn([*reader.pieces()[-600:], *["All rights reserved."] * 50])
