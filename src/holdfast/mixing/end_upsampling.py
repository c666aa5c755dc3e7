"""Upsampling at the end of training."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer


class EndUpsampling(Mixer):
    r"""Proportions of the last part of training, in which the wanted domains take a larger share than before.

    .. math:: p_j^\text{end} = \begin{cases} \text{share} \cdot n_j / \sum_{k \in T} n_k & j \in T \\
              (1 - \text{share}) \cdot n_j / \sum_{k \notin T} n_k & j \notin T \end{cases}

    T are the wanted domains (`is_wanted`). `schedule_` (2, m) holds the proportions before and after, `switch_at_` when
    to change, as a share of the steps (1 - `final`), `overall_` the mixture of the whole run, and `repeats_` (m,) how
    often every group is then seen where `budget` rows are drawn in all. Use it when a web-heavy run is to end strong on
    a few domains while the learning rate falls. It fails where the wanted domains are so small that the last part
    repeats them many times: see `repeats_`, and `RepeatPlanning`.

    >>> mixer = EndUpsampling(share=0.6, final=0.2)
    >>> mixer.mix_groups(sizes=[80.0, 15.0, 5.0], is_wanted=[0, 1, 1], budget=100).round(3).tolist()
    [0.4, 0.45, 0.15]
    >>> mixer.overall_.round(3).tolist(), mixer.repeats_.round(2).tolist()      # 0.8 x 0.8 + 0.2 x 0.4 = 0.72 of 100
    ([0.72, 0.21, 0.07], [0.9, 1.4, 1.4])
    """

    source = "blakeney2024does"
    claims = ("wanted_domains",)

    silent = ("final",)  # when to change, not to what
    share: float = 0.5
    final: float = 0.15

    def mix_groups(self, sizes: np.ndarray, is_wanted: np.ndarray, budget: int = 1) -> np.ndarray:
        if not (0 < self.share < 1 and 0 < self.final < 1):
            raise ValueError(f"share {self.share} and final {self.final} of sizes lie between 0 and 1.")
        wanted, rest = float(sizes[is_wanted].sum()), float(sizes[~is_wanted].sum())
        if min(wanted, rest) <= 0:
            raise ValueError("is_wanted marks none or all of the sizes: nothing can be upsampled against the others.")
        natural = sizes / (wanted + rest)
        end = np.where(is_wanted, self.share * sizes / wanted, (1 - self.share) * sizes / rest)
        self.schedule_, self.switch_at_ = np.array([natural, end]), 1 - self.final
        self.overall_ = (1 - self.final) * natural + self.final * end
        self.repeats_ = budget * self.overall_ / np.maximum(sizes, 1e-300)
        return end / end.sum()
