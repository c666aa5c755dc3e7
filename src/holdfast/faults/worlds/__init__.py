"""Worlds: real data with a known fault planted in it, several a family; tests, bench and laws share them.

A world is a function of a seed in the file of its family, `holdfast.faults.worlds.<family>`; the world named `none`
has no fault. Nothing is registered: every public function defined in that file is a world.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import getmembers, isfunction
from typing import Any, NamedTuple

import numpy as np


class World(NamedTuple):
    """What a method is given (`train` to `fit`, `evidence` to its verb) and what was planted (`truth`).

    `truth` is, by role: Scorer, (n,) bool, true where the row has the fault; Grouper, (n,) int, -1 = in no group;
    Measure, the true value or None where only the verdict counts; Weigher, (ref_n,) the true density ratio or None;
    Mapper, what the rows turned out to be (class codes or numeric targets).
    """

    evidence: dict[str, Any]
    truth: Any = None
    train: dict[str, Any] = {}  # noqa: RUF012 - never mutated: worlds are built, then read


def worlds(family: str) -> dict[str, Callable[[int], World]]:
    """The worlds of a family by name."""
    module = import_module(f"holdfast.faults.worlds.{family}")
    members = getmembers(module, lambda found: isfunction(getattr(found, "__wrapped__", found)))  # also cached ones
    return {name: make for name, make in members if not name.startswith("_") and make.__module__ == module.__name__}


def split(n: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two disjoint sets of row numbers, the first with about `share` of the `n` rows."""
    order = rng.permutation(n)
    cut = round(share * n)
    return order[:cut], order[cut:]
