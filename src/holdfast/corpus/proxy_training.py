"""Tiny language models as proxies: groups of texts as rows of codes, training on phases of mixtures, losses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from holdfast.corpus.records import Fields, read_pieces
from holdfast.corpus.sources import Source, cut, wrong

HELD_OUT = 0.1  # of the documents of a group: losses are measured on these
ROWS_HELD_OUT = 64  # at most, of a group
LEAST = 8  # rows that a group must have to train on, and one to measure on
BATCH, RATE = 8, 3e-3  # rows of a step, learning rate: many small steps learn more of so few tokens


@dataclass(frozen=True)
class Proxy:
    """Sizes of a proxy and of its training: one pass over `tokens` tokens, cut into rows of `context`."""

    tokens: int = 200_000
    width: int = 64
    depth: int = 2
    context: int = 128
    merges: int = 256
    read: int = 1_000_000  # tokens of every group that are read at most

    @property
    def rows(self) -> int:
        """How many rows a training takes."""
        return max(self.tokens // self.context, LEAST)


class Phase(NamedTuple):
    """A part of a training, and the shares of the groups in it."""

    part: float
    shares: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Rows of codes, and how many bytes of text they are."""

    codes: list[list[int]]
    bytes: int


@dataclass(frozen=True)
class Group:
    """Rows of a group to train on and to measure on; `steering` is for what looks at losses while it trains."""

    rows: list[list[int]]
    held_out: Rows
    steering: Rows


class Supply:
    """Rows of every group in an order of their own; none comes again before all of its group were taken.

    `limits` says how many different rows there are of every group at most.
    """

    def __init__(self, groups: Mapping[str, Group], seed: int, limits: Sequence[int] | None = None) -> None:
        rng = np.random.default_rng(seed)
        self.rows = [group.rows for group in groups.values()]
        every = [rng.permutation(len(rows)) for rows in self.rows]
        self.orders = every if limits is None else [one[:most] for one, most in zip(every, limits, strict=True)]
        self.taken = [0] * len(self.rows)

    def take(self, shares: np.ndarray, count: int) -> list[list[int]]:
        """The next `count` rows, so many of every group, a group after the other."""
        parts = np.floor(np.append(0, np.cumsum(shares)) * count + 0.5).astype(int)
        found: list[list[int]] = []
        for place, size in enumerate(np.diff(parts).tolist()):
            order, first = self.orders[place], self.taken[place]
            found += [self.rows[place][order[at % len(order)]] for at in range(first, first + size)]
            self.taken[place] += size
        return found


