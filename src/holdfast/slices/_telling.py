"""What is said of a slice that a search nominated: its rule in words, and which rows of any table it holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holdfast.ops.binning import Bins
from holdfast.slices._search import Candidate, Condition


def rule_of(candidate: Candidate, cuts: list[Bins], names: list[str]) -> str:
    """The conditions, in the order of the columns."""
    return " and ".join(cuts[column].rule(names[column], *ends) for column, *ends in sorted(candidate.conditions))


def holds(cuts: list[Bins], slices: Sequence[tuple[Condition, ...]], X: np.ndarray) -> np.ndarray:
    """(m, s) bool: which rows fulfil all conditions of each slice."""
    held = np.ones((len(X), len(slices)), dtype=bool)
    for place, conditions in enumerate(slices):
        for column, first, last in conditions:
            codes = cuts[column].codes(X[:, column])
            held[:, place] &= (codes >= first) & (codes <= last)
    return held
