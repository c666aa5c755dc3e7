"""Aioli."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer

PERTURBED = 0.75  # share of the group that a round is to tell about


class Aioli(Mixer):
    r"""The next proportions of a training in progress, from what short rounds with other proportions gained.

    .. math:: L_i^{t+1} = L_i^t - \sum_j A_{ij} p_j, \qquad p_j' \propto p_j \exp\Big(\eta \sum_i A_{ij}\Big)

    A is the least-squares fit of the loss drops on the proportions of the rounds (`influence_`; `influence_error_` its
    standard errors; `fidelity_` the share of variance that the law explains, `left_out_fidelity_` the same of rounds
    that the fit has not seen, NaN where a round cannot be spared), scaled to unit size so that `rate` (:math:`\eta`)
    has no unit. With `trend`, what falls less and less from round to round, whatever the proportions, is fitted beside
    it: rounds are then in the order in which they were made, and there is one more than groups. After the call:
    `predicted_drop_`, the mean drop per round with the new proportions; `low_` and `high_`, 90 % of the proportions
    over `draws` laws drawn as the errors allow (0 and 1 where no round is left to tell errors); `next_run_`, the round
    that would teach most, three quarters of the group whose column of A is known worst. Use it when proportions can be
    changed during training and a few steps with each of several mixtures can be spared. It fails with fewer rounds than
    groups, and where `fidelity_` is low: the law does not hold, keep the proportions.

    Four rounds, there and back; the first group helps itself by 0.4 and the other by 0.2, the second itself by 0.2, and
    every drop is 0.1 less than that of the round before:

    >>> mixer = Aioli(rate=1.0, trend=True).fit(proportions=[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]],
    ...     loss_drops=[[0.55, 0.35], [0.05, 0.25], [-0.05, 0.15], [0.25, 0.05]])
    >>> (mixer.influence_.round(2) + 0.0).tolist()
    [[0.4, 0.0], [0.2, 0.2]]
    >>> mixer.mix_groups(sizes=[1.0, 1.0]).round(2).tolist()      # e^(0.6 / s) : e^(0.2 / s), s = sqrt(0.24)
    [0.69, 0.31]
    """

    source = "chen2024aioli"
    claims = ("short_rounds",)

    silent = ("draws", "seed")  # intervals, not the mixture
    rate: float = 2.0
    trend: bool = False
    draws: int = 400
    seed: int = 0

    def fit(self, proportions: np.ndarray, loss_drops: np.ndarray) -> Aioli:
        """`proportions` (r, m) of the rounds and by how much the loss of every group fell in each, (r, m)."""
        rounds, groups = proportions.shape
        if rounds < groups + self.trend:
            more = "one a group, and one more for the trend" if self.trend else "one a group"
            raise ValueError(f"proportions holds {rounds} rounds for {groups} groups; expected at least {more}.")
        causes = proportions
        if self.trend:
            causes = np.column_stack([proportions, np.linspace(-1, 1, rounds)])
        inverse = np.linalg.pinv(causes.T @ causes + 1e-9 * np.eye(causes.shape[1]))
        law = (inverse @ causes.T @ loss_drops).T
        left = loss_drops - causes @ law.T
        self.influence_, self.inverse_ = law[:, :groups], inverse[:groups, :groups]
        self.freedom_ = rounds - causes.shape[1]
        self.noise_ = (left**2).sum(axis=0) / max(self.freedom_, 1)
        self.influence_error_ = np.sqrt(self.noise_[:, None] * np.diag(self.inverse_))
        total = max(float(((loss_drops - loss_drops.mean(axis=0)) ** 2).sum()), 1e-300)
        self.fidelity_ = 1 - float((left**2).sum()) / total
        spared = 1 - np.einsum("rm,mn,rn->r", causes, inverse, causes)
        unseen = left / np.maximum(spared, 1e-9)[:, None]  # as a fit without this round would be off
        self.left_out_fidelity_ = 1 - float((unseen**2).sum()) / total if spared.min() > 1e-6 else float("nan")
        return self

    def mix_groups(self, sizes: np.ndarray) -> np.ndarray:
        """`sizes` are the proportions in use now, in any unit."""
        if sizes.max() <= 0:
            raise ValueError("sizes are all 0; expected the proportions in use now.")
        share = self._moved(sizes, self.influence_[None])[0]
        self.predicted_drop_ = float((self.influence_ @ share).mean())
        self.low_, self.high_ = np.zeros(len(share)), np.ones(len(share))
        if self.freedom_ > 0:
            low, high = np.quantile(self._moved(sizes, self._laws()), [0.05, 0.95], axis=0)
            self.low_, self.high_ = np.minimum(low, share), np.maximum(high, share)
        worst = np.arange(len(share)) == np.diag(self.inverse_).argmax()
        self.next_run_ = np.where(worst, PERTURBED, (1 - PERTURBED) / max(len(share) - 1, 1))
        self.next_run_ /= self.next_run_.sum()
        return share

    def _moved(self, sizes: np.ndarray, laws: np.ndarray) -> np.ndarray:
        """The proportions (k, m) after one update by each of k laws."""
        scale = np.maximum(np.linalg.norm(laws, axis=(1, 2)), 1e-300)
        gains = laws.sum(axis=1) / scale[:, None]
        share = sizes * np.exp(np.clip(self.rate * (gains - gains.max(axis=1, keepdims=True)), -700, 0))
        return share / share.sum(axis=1, keepdims=True)

    def _laws(self) -> np.ndarray:
        """(draws, m, m) laws: every row about its estimate, with a noise that is itself drawn (Student's t)."""
        rng, groups = np.random.default_rng(self.seed), len(self.noise_)
        factor = np.linalg.cholesky(self.inverse_ + 1e-12 * np.eye(groups))
        spread = np.sqrt(self.noise_ * self.freedom_ / rng.chisquare(self.freedom_, (self.draws, groups)))
        normal = rng.standard_normal((self.draws, groups, groups))
        return self.influence_ + spread[:, :, None] * (normal @ factor.T)
