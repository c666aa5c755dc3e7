"""Gap between a benchmark and its mirror, against how likely the benchmark is to each model."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.correlation import spearman


class MirrorGap(Measure):
    r"""Do the models that find a benchmark most likely lose most on a fresh mirror of it?

    .. math:: \rho = \text{Spearman}_j\big(\text{acc}_j(\text{original}) - \text{acc}_j(\text{mirror}),
              \; \log p_j(\text{original}) \text{ per character}\big)

    over models j; the gaps are `gaps_` (m,). The one-sided p-value is from all orders of up to 8 models, else Student's
    t. Use it when a mirror set of the same style and difficulty was written, and several models can be asked for
    log-probabilities. It fails with a handful of models (below 4 no order is rare enough), and where large models are
    both better at likelihood and steadier on new items.

    >>> original = [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    >>> mirror = [[1, 0], [1, 0], [1, 0], [1, 0]]
    >>> gap = MirrorGap(level=0.8)
    >>> found = gap.measure(original, mirror, benchmark_log_likelihood=[-1.0, -1.2, -1.1, -1.5])
    >>> gap.gaps_.tolist(), round(found.value, 2), round(found.pvalue, 3)      # 4 of 24 orders reach 0.8
    ([0.5, 0.25, 0.0, -0.25], 0.8, 0.167)
    """

    source = "zhang2024careful"
    claims = ("models_that_leaked_more",)
    blind = ("models_of_other_strength",)

    level: float = 0.9

    def measure(
        self, ref_correct_runs: np.ndarray, cur_correct_runs: np.ndarray, benchmark_log_likelihood: np.ndarray
    ) -> Estimate:
        """`ref_correct_runs` (m, n) on the originals, `cur_correct_runs` on the mirror."""
        if len(benchmark_log_likelihood) < 4:
            raise ValueError("benchmark_log_likelihood has fewer than 4 models: no order of them is rare enough.")
        self.gaps_ = ref_correct_runs.mean(axis=1) - cur_correct_runs.mean(axis=1)
        return spearman(self.gaps_, benchmark_log_likelihood, "greater", self.level)
