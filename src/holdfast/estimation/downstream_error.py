"""From loss to the mean error on downstream tasks."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.curves import grid_forecast

RATES = np.geomspace(0.05, 8, 80)  # per range of the losses seen


class DownstreamError(Measure):
    r"""Predicts the mean error on downstream tasks at a loss that no model has reached yet.

    .. math:: \text{Err}(L) = \epsilon - k \, e^{-\gamma L}

    Fitted over a grid of rates, each of which counts by its likelihood; :math:`\epsilon` and k are at least zero. `at`
    is the loss asked for; unless given, as far below the smallest as that is below the middle one. Use it when losses
    are predicted (`OvertrainingScaling`) and errors are wanted, averaged over many tasks. It fails on single tasks,
    where error stays at chance and then falls at once, and where losses are of different data.

    >>> losses = np.array([3.6, 3.3, 3.0, 2.8, 2.6])
    >>> found = DownstreamError(at=2.2).measure(losses, 0.85 - 2 * np.exp(-1.0 * losses))
    >>> round(found.value, 2), round(float(0.85 - 2 * np.exp(-2.2)), 2)
    (0.63, 0.63)
    """

    source = "gadre2024language"
    claims = ("falling_errors",)
    at: float | None = None

    def measure(self, losses: np.ndarray, errors: np.ndarray) -> Estimate:
        """The expected error at loss `at` with its 90 % interval."""
        if len(np.unique(losses)) < 3:
            raise ValueError(f"losses holds {len(np.unique(losses))} different values; the curve needs three.")
        at = float(2 * losses.min() - np.median(losses)) if self.at is None else self.at
        spread = float(np.ptp(losses))
        top = float(losses.max())
        rates = (RATES / spread)[:, None]
        gains = np.exp(rates * (top - losses)) - 1  # since the largest loss: what is taken off its error
        columns = np.stack([np.ones_like(gains), -gains], axis=2)
        ends = np.column_stack([np.ones(len(RATES)), 1 - np.exp(rates[:, 0] * (top - at))])
        found = grid_forecast(columns, ends, errors.astype(np.float64), -0.5 * np.log(RATES) ** 2)
        return found._replace(value=max(found.value, 0.0), low=max(found.low, 0.0), high=max(found.high, 0.0))
