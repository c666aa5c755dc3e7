"""Guided completion."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.resampling import bootstrap_weights
from holdfast.ops.two_sample import dealt_anew


class GuidedCompletion(Measure):
    r"""Does naming the benchmark help a model to continue its items word for word?

    .. math:: \Delta = \frac{1}{n} \sum_i \big(o_i^\text{guided} - o_i^\text{general}\big) - \Delta_\text{unseen},
              \qquad p = \frac{1 + \#\{b : \Delta_b^* \ge \Delta\}}{B + 1}

    o is the overlap (ROUGE-L, `holdfast.ops.overlap`) of the model's continuation with the true one, with and without
    the name of data set and split in the prompt; :math:`\Delta_\text{unseen}` is the same gain on items that the model
    cannot know (`ref_...`). :math:`\Delta^*_b` are the gains dealt anew to both sides, `draws` times; without unseen
    items, bootstrap means about 0, as in the paper. The interval is the bootstrap's. Use it when a model follows a
    prompt that names a data set, and items can be cut in two. Give unseen items: without them a name that changes the
    style of continuations passes for memory. It fails where items are known without the name, since both prompts then
    find them.

    >>> found = GuidedCompletion(draws=400, seed=1).measure(
    ...     cur_guided_overlap=[1.0, 0.8, 0.9], cur_general_overlap=[0.2, 0.1, 0.0])
    >>> round(found.value, 3), round(found.pvalue, 4)      # (0.8 + 0.7 + 0.9) / 3; no draw is below 0: 1 / 401
    (0.8, 0.0025)
    """

    source = "golchin2024time"
    claims = ("tagged_partition",)
    blind = ("seen_without_its_name",)

    draws: int = 1000
    seed: int = 0

    def measure(
        self, cur_guided_overlap: np.ndarray, cur_general_overlap: np.ndarray,
        ref_guided_overlap: np.ndarray | None = None, ref_general_overlap: np.ndarray | None = None,
    ) -> Estimate:  # fmt: skip
        gains = cur_guided_overlap - cur_general_overlap
        drawn, value = self._gain(gains, self.seed)
        pvalue = (1 + int((drawn <= 1e-12).sum())) / (self.draws + 1)
        if ref_guided_overlap is not None and ref_general_overlap is not None:
            unseen = ref_guided_overlap - ref_general_overlap
            others, gain = self._gain(unseen, self.seed + 1)
            drawn, value = drawn - others, value - gain
            pvalue = dealt_anew(unseen, gains, self.draws, self.seed)
        low, high = np.quantile(drawn, [0.05, 0.95])
        return Estimate(value, min(float(low), value), max(float(high), value), len(gains), pvalue)

    def _gain(self, gains: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
        """Bootstrap means, spread as n - 1 asks for: with few items the plain bootstrap alarms too often."""
        n, mean = len(gains), float(gains.mean())
        drawn = np.concatenate([block @ gains for block in bootstrap_weights(n, self.draws, seed)]) / n
        return mean + (drawn - mean) * (n / max(n - 1, 1)) ** 0.5, mean
