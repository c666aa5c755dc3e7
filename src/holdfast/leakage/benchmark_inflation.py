"""Benchmark inflation."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.shares import share_difference


class BenchmarkInflation(Measure):
    r"""How much better a model is on public items than on a holdout that nobody could train on.

    .. math:: \Delta = \text{acc}(\text{public}) - \text{acc}(\text{holdout})

    The p-value of no inflation is one-sided: Fisher's exact one, or with `exact=False` the two-proportion z test; the
    interval is Newcombe's at `level`. Use it when a retro-holdout exists that `IndistinguishableHoldout` does not tell
    from the public items. It fails where the holdout is harder: a gap then says nothing about the model.

    3 of 4 public items solved, 1 of 4 held out; the z test has 0.5 / sqrt(0.25 (1/4 + 1/4)):

    >>> found = BenchmarkInflation(level=0.8, exact=False).measure(ref_correct=[1, 1, 1, 0], cur_correct=[0, 0, 0, 1])
    >>> found.value, round(found.pvalue, 4)
    (0.5, 0.0786)
    """

    source = "haimes2024benchmark"
    claims = ("leaked_benchmark",)
    blind = ("leaked_holdout",)

    level: float = 0.9
    exact: bool = True

    def measure(self, ref_correct: np.ndarray, cur_correct: np.ndarray) -> Estimate:
        """`ref_correct` on the public items, `cur_correct` on the holdout."""
        return share_difference(cur_correct, ref_correct, self.level, self.exact)
