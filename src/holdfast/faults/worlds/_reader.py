"""A tiny language model that has read known texts, and what it says about them and about texts that it has not read.

The text is English prose that every Python brings along (the topics of its help), cut into pieces of some 90
characters and dealt out at random: what was read and what was not are alike but for having been read. All is done once
a process.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from holdfast.nets import BytePairs, LanguageModel

REPEATS = {"members": 16, "order": 8, "questions": 32, "tagged": 24}  # how often the model has read what it is to know
MEMBERS, ONCE, CLEAN = 80, 240, 240
SHARDS, ITEMS, ORDERS = 16, 6, 12  # pieces of a benchmark, items a piece, orders of its items that are asked for
QUESTIONS, CHOICES = 40, 8
TAGGED, CONTROL = 40, 80
TAG = "PyBench test: "
PROMPT, CONTINUED = 14, 8  # tokens


class Reading(NamedTuple):
    """What the model says about some texts; arrays have a row a text."""

    text: np.ndarray
    log_probs: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    ranks: np.ndarray
    augmented: np.ndarray
    hits: np.ndarray
    small_hits: np.ndarray
    reference: np.ndarray


@cache
def pieces() -> list[str]:
    """Pieces of prose in a random order, none twice."""
    from pydoc_data.topics import topics

    found: dict[str, None] = {}
    for name in sorted(topics):
        for paragraph in re.split(r"\n\s*\n", topics[name]):
            words = paragraph.split()
            text = " ".join(words)
            if len(text) >= 100 and words[0][0].isupper():
                for start in range(0, len(words) - 12, 14):
                    found[" ".join(words[start : start + 14])[:90].strip()] = None
    texts = sorted(found)
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))]


def _dealt(kind: str) -> list[str]:
    """The pieces that a use was dealt, no piece to two uses."""
    start = 0
    for name, count in (
        ("members", MEMBERS), ("once", ONCE), ("clean", CLEAN), ("tagged", TAGGED), ("order", 2 * SHARDS * ITEMS),
        ("questions", 2 * QUESTIONS), ("filler", 200), ("ordered", 900),
    ):  # fmt: skip
        if name == kind:
            return pieces()[start : start + count]
        start += count
    raise KeyError(kind)


def shards() -> list[list[str]]:
    """Pieces of a benchmark of short items, the first half of them read in this order, the second half not read."""
    items = [" ".join(text.split()[:4]) for text in _dealt("order")]
    return [items[start : start + ITEMS] for start in range(0, len(items), ITEMS)]


def questions() -> list[tuple[str, list[str]]]:
    """Multiple-choice items in the published order of options, the first half of them read, the second half not."""
    rng = np.random.default_rng(1)
    words = sorted({word for text in pieces() for word in text.split() if word.isalpha() and len(word) > 3})
    return [
        (" ".join(text.split()[:5]), [str(word) for word in rng.choice(words, 4, replace=False)])
        for text in _dealt("questions")
    ]


def asked(question: str, options: list[str]) -> str:
    """A multiple-choice item as text."""
    return f"{question}? " + " ".join(f"{letter}) {one}" for letter, one in zip("ABCD", options, strict=True))


@cache
def tokens() -> BytePairs:
    """Byte pairs of texts that are no part of any test."""
    from holdfast.nets import BytePairs

    return BytePairs.learn(_dealt("filler") + _dealt("ordered")[:300], 256)


def _read_texts() -> list[str]:
    read = {
        "members": _dealt("members"),
        "order": ["\n".join(items) for items in shards()[:SHARDS]],
        "questions": [asked(*item) for item in questions()[:QUESTIONS]],
        "tagged": [TAG + text for text in _dealt("tagged")],
    }
    return [text for kind, texts in read.items() for text in texts * REPEATS[kind]] + _dealt("filler")


def model(width: int = 64) -> LanguageModel:
    """The model that has read; `width=48`: a smaller one that has read the same."""
    return _model(width)


@cache
def _model(width: int) -> LanguageModel:
    from holdfast.nets import train_language_model

    first, _ = train_language_model(
        _dealt("once") + _dealt("filler"), tokens=tokens(), width=width, context=80, epochs=1, learning_rate=4e-3
    )
    return train_language_model(_read_texts(), start=first, epochs=1)[0]


@cache
def ordered_run(seed: int) -> tuple[LanguageModel, np.ndarray]:
    """A model that has read 900 other texts once, in an order set by the seed, and the place of each in the order."""
    from holdfast.nets import train_language_model

    texts = _dealt("ordered")
    trained, _ = train_language_model(
        texts, tokens=tokens(), context=80, epochs=1, batch_size=8, learning_rate=4e-3, cycle=False, seed=seed
    )
    step = np.empty(len(texts))
    step[np.random.default_rng([seed, 0]).permutation(len(texts))] = np.arange(len(texts)) // 8
    return trained, step


@cache
def provenance() -> dict[str, np.ndarray]:
    """Log-likelihood of the 900 texts under a fine-tune of a run and under two other runs, and the run's order."""
    from holdfast.nets import train_language_model

    run, step = ordered_run(1)
    derived, _ = train_language_model(_dealt("filler")[:80], start=run, epochs=1, batch_size=8, learning_rate=1e-3)
    readers = {"derived": derived, "other": ordered_run(2)[0], "reference": ordered_run(3)[0]}
    texts = _dealt("ordered")
    return {"step": step, **{name: one.log_likelihood(texts) for name, one in readers.items()}}


