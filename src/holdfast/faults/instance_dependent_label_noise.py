"""Wrong labels where a cheap model itself is in two minds."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._classes import need_classes
from holdfast.faults._columns import top_rows
from holdfast.faults._encode import class_probabilities, encode
from holdfast.faults._rows import column_of, need_share, rewrite, where
from holdfast.faults._tables import Tables, Truth


class InstanceDependentLabelNoise(Fault):
    r"""Training labels replaced by the most misleading other class, mostly in rows near the boundary.

    With the probabilities p of a logistic regression, a row's chance of being hit grows with

    .. math:: N_i^{\gamma}, \quad N_i = \max_{j \ne y_i} p_j(x_i),

    drawn without replacement, and its new label is that class j.

    Use it when people label: they err where rows are hard. It fails to be fair to detectors that are logistic
    regressions themselves, and with features that say nothing about the class it is as good as symmetric.

    `sharpness` is :math:`\gamma`: 0 hits all rows alike, large values the nearest ones only.

    >>> import polars as pl
    >>> train = pl.DataFrame({"x": range(10), "y": [0] * 5 + [1] * 5})
    >>> tables = Tables(train, None, "y", "binary", {"x": "number"})
    >>> fault = InstanceDependentLabelNoise(sharpness=50.0)
    >>> _, truth = fault.plant(tables, 0.2, np.random.default_rng(0))
    >>> np.flatnonzero(truth.train_rows).tolist()  # the two rows on either side of the boundary
    [4, 5]
    """

    source = "chen2021beyond"
    unit = "share of the training rows"
    strengths = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
    sharpness: float = 2.0

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        labels = need_classes(tables)
        probs = class_probabilities(encode(tables, tables.train), labels.train, labels.k, rng)
        probs[np.arange(len(probs)), labels.train] = 0
        misleading = probs.max(axis=1)
        key = self.sharpness * np.log(np.maximum(misleading, 1e-300)) + rng.gumbel(size=len(probs))
        rows = top_rows(key, labels.train >= 0, need_share(strength), rng)
        target = str(tables.target)
        given = where(rows, labels.values(probs.argmax(axis=1)), column_of(tables.train, target))
        return rewrite(tables, "train", target, given, "labels near the boundary replaced by the next likely class")
