"""Loss-to-loss prediction: a shifted power law between two losses."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.curves import grid_forecast

POWERS = np.linspace(0.3, 2.5, 45)
FLOORS = 40


class LossToLoss(Measure):
    r"""Predicts the loss on one distribution from the loss on another, over models of many sizes.

    .. math:: L_b = K (L_a - E_a)^\kappa + E_b

    The pairs are one model tested on two data sets, or two models of equal compute trained on two. `floor` is
    :math:`E_a`, the irreducible loss of a, from a scaling law; without it, floors from 0 to just under the smallest
    loss count by their likelihood, as the exponents do. `at` is the loss on a that is asked for; unless given, as far
    below the smallest as that is below the middle one. Use it when losses of large models are known on one distribution
    only. It fails where the two were not made by the same recipe.

    >>> a = np.array([4.0, 3.6, 3.3, 3.0, 2.8])
    >>> b = 1.2 * (a - 1.5) ** 0.9 + 1.0
    >>> found = LossToLoss(at=2.4, floor=1.5).measure(a, b)
    >>> round(found.value, 3), round(1.2 * 0.9**0.9 + 1, 3)
    (2.091, 2.091)
    """

    source = "brandfonbrener2024losstoloss"
    claims = ("loss_pairs",)
    at: float | None = None
    floor: float | None = None

    def measure(self, ref_losses: np.ndarray, cur_losses: np.ndarray) -> Estimate:
        """The expected loss on b (`cur_`) where the loss on a (`ref_`) is `at`, with its 90 % interval."""
        smallest = float(ref_losses.min())
        if len(np.unique(ref_losses)) < 4:
            raise ValueError(f"ref_losses holds {len(np.unique(ref_losses))} different losses; the law needs four.")
        at = float(2 * smallest - np.median(ref_losses)) if self.at is None else self.at
        least = min(smallest, at)
        if least <= 0 or (self.floor is not None and not 0 <= self.floor < least):
            raise ValueError(
                f"ref_losses and `at` must lie above the floor and above zero; the smallest is {least:.4g}, the floor "
                f"{self.floor}."
            )
        floors = np.linspace(0, 0.99 * least, FLOORS) if self.floor is None else np.array([self.floor])
        power, floor = (part.ravel()[:, None] for part in np.meshgrid(POWERS, floors, indexing="ij"))
        unit = float(ref_losses.max())
        shape = ((ref_losses - floor) / (unit - floor)) ** power
        columns = np.stack([shape, np.ones_like(shape)], axis=2)
        ends = np.column_stack([((at - floor) / (unit - floor)) ** power, np.ones(len(floor))])
        return grid_forecast(columns, ends, cur_losses.astype(np.float64), -0.5 * ((power[:, 0] - 1) / 0.5) ** 2)
