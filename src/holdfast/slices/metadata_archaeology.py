"""Metadata archaeology: what kind of row this is, by the course of its loss."""

from __future__ import annotations

from typing import Self

import numpy as np

from holdfast.core import Scorer
from holdfast.ops.neighbours import nearest_neighbours


class MetadataArchaeology(Scorer):
    r"""The share of the probes nearest by loss curve that come from problem suites (MAP-D).

    .. math:: P(m \mid x) = \frac1k \sum_{j \in \mathrm{kNN}(\ell(x))} 1[m_j = m], \qquad
              s = 1 - P(\text{typical} \mid x)

    A probe suite is a handful of rows made to be of one kind: typical (known to be fine), with a random label, with a
    corrupted input, and so on. They are trained on among the others; :math:`\ell(x)` is the loss of a row after every
    epoch. Suite 0 is the typical one. `probabilities_of` gives the share of every suite, `groups_of` the likeliest;
    `suite=2` scores by the share of that suite alone. The rows of every suite should be about as many.

    Use it when problems of several kinds may hide in a training set and a few rows of each kind can be made. It fails
    on kinds that no suite stands for, where typical probes are easier than typical rows (hard rows then look
    corrupted), and where classes overlap, so that every row has the same loss curve.

    >>> probes = [[0.1, 0.2, 2.0, 2.2], [0.0, 0.1, 1.8, 0.3]]  # two epochs; learnt at once, late, never, late
    >>> method = MetadataArchaeology(neighbours=1).fit(epoch_losses=probes, group=[0, 0, 1, 2])
    >>> rows = [[0.1, 2.1, 2.3], [0.1, 1.9, 0.4]]
    >>> method.score_rows(epoch_losses=rows).tolist(), method.groups_of(epoch_losses=rows).tolist()
    ([0.0, 1.0, 1.0], [0, 1, 2])
    >>> MetadataArchaeology(neighbours=2, suite=2).fit(probes, [0, 0, 1, 2]).score_rows(rows).tolist()
    [0.0, 0.5, 0.5]
    """

    source = "siddiqui2022metadata"
    claims = ("hidden_problems",)
    blind = ("hidden_in_overlap",)
    neighbours: int = 20
    suite: int | None = None

    def fit(self, epoch_losses: np.ndarray, group: np.ndarray) -> Self:
        """Keep the loss curves of the probes, and the suite of each."""
        suites = int(group.max()) + 1
        if self.suite is not None and self.suite >= suites:
            raise ValueError(f"group has suites 0 to {suites - 1}, but the setting suite is {self.suite}.")
        if self.neighbours < 1:
            raise ValueError(f"neighbours is {self.neighbours}; expected at least 1 probe to vote.")
        self.curves_, self.suites_ = epoch_losses.T.copy(), np.eye(suites)[group]
        return self

    def score_rows(self, epoch_losses: np.ndarray) -> np.ndarray:
        """(n,) share of problem suites, or of one suite, among the nearest probes."""
        probabilities = self.probabilities_of(epoch_losses)
        return 1 - probabilities[:, 0] if self.suite is None else probabilities[:, self.suite]

    def probabilities_of(self, epoch_losses: np.ndarray) -> np.ndarray:
        """(n, suites) share of every suite among the nearest probes."""
        curves = np.asarray(epoch_losses, dtype=float).T
        if curves.shape[1] != self.curves_.shape[1]:
            raise ValueError(
                f"epoch_losses has {curves.shape[1]} epochs, but the probes have {self.curves_.shape[1]}: log both in "
                "one training."
            )
        nearest = nearest_neighbours(self.curves_, self.neighbours, curves).neighbours
        return np.asarray(sum(self.suites_[column] for column in nearest.T) / nearest.shape[1])

    def groups_of(self, epoch_losses: np.ndarray) -> np.ndarray:
        """(n,) the likeliest suite; of equally likely ones, the first."""
        return self.probabilities_of(epoch_losses).argmax(axis=1)
