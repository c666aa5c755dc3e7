"""The columns that slices are described by, and their rules in the words of the data."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from holdfast.audit.encode import COMPONENTS, MANY, Encoder
from holdfast.audit.records import ColumnRecord

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

    def in_words(self, rule: str) -> str:
        """A rule with the names of categories in place of their codes.

        >>> slicing = Slicing((0, 1), ("sex", "age"), {0: ["female", "male"]})
        >>> slicing.in_words("sex = 1 and age < 40")
        'sex = male and age < 40'
        """
        for place, values in self.values.items():
            name = self.names[place]
            pattern = rf"(?:^|(?<= and )){re.escape(name)} = (\d+)(?=$| and )"
            rule = re.sub(pattern, lambda met, n=name, v=values: f"{n} = {_value(int(met[1]), v)}", rule)  # type: ignore[misc]
        return rule


def slicing_of(features: tuple[ColumnRecord, ...], encoder: Encoder) -> Slicing:
    """Every column other than texts, images and embeddings; none where there are only such."""
    kinds = {column.name: column.kind for column in features}
    places = tuple(i for i, name in enumerate(encoder.names) if kinds[name] not in COMPONENTS)
    names = tuple(encoder.names[i] for i in places)
    values = {p: encoder.categories[names[p]] for p, i in enumerate(places) if encoder.is_categorical[i]}
    return Slicing(places, names, values)


def _value(code: int, values: list[str]) -> str:
    if code < min(len(values), MANY):
        return values[code]
    return "missing" if code == MISSING else "a rare or unknown value"
