"""The columns that slices are described by, and their rules in the words of the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.audit.encode import COMPONENTS, MANY, Encoder
from holdfast.audit.records import ColumnRecord
from holdfast.ops.binning import Bins
from holdfast.slices import WeakSlices

MISSING = MANY + 1  # the code that a missing category is searched under
LEAST_ROWS = 100  # with fewer, no slice can be found and confirmed


class Slicing(NamedTuple):
    """Places of the usable columns in the model matrix, their names, and the values of those that are codes.

    `values` maps a place among the usable columns to its categories, by code.
    """

    places: tuple[int, ...]
    names: tuple[str, ...]
    values: dict[int, list[str]]

    @property
    def unordered(self) -> tuple[int, ...]:
        """The usable columns whose codes have no order."""
        return tuple(self.values)

    def shown(self, X: np.ndarray) -> np.ndarray:
        """The usable columns of a model matrix, ready to be searched: a missing number lies below all others."""
        filled = np.array(X[:, list(self.places)])
        for place in range(filled.shape[1]):
            gone = np.isnan(filled[:, place])
            if not gone.any():
                continue
            known = filled[~gone, place]
            low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
            filled[gone, place] = MISSING if place in self.values else low - 1 - (high - low)
        return filled

    def rules(self, finder: WeakSlices) -> list[str]:
        """The rule of every slice that was found, with the names of categories in place of their codes.

        >>> slicing = Slicing((0, 1), ("sex", "age"), {0: ["female", "male"]})
        >>> X = np.array([[i % 2, i // 2 % 50] for i in range(400)], dtype=float)
        >>> finder = WeakSlices(unordered=slicing.unordered)
        >>> _ = finder.group_rows(X=X, loss=(X[:, 0] == 1) * 1.0, columns=slicing.names)
        >>> slicing.rules(finder)
        ['sex = male']
        """
        cuts = finder.cuts_
        return [" and ".join(self._condition(cuts, *one) for one in sorted(held)) for held in finder.conditions_]

    def _condition(self, cuts: list[Bins], place: int, first: int, last: int) -> str:
        if place in self.values:
            return f"{self.names[place]} = {_value(int(cuts[place].starts[first]), self.values[place])}"
        return cuts[place].rule(self.names[place], first, last)


def slicing_of(features: tuple[ColumnRecord, ...], encoder: Encoder) -> Slicing:
    """Every column other than texts, images and embeddings; none where there are only such."""
    kinds = {column.name: column.kind for column in features}
    layout, categorical = encoder.names, encoder.is_categorical
    places = tuple(i for i, name in enumerate(layout) if kinds[name] not in COMPONENTS)
    names = tuple(layout[i] for i in places)
    values = {p: encoder.categories[names[p]] for p, i in enumerate(places) if categorical[i]}
    return Slicing(places, names, values)


def _value(code: int, values: list[str]) -> str:
    if code < min(len(values), MANY):
        return values[code]
    return "missing" if code == MISSING else "a rare or unknown value"
