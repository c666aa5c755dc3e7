"""What is said of a slice that a search nominated: how it does on fresh rows, and its rule in words."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.binning import Bins
from holdfast.slices._gap import gap
from holdfast.slices._search import Candidate, inside


def fresh_gaps(nominated: list[Candidate], codes: np.ndarray, loss: np.ndarray, height: np.ndarray) -> list[Estimate]:
    """Every nominated slice against the rest on fresh rows, without the rows of those before it."""
    left = np.ones(len(loss), dtype=bool)
    gaps = []
    for candidate in nominated:
        rows = inside(codes, candidate.conditions)
        pvalue = gap(height[left], rows[left]).pvalue
        gaps.append(gap(loss[left], rows[left])._replace(pvalue=pvalue))
        left &= ~rows
    return gaps


def rule_of(candidate: Candidate, cuts: list[Bins], names: list[str]) -> str:
    """The conditions, in the order of the columns."""
    return " and ".join(cuts[column].rule(names[column], *ends) for column, *ends in sorted(candidate.conditions))
