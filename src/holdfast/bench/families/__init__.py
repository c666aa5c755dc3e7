"""One file a family: what is planted for it, how its methods are asked, and what their answers are worth."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.bench.family import Family

NAMES = ("labels", "ood", "shift", "estimation", "weighting")


@cache
def family_of(name: str) -> Family:
    """The family of this name."""
    made: Family = import_module(f"holdfast.bench.families.{name}").FAMILY
    return made
