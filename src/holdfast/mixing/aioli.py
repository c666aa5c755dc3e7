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
    has no unit. After the call: `predicted_drop_`, the mean drop per round with the new proportions; `low_` and
    `high_`, 90 % of the proportions over `draws` laws drawn as the errors allow (0 and 1 with no round more than
    groups: errors are unknown); `next_run_`, the round that would teach most, three quarters of the group whose column
    of A is known worst. Use it when proportions can be changed during training and a few steps with each of several
    mixtures can be spared. It fails with fewer rounds than groups, and where `fidelity_` is low: the law does not hold,
    keep the proportions.

    Two rounds, one of each group: the first helps itself by 0.4 and the other by 0.2, the second itself by 0.2:

    >>> mixer = Aioli(rate=1.0).fit(proportions=[[1.0, 0.0], [0.0, 1.0]], loss_drops=[[0.4, 0.2], [0.0, 0.2]])
    >>> mixer.influence_.round(2).tolist()
    [[0.4, 0.0], [0.2, 0.2]]
    >>> mixer.mix_groups(sizes=[1.0, 1.0]).round(2).tolist()      # e^(0.6 / s) : e^(0.2 / s), s = sqrt(0.24)
    [0.69, 0.31]
    """

    source = "chen2024aioli"
    claims = ("short_rounds",)

    silent = ("draws", "seed")  # intervals, not the mixture
    rate: float = 2.0
    draws: int = 400
    seed: int = 0

    def fit(self, proportions: np.ndarray, loss_drops: np.ndarray) -> Aioli:
        """`proportions` (r, m) of the rounds and by how much the loss of every group fell in each, (r, m)."""
        rounds, groups = proportions.shape
        if rounds < groups:
            raise ValueError(f"proportions holds {rounds} rounds for {groups} groups; expected at least one a group.")
        inverse = np.linalg.pinv(proportions.T @ proportions + 1e-9 * np.eye(groups))
        self.influence_ = (inverse @ proportions.T @ loss_drops).T
        left = loss_drops - proportions @ self.influence_.T
        self.inverse_, self.freedom_ = inverse, rounds - groups
        self.noise_ = (left**2).sum(axis=0) / max(self.freedom_, 1)
        self.influence_error_ = np.sqrt(self.noise_[:, None] * np.diag(inverse))
        total = max(float(((loss_drops - loss_drops.mean(axis=0)) ** 2).sum()), 1e-300)
        self.fidelity_ = 1 - float((left**2).sum()) / total
        spared = 1 - np.einsum("rm,mn,rn->r", proportions, inverse, proportions)
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
