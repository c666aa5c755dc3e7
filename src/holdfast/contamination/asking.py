"""What a language model is asked about a benchmark and about unseen items, as the numbers that the tests judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.contamination.said import WORDS, Said
from holdfast.contamination.texts import Item
from holdfast.core import Estimate

if TYPE_CHECKING:
    from holdfast.nets import LanguageModel

ORDERS = 8  # of the options of an item, the published one included
LEAST = 8  # items a side
GUESSED, HALF = 16, 48  # tokens that are asked for: of an option, of a second half
LAYOUTS = tuple((sep, mark) for sep in ("\n", " ") for mark in ("{}. ", "{}) ", "({}) "))  # before every option


class NotAskedError(ValueError):
    """The items do not allow for the test; the message says why."""


@dataclass(frozen=True)
class Asked:
    """A model, a benchmark, and items that the model cannot know."""

    reader: LanguageModel
    reference: LanguageModel | None
    suspects: list[Item]
    clean: list[Item]
    thorough: bool = True
    seed: int = 0

    @cached_property
    def sides(self) -> tuple[Said, Said]:
        """What the model says of the benchmark and of the unseen items."""
        both = ([item.text for item in items] for items in (self.suspects, self.clean))
        suspects, clean = (Said(self.reader, self.reference, texts, self.thorough, self.seed) for texts in both)
        return suspects, clean

    def rewording_gap(self) -> Estimate:
        """Whether the benchmark's own wording is worth more than that of unseen items."""
        from holdfast.language import RewordingGap

        if not self.thorough:
            raise NotAskedError("texts were read once only (quick)")
        gaps = {}
        for side, said in zip(("cur", "ref"), self.sides, strict=True):
            long = said.can_be_reworded
            if long.sum() < LEAST:
                raise NotAskedError(f"fewer than {LEAST} texts a side have {WORDS} words")
            gaps[f"{side}_score"] = np.nanmean(said.read.log_probs, axis=1)[long]
            gaps[f"{side}_reworded"] = np.nanmean(said.reworded, axis=2)[:, long]
        return RewordingGap().measure(**gaps)

    def order_test(self, piece: int, orders: int) -> Estimate:
        """Whether the benchmark's order is likelier than others."""
        from holdfast.language import OrderTest

        texts = [item.text for item in self.suspects]
        if len(texts) < 2 * piece:
            raise NotAskedError(f"fewer than {2 * piece} texts")
        rng = np.random.default_rng(self.seed)
        pieces = [texts[first : first + piece] for first in range(0, len(texts) - piece + 1, piece)]
        rows = [["\n".join(one), *("\n".join(rng.permutation(one)) for _ in range(orders))] for one in pieces]
        likely = _likelihoods(self.reader, rows)
        return OrderTest().measure(ordered_log_likelihood=likely[:, 0], shuffled_log_likelihood=likely[:, 1:].T)

    def option_shuffling(self) -> Estimate:
        """Whether the published order of options is the likeliest more often than by chance."""
        from holdfast.language import OptionShuffling

        items = _with_options(self.suspects, 3)
        return OptionShuffling().measure(option_log_likelihood=_likelihoods(self.reader, self._shuffled(items)))

    def slot_guessing(self) -> Estimate:
        """Whether the model fills in the last option of the benchmark's items better than of unseen ones."""
        from holdfast.language import SlotGuessing

        found: dict[str, Any] = {}
        for side, items in (("cur", self.suspects), ("ref", self.clean)):
            exact, overlap = self._guessed(_with_options(items, 2))
            found |= {f"{side}_correct": exact, f"{side}_slot_overlap": overlap}
        return SlotGuessing(seed=self.seed).measure(**found)

    def guided_completion(self, name: str) -> Estimate:
        """Whether naming the benchmark helps the model to complete its items more than unseen ones."""
        from holdfast.language import GuidedCompletion

        found = {}
        for side, said in zip(("cur", "ref"), self.sides, strict=True):
            texts = [text for text, long in zip(said.texts, said.can_be_reworded, strict=True) if long]
            if len(texts) < LEAST:
                raise NotAskedError(f"fewer than {LEAST} texts a side have {WORDS} words")
            for kind, lead in (("guided", name + " "), ("general", "")):
                found[f"{side}_{kind}_overlap"] = _completed(self.reader, texts, lead)
        return GuidedCompletion(seed=self.seed).measure(**found)

    def provenance(self, trained_on: Sequence[str]) -> Estimate:
        """Whether the model remembers texts the better, the later they stand in the order of a training run."""
        from holdfast.language import PalimpsesticProvenance

        other = None if self.reference is None else self.reference.log_likelihood(trained_on)
        return PalimpsesticProvenance().measure(
            log_likelihood=self.reader.log_likelihood(trained_on), training_step=np.arange(1.0, len(trained_on) + 1),
            reference_log_likelihood=other,
        )  # fmt: skip

    def _shuffled(self, items: list[Item]) -> list[list[str]]:
        """Every item in the published order of options and in others, no two alike."""
        rng = np.random.default_rng(self.seed)
        count = min(ORDERS, factorial(min(len(item.options) for item in items)))
        orders = [_orders(len(item.options), count, rng) for item in items]
        return [
            [_written(item.text, [item.options[at] for at in order], self.layout) for order in some]
            for item, some in zip(items, orders, strict=True)
        ]

    @cached_property
    def layout(self) -> tuple[str, str]:
        """The layout in which the benchmark's items are likeliest, their options in reverse: never as published."""
        items = [item for item in self.suspects if len(item.options) > 1]
        texts = [[_written(item.text, item.options[::-1], layout) for layout in LAYOUTS] for item in items]
        lengths = np.array([[len(text) for text in row] for row in texts])
        return LAYOUTS[int((_likelihoods(self.reader, texts) / lengths).mean(axis=0).argmax())]

    def _guessed(self, items: list[Item]) -> tuple[np.ndarray, np.ndarray]:
        """Whether the model says the last option exactly, and how alike what it says is, letter by letter."""
        from holdfast.ops.overlap import letters_alike

        hidden = [item.options[-1] for item in items]
        prompts = [
            _written(item.text, item.options, self.layout).removesuffix(option).rstrip()
            for item, option in zip(items, hidden, strict=True)
        ]
        tokens = min(max(len(self.reader.encode(option)) for option in hidden), GUESSED, self.reader.context // 2)
        pairs = list(zip(self.reader.complete(prompts, tokens), hidden, strict=True))
        exact = [_as_long(said, option).lower() == " ".join(option.lower().split()) for said, option in pairs]
        return np.array(exact), np.array([letters_alike(said, option) for said, option in pairs])


def _likelihoods(reader: LanguageModel, rows: list[list[str]]) -> np.ndarray:
    return reader.log_likelihood([text for row in rows for text in row]).reshape(len(rows), -1)


def _with_options(items: list[Item], least: int) -> list[Item]:
    found = [item for item in items if len(item.options) >= least and len(set(item.options)) == len(item.options)]
    if len(found) < LEAST:
        raise NotAskedError(f"fewer than {LEAST} items a side have {least} options or more")
    return found


def _orders(size: int, count: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """The published order, then others that are different."""
    found = {tuple(range(size)): None}
    while len(found) < count:
        found[tuple(rng.permutation(size).tolist())] = None
    return list(found)


def _written(question: str, options: Sequence[str], layout: tuple[str, str]) -> str:
    between, mark = layout
    return between.join([question, *(mark.format(chr(65 + at)) + one for at, one in enumerate(options))])


def _completed(reader: LanguageModel, texts: list[str], lead: str) -> np.ndarray:
    """ROUGE-L of the continuation of every first half with the second half."""
    from holdfast.ops.overlap import rouge_l

    words = [text.split() for text in texts]
    halves = [(" ".join(some[: len(some) // 2]), " ".join(some[len(some) // 2 :])) for some in words]
    tokens = min(max(len(reader.encode(second)) for _, second in halves), HALF, reader.context // 2)
    said = reader.complete([lead + first for first, _ in halves], tokens)
    return np.array([rouge_l(_as_long(one, true), true) for one, (_, true) in zip(said, halves, strict=True)])


def _as_long(said: str, truth: str) -> str:
    return " ".join(said.split()[: len(truth.split())])
