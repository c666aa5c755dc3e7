"""Improved precision and recall."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.shift._manifold import Manifold


class ManifoldPrecisionRecall(Measure):
    r"""The share of current rows that lie among the reference ones, or of reference rows that lie among the current.

    .. math:: \text{precision} = \frac{1}{m} \sum_j 1\Big[y_j \in \bigcup_i B(x_i)\Big], \qquad
       \text{recall} = \frac{1}{n} \sum_i 1\Big[x_i \in \bigcup_j B(y_j)\Big]

    B is the ball around a row that reaches to its k-th nearest row of the same sample. Precision falls where current
    rows are unlike any reference row (noise, artefacts, new kinds), recall where kinds of the reference are missing.
    The p-value deals rows anew to both samples: is it as low by chance? Use it on embeddings or scaled columns, both
    ways: the difference says whether data became worse or narrower. It fails with a few far rows, whose large balls
    take in what is not like them (`DensityCoverage` does not), and is blind to changes that keep rows where they were.
    The interval is the jackknife's over both samples.

    After a call, `row_scores_` holds how far every row that was asked for lies from the other sample, in radii of the
    nearest ball of the narrower half: small for rows that look real, above 1 outside of these balls.

    Balls around 0, 1 and 10 have radii 1, 1 and 9; of 0.5 and 20 the first lies in one:

    >>> data = {"ref_X": [[0.0], [1.0], [10.0]], "cur_X": [[0.5], [20.0]]}
    >>> ManifoldPrecisionRecall(of="precision", k=1, permutations=19, seed=1).measure(**data).value
    0.5
    >>> ManifoldPrecisionRecall(of="recall", k=1, permutations=19, seed=1).measure(**data).value  # radii 19.5 and 19.5
    1.0
    >>> measure = ManifoldPrecisionRecall(k=1, permutations=19)
    >>> _ = measure.measure(**data)
    >>> measure.row_scores_.tolist()      # from 1, radius 1
    [0.5, 19.0]
    """

    source = "kynkaanniemi2019improved"
    claims = ("far_noise", "mean_shift", "variance_shift", "correlation_flip")
    blind = ("missing_classes", "concept_shift")
    of: Literal["precision", "recall"] = "precision"
    k: int = 3
    permutations: int = 200
    seed: int = 0

    def measure(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """Precision or recall with its interval, and the p-value of as low a value by chance."""
        around, asked = (ref_X, cur_X) if self.of == "precision" else (cur_X, ref_X)
        manifold = Manifold(around, asked, self.k, self.seed)

        def value(own: np.ndarray, present: np.ndarray | None) -> float:
            return float((manifold.counts(own, present)[1] > 0).mean())

        self.row_scores_ = manifold.in_radii()
        return manifold.estimate(value, 1.0, self.permutations, self.seed)