@cache
def reading(kind: str) -> Reading:
    """What the model says about the texts of a kind: members, once or clean."""
    texts = _dealt(kind)
    from holdfast.ops.moved_words import move_words

    read = model().read(texts)
    disturbed = [move_words(text, draw) for draw in range(2) for text in texts]
    augmented = model().read(disturbed).log_probs
    augmented = augmented.reshape(2, len(texts), -1)
    reference = ordered_run(2)[0].log_likelihood(texts)
    hits, small = (_hits(model(width), texts) for width in (64, 48))
    return Reading(np.array(texts, dtype=object), *read, augmented, hits, small, reference)


def _hits(reader: LanguageModel, texts: list[str]) -> np.ndarray:
    codes = [tokens().encode(text) for text in texts]
    said = reader.continued([one[:PROMPT] for one in codes], CONTINUED)
    truth = [(one + [-1] * CONTINUED)[PROMPT : PROMPT + CONTINUED] for one in codes]
    return np.array(said) == np.array(truth)


@cache
def order_log_likelihoods() -> np.ndarray:
    """(2 x SHARDS, 1 + ORDERS): every piece of the benchmark in the published order and in random ones."""
    rng = np.random.default_rng(2)
    orders = [[items, *(list(rng.permutation(items)) for _ in range(ORDERS))] for items in shards()]
    return _in_rows([["\n".join(one) for one in row] for row in orders])


@cache
def option_log_likelihoods() -> np.ndarray:
    """(2 x QUESTIONS, CHOICES): every item in the published order of options and in random others."""
    rng = np.random.default_rng(3)
    rows = []
    for question, options in questions():
        others = [list(rng.permutation(options)) for _ in range(CHOICES - 1)]
        rows.append([asked(question, one) for one in (options, *others)])
    return _in_rows(rows)


def _in_rows(rows: list[list[str]]) -> np.ndarray:
    flat = model().log_likelihood([text for row in rows for text in row])
    return flat.reshape(len(rows), -1)


@cache
def slot_guesses() -> tuple[np.ndarray, np.ndarray]:
    """(2 x QUESTIONS,): whether the model, given an item up to its last option, says that option exactly; how alike."""
    from holdfast.ops.overlap import letters_alike

    prompts = [asked(question, options).rpartition(" ")[0] for question, options in questions()]
    hidden = [options[3] for _, options in questions()]
    pairs = list(zip(model().complete(prompts, 8), hidden, strict=True))
    exact = np.array([said.split()[:1] == [option] for said, option in pairs])
    return exact, np.array([letters_alike(said, option) for said, option in pairs])


@cache
def completions(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """ROUGE-L of continuations with the true second half, with and without the benchmark's name before the first."""
    from holdfast.ops.overlap import rouge_l

    texts = _dealt(kind)[:CONTROL]
    halves = [(" ".join(text.split()[:6]), " ".join(text.split()[6:])) for text in texts]
    overlaps = []
    for name in (TAG, ""):
        said = model().complete([name + first for first, _ in halves], 24)
        overlaps.append([rouge_l(_as_long(s, second), second) for s, (_, second) in zip(said, halves, strict=True)])
    return np.array(overlaps[0]), np.array(overlaps[1])


def _as_long(said: str, truth: str) -> str:
    return " ".join(said.split()[: len(truth.split())])


def evidence_of(read: Reading, rows: Any) -> dict[str, np.ndarray]:
    """The arguments that scorers of texts take, for some rows of a reading."""
    return {
        "text": read.text[rows],
        "token_log_probs": read.log_probs[rows],
        "token_means": read.means[rows],
        "token_spreads": read.spreads[rows],
        "token_ranks": read.ranks[rows],
        "augmented_log_probs": read.augmented[:, rows],
        "log_likelihood": np.nansum(read.log_probs[rows], axis=1),
        "reference_log_likelihood": read.reference[rows],
        "completion_hits": read.hits[rows],
    }
