"""The distributional correctness score: belief in right, wrong and 'I do not know', not only the top answer."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.resampling import bootstrap_interval


class DistributionalCorrectnessScore(Measure):
    r"""Belief in the right answer less belief in wrong ones, counted only as far as the model does not abstain.

    .. math:: \mathrm{DCS} = (l_c \, p_\text{right} - l_w \, p_\text{wrong}) (1 - a), \qquad
              p_\text{right} + p_\text{wrong} = 1 - a

    a is the `abstention`, the probability of "I do not know"; `probs` are those of the answers where one is given (the
    rows are shrunk to 1 - a here). `reward` is l_c and `loss_weight` is l_w, at most `reward`. The mean over rows lies
    in [-l_w, l_c]; below zero, confident error outweighs knowledge. The interval is a 90 % bootstrap. `rows_` holds the
    score of every row.

    Use it when a model may abstain and two of equal accuracy are to be told apart: hedging towards "I do not know"
    costs less than hedging towards wrong answers. It fails to compare models with different answer options, and has
    no meaning where the model could not abstain.

    >>> method = DistributionalCorrectnessScore(reward=2.0, loss_weight=0.5, draws=50, seed=1)
    >>> found = method.measure(probs=[[0.0, 1.0], [0.8, 0.2], [0.0, 1.0]], y=[1, 1, 1], abstention=[0.5, 0.0, 1.0])
    >>> method.rows_.round(3).tolist(), round(found.value, 3)  # 2 x .5 x .5; .4 - .4; nothing said
    ([0.5, 0.0, 0.0], 0.167)
    """

    source = "burns2025distributional"
    claims = ("abstaining",)

    reward: float = 1.0
    loss_weight: float = 1.0
    draws: int = 1000
    seed: int = 0

    def measure(self, probs: np.ndarray, y: np.ndarray, abstention: np.ndarray) -> Estimate:
        """The mean score, its 90 % interval."""
        if not 0 <= self.loss_weight <= self.reward:
            raise ValueError(f"loss_weight is {self.loss_weight}; expected 0 to reward, which is {self.reward}.")
        right = probs[np.arange(len(y)), y].astype(np.float64)
        said = 1 - np.asarray(abstention, dtype=np.float64)
        self.rows_ = (self.reward * right - self.loss_weight * (1 - right)) * said**2
        return bootstrap_interval(lambda weights: weights @ self.rows_ / len(y), len(y), self.draws, 0.9, self.seed)
