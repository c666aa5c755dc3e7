"""G-Vendi: the diversity of a data set as a network sees it."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure

GROUPS = 20  # parts that are left out in turn


class GVendi(Measure):
    r"""In how many directions the rows of a data set pull a network: the entropy of their gradients, exponentiated.

    .. math:: K = \frac1n \sum_i \hat g_i \hat g_i^{\top}, \quad \hat g = g / \lVert g \rVert, \qquad
       V = e^{-\sum_j \lambda_j \log \lambda_j}

    with the eigenvalues of K; rows without a gradient are left out. Gradients may be projected
    (`nets.per_example_gradients(project=512)`) and come from a small network. The interval is from a jackknife over
    20 random parts, on the logarithm, with its correction of the bias; `level` is its level, `seed` deals the parts.

    Use it when two data sets of one size are to be compared before training: the one that pulls in more directions
    leaves less to chance. It fails to compare sets of different sizes, and counts wrong labels as diversity.

    Three rows, two of which pull the same way: shares 2/3 and 1/3.

    >>> found = GVendi(level=0.8, seed=1).measure([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0]])
    >>> round(found.value, 4)                              # exp(0.6365)
    1.8899
    """

    source = "jung2025prismatic"
    claims = ("known_directions",)
    level: float = 0.9
    seed: int = 0

    def measure(self, gradients: np.ndarray) -> Estimate:
        """The effective number of directions."""
        from scipy.stats import t

        norms = np.linalg.norm(gradients.astype(np.float64), axis=1)
        if not (norms > 0).any():
            raise ValueError("gradients are all 0; expected rows that pull the network somewhere.")
        unit = gradients[norms > 0] / norms[norms > 0, None]
        n = len(unit)
        whole = _entropy(unit)
        if n < 2:
            return Estimate(1.0, 1.0, 1.0, n)
        parts = np.random.default_rng(self.seed).permutation(n) % min(GROUPS, n)
        left = np.array([_entropy(unit[parts != part]) for part in range(parts.max() + 1)])
        groups = len(left)
        centre = groups * whole - (groups - 1) * left.mean()
        half = float(t.ppf(0.5 + self.level / 2, groups - 1)) * np.sqrt((groups - 1) * left.var())
        low, high = (float(np.exp(centre + sign * half)) for sign in (-1, 1))
        value = float(np.exp(whole))
        return Estimate(value, min(low, value), max(high, value), n)


def _entropy(unit: np.ndarray) -> float:
    small = unit.T @ unit if unit.shape[1] <= len(unit) else unit @ unit.T
    values = np.linalg.eigvalsh(small / len(unit))
    values = values[values > 1e-12]
    return float(-(values * np.log(values)).sum())
