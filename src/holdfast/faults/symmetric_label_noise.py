"""Wrong labels, any class for any other."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._classes import need_classes
from holdfast.faults._rows import column_of, draw_rows, need_share, rewrite, where
from holdfast.faults._tables import Tables, Truth


class SymmetricLabelNoise(Fault):
    r"""Training labels replaced by another class, all classes and rows alike (random classification noise).

    .. math:: P(\tilde y = j \mid y = i) = \rho / (k - 1), \quad j \ne i

    Use it when labels may be wrong for reasons that have nothing to do with the row. It fails to stand for people's
    errors, which gather where classes look alike: see `SimilarClassLabelNoise`. Rows without a label keep none.

    >>> import polars as pl
    >>> train = pl.DataFrame({"x": range(10), "y": ["no", "yes"] * 5})
    >>> tables = Tables(train, None, "y", "binary", {"x": "number"})
    >>> noisy, truth = SymmetricLabelNoise().plant(tables, 0.3, np.random.default_rng(0))
    >>> truth.amount, (noisy.train["y"] != train["y"]).sum(), len(truth.before)
    (0.3, 3, 3)
    """

    source = "angluin1988learning"
    unit = "share of the training rows"
    strengths = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        labels = need_classes(tables)
        rows = draw_rows(labels.train >= 0, need_share(strength), rng)
        others = labels.values((labels.train + rng.integers(1, labels.k, len(rows))) % labels.k)
        target = str(tables.target)
        given = where(rows, others, column_of(tables.train, target))
        return rewrite(tables, "train", target, given, "labels replaced by any other class")
