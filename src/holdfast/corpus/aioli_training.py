"""A proxy whose proportions are set while it trains: short rounds tell what each group does for all (Aioli)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from holdfast.corpus.proxy_training import (
    BATCH,
    RATE,
    Group,
    Proxy,
    Supply,
    bits_per_byte,
    losses,
    new_network,
)
from holdfast.corpus.sources import wrong

SWEEPS, STEPS = 2, 2  # every group is perturbed so often a round, there and back, for so many steps
LEARNING = 0.4  # of the training goes into perturbed steps, at most
ROUNDS = 8  # at most
STEERING = 16  # rows of every group that are neither trained on nor measured at the end: the losses that steer
UPDATE = 1.0  # rate of the update of one round


def steps_and_rounds(rows: int, groups: int) -> tuple[int, int]:
    """How many steps a perturbed part of a training of `rows` rows has, and how many rounds there are."""
    steps, parts = -(-rows // BATCH), SWEEPS * groups
    if parts > LEARNING * steps:
        raise wrong(
            f"{steps} steps are too few to perturb {groups} groups; expected at least "
            f"{int(np.ceil(parts / LEARNING))}: raise --tokens or leave Aioli out."
        )
    perturbed = min(STEPS, int(LEARNING * steps / parts))
    return perturbed, min(ROUNDS, int(LEARNING * steps / (parts * perturbed)))


class Steered:
    """The batches of one training, an epoch of it; between two of them it looks at the network's losses.

    A round begins with `SWEEPS` x groups short parts, three quarters of one group and the rest of all others; the falls
    of the losses give the law, the law the proportions of the rest of the round. `rounds` tells it.
    """

    def __init__(self, network: Any, groups: Mapping[str, Group], supply: Supply, rows: int, seed: int) -> None:
        self.network, self.groups, self.supply = network, list(groups.values()), supply
        self.rng = np.random.default_rng([seed, 1])
        self.steps = -(-rows // BATCH)
        self.perturbed, count = steps_and_rounds(rows, len(self.groups))
        self.edges = np.floor(np.linspace(0, self.steps, count + 1) + 0.5).astype(int)
        self.shares = np.full(len(self.groups), 1 / len(self.groups))
        self.rounds: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for first, last in zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True):
            yield from self._round(last - first)

    def _round(self, steps: int) -> Iterator[dict[str, Any]]:
        from holdfast.mixing import Aioli

        count, before = len(self.groups), self._losses()
        tried, drops = [], []
        order = self.rng.permutation(count).tolist()
        for group in [*order, *reversed(order)]:  # there and back: that losses fall less and less favours no group
            one = np.arange(count) == group
            tried.append(np.where(one, 0.75, 0.25 / (count - 1)))
            yield from self._batches(tried[-1], self.perturbed)
            after = self._losses()
            drops.append(before - after)
            before = after
        mixer = Aioli(rate=UPDATE, trend=True).fit(proportions=np.array(tried), loss_drops=np.array(drops))
        self.shares = mixer.mix_groups(sizes=self.shares)
        left = steps - len(tried) * self.perturbed
        said = float(before.mean()) - mixer.predicted_drop_ * left / self.perturbed
        yield from self._batches(self.shares, left)
        self.rounds.append({
            "shares": self.shares.tolist(), "low": mixer.low_.tolist(), "high": mixer.high_.tolist(),
            "influence": mixer.influence_.tolist(), "error": mixer.influence_error_.tolist(),
            "fidelity": mixer.fidelity_, "left_out_fidelity": mixer.left_out_fidelity_, "predicted": said,
            "measured": float(self._losses().mean()),
        })  # fmt: skip

    def _batches(self, shares: np.ndarray, steps: int) -> Iterator[dict[str, Any]]:
        from holdfast.nets.language_model import padded

        rows = self.supply.take(shares, steps * BATCH)
        order = self.rng.permutation(len(rows)).tolist()
        for first in range(0, len(rows), BATCH):
            yield {"inputs": padded([rows[place] for place in order[first : first + BATCH]])}

    def _losses(self) -> np.ndarray:
        return np.array([bits_per_byte(self.network, group.steering) for group in self.groups])


def train_steered(
    groups: Mapping[str, Group], vocabulary: int, settings: Proxy, seed: int, limits: Sequence[int] | None = None
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Losses of a proxy trained by Aioli, as those of `train_proxy`; what was learnt and set in every round."""
    from holdfast.nets.calling import best_device
    from holdfast.nets.language_model import train_on_batches

    network = new_network(vocabulary, settings, seed).to(best_device())
    batches = Steered(network, groups, Supply(groups, seed, limits), settings.rows, seed)
    train_on_batches(network, batches, learning_rate=RATE, seed=seed, in_place=True)
    return losses(network, groups), batches.rounds
