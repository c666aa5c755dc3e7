"""Testset slot guessing."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.shares import share_difference


class SlotGuessing(Measure):
    r"""How much more often a model fills a hidden wrong option exactly on the benchmark than on unseen items.

    .. math:: \Delta = \frac{1}{n} \sum_i 1[\text{guess}_i = \text{hidden}_i]
              - \frac{1}{n_0} \sum_j 1[\text{guess}_j = \text{hidden}_j]

    A wrong option cannot be inferred from the question: it can only be remembered. The p-value is Fisher's exact,
    one-sided; the interval is Newcombe's at `level`. Use it when items have wrong options (or a rare word to hide), and
    there is a control of the same form that the model cannot know. It fails where options follow a pattern (numbers,
    dates, "none of the above") that is stronger in the benchmark than in the control, and for items seen a few times.

    >>> found = SlotGuessing(level=0.8).measure(ref_correct=[0, 0, 0, 0], cur_correct=[1, 1, 1, 0])
    >>> found.value, round(found.pvalue, 4)      # 3 of 8 right, all among the suspects: C(4,3) / C(8,3)
    (0.75, 0.0714)
    """

    source = "deng2024investigating"
    claims = ("multiple_choice",)
    blind = ("seen_once",)

    level: float = 0.9

    def measure(self, ref_correct: np.ndarray, cur_correct: np.ndarray) -> Estimate:
        """`cur_correct` on the benchmark, `ref_correct` on the control."""
        return share_difference(ref_correct, cur_correct, self.level, exact=True)
