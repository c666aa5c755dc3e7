"""The laws of mixers."""

from __future__ import annotations

import numpy as np

from holdfast.core import Method
from holdfast.testing.laws.running import SEEDS, Law, Worlds, call, first, run


def proportions_sum_to_one(cls: type[Method], worlds: Worlds) -> None:
    """Non-negative, one a group."""
    world = first(cls, worlds)
    shares = np.asarray(run(cls(), world))
    assert shares.shape == np.shape(world.evidence["sizes"]), f"shape {shares.shape} comes out"
    assert shares.min() >= 0 and abs(shares.sum() - 1) < 1e-9, f"proportions sum to {shares.sum()}"


def groups_do_not_see_their_order(cls: type[Method], worlds: Worlds) -> None:
    """Shuffled groups get the same proportions, shuffled."""
    world = first(cls, worlds)
    sizes = np.asarray(world.evidence["sizes"])
    order = np.random.default_rng(5).permutation(len(sizes))
    there, back = run(cls(), world), call(cls(), {**world.evidence, "sizes": sizes[order]})
    assert np.allclose(np.asarray(there)[order], back), "proportions depend on the order of the groups"


def mixes_better_than_nature(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds nearer to the wanted mix than the natural shares are (half the sum of absolute differences)."""
    for name in cls.claims:
        for seed in SEEDS:
            world = worlds[name](seed)
            natural = np.asarray(world.evidence["sizes"]) / np.sum(world.evidence["sizes"])
            far = [float(np.abs(mix - world.truth).sum() / 2) for mix in (np.asarray(run(cls(), world)), natural)]
            assert far[0] < 0.8 * far[1], f"{far[0]:.3f} from the wanted mix in {name!r}, natural shares {far[1]:.3f}"


LAWS: tuple[Law, ...] = (proportions_sum_to_one, groups_do_not_see_their_order, mixes_better_than_nature)
