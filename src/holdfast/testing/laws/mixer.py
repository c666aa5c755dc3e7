"""The laws of mixers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.running import SEEDS, Law, Worlds, first, run, usual
from holdfast.vocabulary import argument


def proportions_sum_to_one(cls: type[Method], worlds: Worlds) -> None:
    """Non-negative, one a group."""
    world = first(cls, worlds)
    shares = np.asarray(usual(cls, worlds)[1])
    assert shares.shape == np.shape(world.evidence["sizes"]), f"shape {shares.shape} comes out"
    assert shares.min() >= 0 and abs(shares.sum() - 1) < 1e-9, f"proportions sum to {shares.sum()}"


def groups_do_not_see_their_order(cls: type[Method], worlds: Worlds) -> None:
    """Shuffled groups get the same proportions, shuffled."""
    world = first(cls, worlds)
    order = np.random.default_rng(5).permutation(len(world.evidence["sizes"]))
    there, back = (
        usual(cls, worlds)[1],
        run(cls(), World(_shuffled(world.evidence, order), None, _shuffled(world.train, order))),
    )
    assert np.allclose(np.asarray(there)[order], back), "proportions depend on the order of the groups"


def mixes_better_than_nature(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds nearer to the wanted mix than the natural shares are (half the sum of absolute differences)."""
    for name in cls.claims:
        for seed in SEEDS:
            world = worlds[name](seed)
            natural = np.asarray(world.evidence["sizes"]) / np.sum(world.evidence["sizes"])
            far = [float(np.abs(mix - world.truth).sum() / 2) for mix in (np.asarray(run(cls(), world)), natural)]
            assert far[0] < 0.8 * far[1], f"{far[0]:.3f} from the wanted mix in {name!r}, natural shares {far[1]:.3f}"


def _shuffled(values: Mapping[str, Any], order: np.ndarray) -> dict[str, Any]:
    """Whatever has a row a group, in another order of the groups."""
    entries = {name: argument(name) for name in values}
    axes = {name: entry.dims.index("m") for name, entry in entries.items() if entry is not None and "m" in entry.dims}
    return {name: np.take(value, order, axis=axes[name]) if name in axes else value for name, value in values.items()}


LAWS: tuple[Law, ...] = (proportions_sum_to_one, groups_do_not_see_their_order, mixes_better_than_nature)
