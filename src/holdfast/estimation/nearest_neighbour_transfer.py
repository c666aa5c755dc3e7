"""Nearest-neighbour transfer of correctness."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._expected import bounded
from holdfast.ops.density_ratio import standardised
from holdfast.ops.neighbours import nearest_neighbours


class NearestNeighbourTransfer(Measure):
    r"""Every current row inherits how often its nearest reference rows were predicted right.

    .. math:: \widehat{A} = \mathrm{acc}_\text{ref} + \overline{v}_\text{cur} - \overline{v}_\text{ref}, \qquad
        v(x) = \frac{1}{q} \sum_{i \in N_q(x)} [\widehat{y}_i = y_i]

    Rows of the reference ask their nearest other rows; what that misses (rows that many others are near to are right
    more often than the rest) is taken off.

    Use it when distances in feature or embedding space are meaningful and probabilities are not to be trusted. It
    fails in many dimensions, and where errors are rare: a neighbourhood then smooths them away.

    >>> found = NearestNeighbourTransfer(neighbours=2).measure(
    ...     ref_probs=[[0.9, 0.1]] * 4, ref_y=[0, 0, 1, 1], ref_X=[[0.0], [1.0], [10.0], [11.0]],
    ...     cur_X=[[0.2], [0.4], [0.6], [10.5]])
    >>> found.value
    0.75
    """

    source = "cover1967nearest"
    claims = ("none", "tilt")
    neighbours: int = 15

    def measure(self, ref_probs: np.ndarray, ref_y: np.ndarray, ref_X: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """The accuracy on the current sample with a 90 % interval: chance in the reference's errors and the labels."""
        right = (ref_probs.argmax(axis=1) == ref_y).astype(float)
        n = len(right)
        if n < 2:
            raise ValueError(f"ref_X has {n} row; nearest-neighbour transfer needs at least two.")
        ref, cur = standardised(ref_X, cur_X)
        q = min(self.neighbours, n - 1)
        around, among = nearest_neighbours(ref, q, cur).neighbours, nearest_neighbours(ref, q).neighbours
        shares = 1 / n + _votes(around, n) - _votes(among, n)
        value = float(np.clip(shares @ right, 0, 1))
        learnt = float((shares**2) @ (right - right.mean()) ** 2) + 0.5 / n**2
        chance = (value * (1 - value) + 0.5 / len(cur_X)) / len(cur_X)
        return bounded(value, 1.645 * float(np.sqrt(learnt + chance)), len(cur_X), 0, 1)


def _votes(neighbours: np.ndarray, n: int) -> np.ndarray:
    """(n,) the share of all neighbour places that a reference row holds."""
    return np.bincount(neighbours.ravel(), minlength=n) / neighbours.size
