"""Tomek links."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Selector
from holdfast.ops.neighbours import nearest_neighbours


class TomekLinks(Selector):
    r"""Leave out rows whose nearest neighbour is of another class and has them for its own nearest neighbour.

    .. math:: (i, j) \text{ is a link} \iff \mathrm{NN}(i) = j, \; \mathrm{NN}(j) = i, \; y_i \ne y_j

    `remove` "larger" leaves out the link's row of the larger class, "both" leaves out both. What comes out are the
    numbers of the rows kept, at most `budget` of them, in order. Every link has a row outside the largest class, so
    only these rows, and what is nearest to them, are searched for: costs (rows outside the largest class) n d.

    Use it when classes touch and a few rows on the wrong side blur the border, after `SMOTE` or before a neighbour
    model. It fails to find wrong labels that stand together, and in many columns hardly any link is left.

    Rows 1 and 2 are each other's nearest, of different classes:

    >>> X, y = [[0.0], [1.0], [1.1], [3.0], [3.1]], [0, 0, 1, 0, 0]
    >>> TomekLinks(remove="larger").select_rows(X=X, y=y).tolist()
    [0, 2, 3, 4]
    >>> TomekLinks(remove="both").select_rows(X=X, y=y).tolist()
    [0, 3, 4]
    """

    source = "tomek1976two"
    claims = ("wrong_side",)

    remove: Literal["larger", "both"] = "larger"

    def select_rows(self, X: np.ndarray, y: np.ndarray, budget: int | None = None) -> np.ndarray:
        """The rows kept, in order."""
        kept = np.ones(len(y), dtype=bool)
        size = np.bincount(y)
        asked = np.flatnonzero(y != size.argmax())
        if len(asked):
            nearest = _nearest(X, asked)
            stranger = y[nearest] != y[asked]
            asked, nearest = asked[stranger], nearest[stranger]
        if len(asked):
            partners, place = np.unique(nearest, return_inverse=True)
            mutual = _nearest(X, partners)[place] == asked
            pairs = np.column_stack([asked, nearest])[mutual]
            if self.remove == "larger":
                larger = size[y[pairs]].argmax(axis=1)
                pairs = pairs[np.arange(len(pairs)), larger]
            kept[pairs] = False
        return np.flatnonzero(kept)[:budget]


def _nearest(X: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The nearest other row of every row asked."""
    found = nearest_neighbours(X, 2, queries=X[asked]).neighbours
    return np.where(found[:, 0] == asked, found[:, -1], found[:, 0])
