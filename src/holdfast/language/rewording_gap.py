"""Gap between a benchmark and its rewording, against that of unseen items."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.means import welch


class RewordingGap(Measure):
    r"""What a benchmark's own wording is worth to a model, beyond what wording is worth on items it cannot know.

    .. math:: \delta_i = s_i - \frac{1}{m} \sum_j s_{ij}', \qquad
              \Delta = \frac{\bar\delta_\text{benchmark} - \bar\delta_\text{unseen}}{\text{pooled spread}}

    s is a score of an item as published (n-gram accuracy, mean log-probability, ...), s' that of its rewordings. With
    `relative` every gap is divided by the mean score of its set first. Welch's one-sided t gives the p-value. Use it
    when rewordings are at hand: they are less fluent than the original to a clean model too, which the unseen items
    account for. It fails where those were reworded by another hand, and where the model has seen the rewordings.

    Gaps 2, 2, 4 on the benchmark and 1, 0, 2 on unseen items; spreads sqrt(4/3) and 1, pooled sqrt(7/6):

    >>> found = RewordingGap(relative=False).measure(
    ...     ref_score=[5.0, 5, 5], ref_reworded=[[4.0, 5, 3]], cur_score=[6.0, 6, 6], cur_reworded=[[4.0, 4, 2]])
    >>> round(found.value, 3)
    1.543
    """

    source = "xu2024benchmarking"
    claims = ("reworded_members",)
    blind = ("seen_once",)

    relative: bool = False

    def measure(
        self, ref_score: np.ndarray, ref_reworded: np.ndarray, cur_score: np.ndarray, cur_reworded: np.ndarray
    ) -> Estimate:
        """`cur_...` of the benchmark, `ref_...` of items that the model cannot know."""
        gaps = []
        for score, reworded in ((ref_score, ref_reworded), (cur_score, cur_reworded)):
            scale = abs(float(score.mean())) if self.relative else 1.0
            gaps.append((score - reworded.mean(axis=0)) / max(scale, 1e-12))
        return welch(*gaps)
