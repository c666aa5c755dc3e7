"""Borderline-SMOTE."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Mapper
from holdfast.weighting._synthetic import Rows, near_in_class, strangers_near, with_synthetic


class BorderlineSMOTE(Mapper):
    r"""SMOTE that starts only from rare rows in danger: half or more of their neighbours, but not all, are strangers.

    .. math:: \text{danger} = \{ x : m / 2 \le \text{strangers among the } m \text{ nearest} < m \}

    m is `surroundings`. A row whose neighbours are all strangers counts as noise and is not built on. Classes without a
    row in danger are left as they are. Other settings, and what comes out, are those of `SMOTE`.

    Use it when the rare class is well apart from the others but for its border, where errors are made. It fails with
    wrong labels near the border, which it multiplies, and does nothing where classes are far apart.

    Of the rare rows 0, 1 and 5, only 1 has one stranger (2) among its two nearest; it grows towards 0:

    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [3.5], [5.0], [6.0], [7.0]], [1, 1, 0, 0, 0, 1, 0, 0]
    >>> method = BorderlineSMOTE(surroundings=2, neighbours=1, ratio=0.8, seed=1)
    >>> rows, codes = method.transform(X=X, y=y)
    >>> codes[8:].tolist(), bool(((rows[8:] > 0) & (rows[8:] < 1)).all())
    ([1], True)
    """

    source = "han2005borderline"
    claims = ("imbalanced",)
    gives: ClassVar[str] = "rows"

    surroundings: int = 10
    neighbours: int = 5
    ratio: float = 1.0
    seed: int = 0

    def transform(self, X: np.ndarray, y: np.ndarray) -> Rows:
        """(n + new, d) rows and (n + new,) class codes."""
        around = min(self.surroundings, len(X) - 1)

        def plan(own: np.ndarray, count: int, rng: np.random.Generator) -> Rows:
            strangers = strangers_near(X, y, own, around)
            danger = np.flatnonzero((2 * strangers >= around) & (strangers < around))
            if not len(danger):
                return own[:0], own[:0]
            starts = rng.choice(danger, count)
            return own[starts], near_in_class(X, own, starts, self.neighbours, rng)

        return with_synthetic(X, y, self.ratio, self.seed, plan)
