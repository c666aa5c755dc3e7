"""Density and coverage."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.shift._manifold import Manifold


class DensityCoverage(Measure):
    r"""The share of reference rows that have a current row nearby, or how densely current rows lie among them.

    .. math:: \text{coverage} = \frac{1}{n} \sum_i 1\big[\exists j: y_j \in B(x_i)\big], \qquad
       \text{density} = \frac{1}{k m} \sum_j \sum_i 1\big[y_j \in B(x_i)\big]

    B is the ball around a reference row that reaches to its k-th nearest reference row. Two samples of one
    distribution have a density near 1 and a coverage of about :math:`1 - (n / (n + m))^k`. Low coverage: parts of the
    reference are missing. Low density: current rows lie where there is little reference. Unlike precision and recall
    (`ManifoldPrecisionRecall`), one far row changes neither much. The p-value deals rows anew to both samples: is it as
    low by chance? Use it on embeddings or scaled columns of generated, collected or deployed data. It fails where
    columns are noise, since all balls then look alike, and is blind to changes that keep rows where they were, such as
    those of the labels.

    The interval is the jackknife's over both samples, rather wide (it held 93 to 99 % of 150 draws at its 90 %): one
    of a mean over rows would be too narrow, since balls share rows.

    Balls around 0, 1 and 10 reach to their nearest: radii 1, 1 and 9. The rows 0.5 and 20 lie in two and in none:

    >>> data = {"ref_X": [[0.0], [1.0], [10.0]], "cur_X": [[0.5], [20.0]]}
    >>> round(DensityCoverage(of="coverage", k=1, permutations=19, seed=1).measure(**data).value, 3)
    0.667
    >>> DensityCoverage(of="density", k=1, permutations=19, seed=1).measure(**data).value
    1.0
    """

    source = "naeem2020reliable"
    claims = ("missing_classes", "mean_shift", "variance_shift", "correlation_flip", "covariate_shift")
    blind = ("concept_shift",)
    of: Literal["coverage", "density"] = "coverage"
    k: int = 5
    permutations: int = 200
    seed: int = 0

    def measure(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """Density or coverage with its interval, and the p-value of as low a value by chance."""
        manifold = Manifold(ref_X, cur_X, self.k, self.seed)

        def value(own: np.ndarray, present: np.ndarray | None) -> float:
            size, held = manifold.counts(own, present)
            return float((size > 0).mean()) if self.of == "coverage" else float(held.mean()) / self.k

        most = 1.0 if self.of == "coverage" else float("inf")
        return manifold.estimate(value, most, self.permutations, self.seed)
