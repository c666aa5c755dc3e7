"""Repeat planning."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer

HALF_LIFE = 15.4  # repeats, as published


def effective_tokens(
    sizes: np.ndarray, repeats: np.ndarray, quality: np.ndarray, half_life: float = HALF_LIFE
) -> float:
    """What all tokens are worth that are seen when every group is seen `repeats` times.

    >>> effective_tokens(np.array([10.0, 4.0]), np.array([0.5, 1.0]), np.array([1.0, 0.5]))      # 10 / 2 + 4 / 2
    7.0
    """
    again = half_life * -np.expm1(-np.maximum(repeats - 1, 0) / half_life)
    return float((quality * sizes * (np.minimum(repeats, 1) + again)).sum())


class RepeatPlanning(Mixer):
    r"""Shares of a token budget that are worth most when repeated tokens are worth less and less.

    .. math:: \max_x \sum_j q_j U_j \Big(1 + R^* \big(1 - e^{-(x_j / U_j - 1)_+ / R^*}\big)\Big) \text{ or } q_j x_j
              \text{ below one pass}, \quad \sum_j x_j = B

    U are the unique tokens of a group (`sizes`), x those drawn, B the `budget`, q the `quality` of a token (1 where
    none is given), R* = `half_life`: after about that many repeats a token is worth little. A group of high quality is
    repeated until its next repeat is worth as much as a fresh token of a lesser one. `repeats_` (m,) says how often
    every group is seen, `effective_tokens_` what the plan is worth. Use it when good data are scarce. It fails where
    repeats do harm beyond being wasted: some hundred repeats of a small part cost a model more than the law says.

    10 tokens of quality 1 and 1,000 of quality 1/2; the first is repeated until e^(-R / 2) = 1/2, R = 2 ln 2 = 1.39:

    >>> plan = RepeatPlanning(half_life=2.0)
    >>> plan.mix_groups(sizes=[10.0, 1000.0], budget=500, quality=[1.0, 0.5]).round(4).tolist()
    [0.0477, 0.9523]
    >>> plan.repeats_.round(2).tolist()
    [2.39, 0.48]
    """

    source = "muennighoff2023scaling"
    claims = ("scarce_good_tokens",)

    half_life: float = HALF_LIFE

    def mix_groups(self, sizes: np.ndarray, budget: int, quality: np.ndarray | None = None) -> np.ndarray:
        quality = np.ones(len(sizes)) if quality is None else quality
        if sizes.max() <= 0 or quality.max() <= 0 or self.half_life <= 0:
            raise ValueError("sizes, quality and half_life need something above 0: there is nothing to plan.")
        quality = np.maximum(quality / quality.max(), 1e-12)
        low, high = -50 * self.half_life - 60.0, 0.0  # of the log of what the last token is worth
        for _ in range(200):
            middle = (low + high) / 2
            if self._taken(sizes, quality, middle).sum() > budget:
                low = middle
            else:
                high = middle
        more, fewer = (self._taken(sizes, quality, worth) for worth in (low, high))
        gap = float((more - fewer).sum())
        taken = fewer + (more - fewer) * (min(max((budget - float(fewer.sum())) / gap, 0.0), 1.0) if gap > 0 else 0.0)
        self.repeats_ = taken / np.maximum(sizes, 1e-300)
        self.effective_tokens_ = effective_tokens(sizes, self.repeats_, quality, self.half_life)
        return taken / taken.sum()

    def _taken(self, sizes: np.ndarray, quality: np.ndarray, worth: float) -> np.ndarray:
        """Tokens of every group that are worth at least exp(worth): all fresh ones, then repeats."""
        left = np.log(quality) - worth
        return np.where(left >= 0, sizes * (1 + self.half_life * np.maximum(left, 0)), 0.0)
