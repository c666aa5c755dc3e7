"""Which groups to collect more rows of."""

from __future__ import annotations

from typing import Self

import numpy as np

from holdfast.core import Mixer

EXPONENTS = np.linspace(0.05, 1.5, 30)
STEPS = 400  # parts that the budget is dealt in


class AdaptiveSampling(Mixer):
    r"""Shares of the next rows by group, so that the errors of all groups become as small as the budget allows.

    .. math:: \min_{n} \sum_g r_g(n_g)^\rho \quad \text{with} \quad r_g(n) = a_g n^{-b_g} + c_g, \qquad
              \sum_g c^\$_g\, (n_g - n_g^0) \le \text{budget}

    `fit` draws a power law with a floor through every group's test errors at pilot sizes; `mix_groups` starts from the
    rows there are and deals the budget out, each part to the group with the largest gain per cost (`costs` of a row;
    alike unless given). `aversion` is :math:`\rho`: 1 for the sum of errors, large for the worst group. After a part of
    the budget was spent, fit again with the new errors: neither equal nor proportional collection needs to be best.

    Use it when groups (sites, languages, classes) learn at unequal rates and someone must say where to collect. It
    fails where rows of one group help another a lot, since each group's curve sees its own rows alone, and where pilot
    errors are so few or noisy that curves cross by chance.

    >>> errors = [[0.4, 0.2, 0.1], [0.1, 0.1, 0.1]]  # one halves whenever its rows double, one learns nothing more
    >>> method = AdaptiveSampling(aversion=1.0).fit(pilot_sizes=[10, 20, 40], group_errors=errors)
    >>> method.mix_groups(sizes=[40, 40], budget=100).tolist()
    [1.0, 0.0]
    >>> method.predicted(sizes=[80, 80]).round(3).tolist()
    [0.05, 0.1]
    """

    source = "cai2022adaptive"
    claims = ("unequal_learning_rates",)
    aversion: float = 2.0

    def fit(self, pilot_sizes: np.ndarray, group_errors: np.ndarray) -> Self:
        """Learn every group's curve: `curves_` is (G, 3), floor, height at one row and exponent."""
        if len(np.unique(pilot_sizes)) < 3 or pilot_sizes.min() <= 0:
            raise ValueError(
                f"pilot_sizes holds {pilot_sizes.tolist()}; a curve with a floor needs three sizes above 0."
            )
        self.curves_ = np.array([_curve(pilot_sizes, errors) for errors in group_errors])
        return self

    def mix_groups(self, sizes: np.ndarray, budget: int, costs: np.ndarray | None = None) -> np.ndarray:
        """(G,) shares of the rows to collect; predicted errors thereafter are `predicted_`."""
        if len(sizes) != len(self.curves_):
            raise ValueError(f"sizes has {len(sizes)} groups, but group_errors had {len(self.curves_)}.")
        if self.aversion <= 0:
            raise ValueError(f"aversion is {self.aversion}; expected above 0: the power that errors count with.")
        price = np.ones(len(sizes)) if costs is None else np.maximum(costs, 1e-12).astype(float)
        part = budget / STEPS / price  # rows that one part of the budget buys of every group
        rows = np.maximum(sizes, 1.0).astype(float)
        before, after = (self.predicted(at) ** self.aversion for at in (rows, rows + part))
        for _ in range(STEPS):
            group = int(np.argmax(before - after))
            rows[group] += part[group]
            before[group] = after[group]
            after[group] = self.predicted(rows + part)[group] ** self.aversion
        self.predicted_ = self.predicted(rows)
        added = rows - np.maximum(sizes, 1.0)
        return added / added.sum()

    def predicted(self, sizes: np.ndarray) -> np.ndarray:
        """(G,) error of every group with so many rows of its own."""
        floor, height, exponent = self.curves_.T
        return floor + height * np.asarray(sizes, dtype=float) ** -exponent


def _curve(sizes: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """Least squares with a floor and a height of at least 0, on a grid of exponents."""
    from scipy.optimize import nnls

    fits = []
    for exponent in EXPONENTS:
        columns = np.column_stack([np.ones(len(sizes)), sizes**-exponent])
        (floor, height), misfit = nnls(columns, errors)
        fits.append((misfit, floor, height, exponent))
    return min(fits)[1:]
