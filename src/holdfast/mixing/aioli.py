"""Aioli."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer


class Aioli(Mixer):
    r"""The next proportions of a training in progress, from what short rounds with other proportions gained.

    .. math:: L_i^{t+1} = L_i^t - \sum_j A_{ij} p_j, \qquad p_j' \propto p_j \exp\Big(\eta \sum_i A_{ij}\Big)

    A is the least-squares fit of the loss drops on the proportions of the rounds (`influence_`; `influence_error_` its
    standard errors; `fidelity_` the share of variance that the law explains), scaled to unit size so that `rate`
    (:math:`\eta`) has no unit. `predicted_drop_` is the mean drop per round with the new proportions. Use it when
    proportions can be changed during training and a few steps with each of several mixtures can be spared. It fails
    with fewer rounds than groups, and where `fidelity_` is low: the law does not hold, keep the proportions.

    Two rounds, one of each group: the first helps itself by 0.4 and the other by 0.2, the second itself by 0.2:

    >>> mixer = Aioli(rate=1.0).fit(proportions=[[1.0, 0.0], [0.0, 1.0]], loss_drops=[[0.4, 0.2], [0.0, 0.2]])
    >>> mixer.influence_.round(2).tolist()
    [[0.4, 0.0], [0.2, 0.2]]
    >>> mixer.mix_groups(sizes=[1.0, 1.0]).round(2).tolist()      # e^(0.6 / s) : e^(0.2 / s), s = sqrt(0.24)
    [0.69, 0.31]
    """

    source = "chen2024aioli"
    claims = ("short_rounds",)

    rate: float = 2.0

    def fit(self, proportions: np.ndarray, loss_drops: np.ndarray) -> Aioli:
        """`proportions` (r, m) of the rounds and by how much the loss of every group fell in each, (r, m)."""
        rounds, groups = proportions.shape
        if rounds < groups:
            raise ValueError(f"proportions holds {rounds} rounds for {groups} groups; expected at least one a group.")
        inverse = np.linalg.pinv(proportions.T @ proportions + 1e-9 * np.eye(groups))
        self.influence_ = (inverse @ proportions.T @ loss_drops).T
        left = loss_drops - proportions @ self.influence_.T
        noise = (left**2).sum(axis=0) / max(rounds - groups, 1)
        self.influence_error_ = np.sqrt(noise[:, None] * np.diag(inverse))
        total = float(((loss_drops - loss_drops.mean(axis=0)) ** 2).sum())
        self.fidelity_ = 1 - float((left**2).sum()) / max(total, 1e-300)
        return self

    def mix_groups(self, sizes: np.ndarray) -> np.ndarray:
        """`sizes` are the proportions in use now, in any unit."""
        scale = max(float(np.linalg.norm(self.influence_)), 1e-300)
        gains = self.influence_.sum(axis=0) / scale
        share = sizes * np.exp(np.clip(self.rate * (gains - gains.max()), -700, 0))
        if share.sum() <= 0:
            raise ValueError("sizes are all 0; expected the proportions in use now.")
        share = share / share.sum()
        self.predicted_drop_ = float((self.influence_ @ share).mean())
        return share
