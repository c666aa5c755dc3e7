"""Testset slot guessing."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.shares import share_difference
from holdfast.ops.two_sample import dealt_anew


class SlotGuessing(Measure):
    r"""How much more often a model fills a hidden wrong option exactly on the benchmark than on unseen items.

    .. math:: \Delta = \frac{1}{n} \sum_i 1[\text{guess}_i = \text{hidden}_i]
              - \frac{1}{n_0} \sum_j 1[\text{guess}_j = \text{hidden}_j]

    A wrong option cannot be inferred from the question: it can only be remembered. The p-value is Fisher's exact,
    one-sided; where it is known how alike guess and hidden option are (`..._slot_overlap`), it is that of the
    difference of mean overlap among `draws` random deals of all items to both sides, which speaks before a whole
    option is remembered. The interval is Newcombe's at `level`. Use it when items have wrong options (or a rare word to
    hide), and there is a control of the same form that the model cannot know. It fails where options follow a pattern
    (numbers, dates, "none of the above") that is stronger in the benchmark than in the control, and for items seen a
    few times.

    >>> found = SlotGuessing(level=0.8).measure(ref_correct=[0, 0, 0, 0], cur_correct=[1, 1, 1, 0])
    >>> found.value, round(found.pvalue, 4)      # 3 of 8 right, all among the suspects: C(4,3) / C(8,3)
    (0.75, 0.0714)
    >>> alike = {"ref_slot_overlap": [0.1, 0.2, 0.0, 0.1], "cur_slot_overlap": [1.0, 0.9, 1.0, 0.7]}
    >>> found = SlotGuessing(draws=400, seed=1).measure([0, 0, 0, 0], [1, 1, 1, 0], **alike)
    >>> found.pvalue < 0.05      # of the 70 deals, this one only
    True
    """

    source = "deng2024investigating"
    claims = ("multiple_choice",)
    blind = ("seen_once",)

    level: float = 0.9
    draws: int = 1000
    seed: int = 0

    def measure(
        self, ref_correct: np.ndarray, cur_correct: np.ndarray,
        ref_slot_overlap: np.ndarray | None = None, cur_slot_overlap: np.ndarray | None = None,
    ) -> Estimate:  # fmt: skip
        """`cur_...` on the benchmark, `ref_...` on the control."""
        found = share_difference(ref_correct, cur_correct, self.level, exact=True)
        if ref_slot_overlap is None or cur_slot_overlap is None:
            return found
        return found._replace(pvalue=dealt_anew(ref_slot_overlap, cur_slot_overlap, self.draws, self.seed))
