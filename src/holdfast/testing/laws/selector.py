"""The laws of selectors that clean: what they leave out is bad more often than what they keep."""

from __future__ import annotations

import numpy as np

from holdfast.core import Method
from holdfast.testing.laws.running import SEEDS, Law, Worlds, call, first, run, usual


def row_numbers_are_valid_and_different(cls: type[Method], worlds: Worlds) -> None:
    """Whole numbers from 0 to n - 1, none twice, at least one."""
    world = first(cls, worlds)
    rows = np.asarray(usual(cls, worlds)[1])
    assert rows.dtype.kind in "iu" and rows.ndim == 1 and len(rows), f"{rows.dtype} of shape {rows.shape} comes out"
    assert len(np.unique(rows)) == len(rows), "a row is chosen twice"
    assert rows.min() >= 0 and rows.max() < len(world.truth), "a row number is out of range"


def the_budget_is_kept(cls: type[Method], worlds: Worlds) -> None:
    """With a budget, the first rows of what is chosen without one."""
    world = first(cls, worlds)
    free = np.asarray(usual(cls, worlds)[1])
    few = np.asarray(call(cls(), {**world.evidence, "budget": 7}))
    assert np.array_equal(few, free[:7]), (
        f"a budget of 7 gives {few.tolist()}, without one {free[:7].tolist()} come first"
    )


def what_is_left_out_is_bad(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds rows left out are bad at least 1.5 times as often as all rows, and most rows stay."""
    for name in cls.claims:
        rates = []
        for seed in SEEDS:
            world = worlds[name](seed)
            out = np.ones(len(world.truth), dtype=bool)
            out[np.asarray(run(cls(), world))] = False
            assert 0 < out.mean() < 0.5, f"{out.mean():.0%} of the rows are left out in {name!r}"
            rates.append(world.truth[out].mean() / world.truth.mean())
        assert np.mean(rates) >= 1.5, f"rows left out are bad {np.mean(rates):.2f} times as often as all in {name!r}"


LAWS: tuple[Law, ...] = (row_numbers_are_valid_and_different, the_budget_is_kept, what_is_left_out_is_bad)