class Texts:
    """The texts of the groups, a vocabulary learnt from all of them alike; every text is cut into codes once."""

    def __init__(self, sources: Mapping[str, list[Source]], settings: Proxy, fields: Fields) -> None:
        from holdfast.nets.tokens import BytePairs

        room = 4 * settings.read  # bytes: a token has about so many, or fewer
        self.settings = settings
        self.texts = {name: _texts(some, fields, room) for name, some in sources.items()}
        share = min(sum(map(len, some)) for some in self.texts.values())
        every = (text for some in self.texts.values() for text in _first(some, share))
        self.pairs = BytePairs.learn(every, settings.merges)
        self.codes: dict[tuple[str, int], list[int]] = {}

    def groups(self, seed: int, steering: int = 0) -> dict[str, Group]:
        """The groups as rows of codes; the seed says which documents are held out, `steering` how many rows steer."""
        return {name: self._group(name, seed, steering) for name in self.texts}

    def _codes(self, name: str, place: int) -> list[int]:
        if (name, place) not in self.codes:
            self.codes[name, place] = self.pairs.encode(self.texts[name][place])
        return self.codes[name, place]

    def _group(self, name: str, seed: int, steering: int) -> Group:
        from holdfast.nets.tokens import START

        rng = np.random.default_rng(seed)
        room, left = self.settings.context - 1, self.settings.read
        rows: list[list[int]] = []
        aside: list[list[int]] = []
        for place in rng.permutation(len(self.texts[name])).tolist():
            codes = self._codes(name, place)[:left]
            left -= len(codes)
            cut_up = [[START, *codes[first : first + room]] for first in range(0, len(codes), room)]
            wanted = len(aside) < ROWS_HELD_OUT and len(aside) < HELD_OUT * (len(rows) + len(aside) + 1)
            (aside if wanted else rows).extend(cut_up)
            if left <= 0:
                break
        if len(rows) < LEAST or not aside:
            raise wrong(f"group {name}: {len(rows) + len(aside)} rows of {room} tokens; expected at least {LEAST + 1}.")
        steering = min(steering, len(rows) // 4)
        return Group(rows[steering:], self._sized(aside[:ROWS_HELD_OUT]), self._sized(rows[:steering]))

    def _sized(self, codes: list[list[int]]) -> Rows:
        return Rows(codes, sum(len(self.pairs.decode(row).encode()) for row in codes))


def train_proxy(
    groups: Mapping[str, Group], phases: Sequence[Phase], vocabulary: int, settings: Proxy, seed: int,
    limits: Sequence[int] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train one proxy, phase after phase; bits per byte on what was left out of every group.

    All begin with the same weights and take the texts of a group in the same order: runs differ by their mixture only.
    """
    from holdfast.nets.batches import Batches
    from holdfast.nets.language_model import padded, train_on_batches

    supply, rows = Supply(groups, seed, limits), []
    edges = np.floor(np.cumsum([0.0, *(phase.part for phase in phases)]) * settings.rows + 0.5).astype(int)
    for number, (phase, count) in enumerate(zip(phases, np.diff(edges).tolist(), strict=True)):
        part = supply.take(phase.shares, count)
        rows += [part[place] for place in np.random.default_rng([seed, number]).permutation(len(part))]
    batches = Batches(padded(rows), batch_size=BATCH)
    model = train_on_batches(
        new_network(vocabulary, settings, seed), batches, learning_rate=RATE, seed=seed
    ).model  # fmt: skip
    return losses(model, groups)


def new_network(vocabulary: int, settings: Proxy, seed: int) -> Any:
    """The weights that every proxy begins with."""
    from holdfast.nets.calling import seeded
    from holdfast.nets.causal import CausalTransformer

    with seeded(seed):
        return CausalTransformer(vocabulary, settings.width, settings.depth, 4, settings.context)


def losses(model: Any, groups: Mapping[str, Group]) -> dict[str, float]:
    """Bits per byte on what was left out of every group."""
    return {name: bits_per_byte(model, group.held_out) for name, group in groups.items()}


def bits_per_byte(model: Any, rows: Rows) -> float:
    """The loss of a model on rows of codes, in bits per byte of their text."""
    import torch
    from torch.nn import functional

    from holdfast.nets.calling import device_of, evaluating, forward
    from holdfast.nets.language_model import padded
    from holdfast.nets.tokens import START

    codes = padded(rows.codes).to(device_of(model))
    with evaluating(model), torch.inference_mode():
        logits = forward(model, codes[:, :-1]).flatten(0, 1)
        total = functional.cross_entropy(logits, codes[:, 1:].flatten(), ignore_index=START, reduction="sum")
    return float(total) / math.log(2) / max(rows.bytes, 1)


def _texts(sources: list[Source], fields: Fields, room: int) -> list[str]:
    """Documents in order until there are enough characters."""
    shards, _, piece = cut(sources)
    found: list[str] = []
    for shard in shards:
        for part in read_pieces(sources[shard.source], shard, piece, fields):
            found += [text for text in part.texts if text.strip()]
            room -= sum(map(len, part.texts))
            if room <= 0:
                return found
    return found


def _first(texts: list[str], room: int) -> Iterator[str]:
    for text in texts:
        if room <= 0:
            return
        yield text
        room -= len(text)
