"""The scaling law of loss in parameters and tokens, over-trained runs included."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.curves import fitting_laws, grid_forecast


class OvertrainingScaling(Measure):
    r"""Predicts the loss of a larger run from smaller ones, at any ratio of tokens to parameters.

    .. math:: L(C, M) = E + (a M^\eta + b M^{-\eta}) C^{-\eta}, \quad C = 6 N D, \ M = D / N
        \quad\Longleftrightarrow\quad L = E + A N^{-2\eta} + B D^{-2\eta}

    With `tied=False` the two exponents may differ (Hoffmann et al., 2022). All constants are at least zero; every
    exponent of a grid counts by its likelihood under a weak preference for values near .3, so that the interval, for
    the expected loss, holds what the runs cannot tell apart. `at_parameters` and `at_tokens` say where; twice the
    largest unless given.

    Use it when a large run is to be planned from small ones. It fails where the recipe changes with size (learning
    rate, data), and below the smallest runs that learn at all.

    >>> N, D = np.array([1e7, 1e7, 4e7, 4e7, 1.6e8, 1.6e8]), np.array([1e8, 1e9, 4e8, 4e9, 1e9, 1e10])
    >>> L = 1.8 + 480 * N**-0.36 + 480 * D**-0.36
    >>> found = OvertrainingScaling(at_parameters=1e9, at_tokens=1e11, tied=True).measure(N, D, L)
    >>> round(found.value, 2), round(1.8 + 480 * 1e9**-0.36 + 480 * 1e11**-0.36, 2)
    (2.13, 2.13)
    >>> free = OvertrainingScaling(at_parameters=1e9, at_tokens=1e11, tied=False)
    >>> round(free.measure(N, D, 1.8 + 480 * N**-0.36 + 1000 * D**-0.40).value, 1)  # 1.8 + .28 + .04
    2.1
    """

    source = "gadre2024language"
    claims = ("scaling_runs",)
    at_parameters: float | None = None
    at_tokens: float | None = None
    tied: bool = True

    def measure(self, parameters: np.ndarray, tokens: np.ndarray, losses: np.ndarray) -> Estimate:
        """The expected loss of the run asked for, with its 90 % interval."""
        if min(parameters.min(), tokens.min(), losses.min()) <= 0:
            raise ValueError("parameters, tokens and losses must all be above zero: a run of no size has no loss.")
        if len(losses) < 4 or min(len(np.unique(parameters)), len(np.unique(tokens))) < 2:
            raise ValueError(
                f"losses holds {len(losses)} runs of {len(np.unique(parameters))} sizes and {len(np.unique(tokens))} "
                "token counts; a law in both needs four runs and two of each."
            )
        sizes = parameters.astype(np.float64), tokens.astype(np.float64)
        asked = self.at_parameters, self.at_tokens
        places = [2 * float(size.max()) if at is None else at for size, at in zip(sizes, asked, strict=True)]
        if min(places) <= 0:
            raise ValueError(f"at_parameters and at_tokens are {places}; expected numbers above zero.")
        values = losses.astype(np.float64)
        law = fitting_laws(sizes, places, values, self.tied)
        return grid_forecast(law.columns, law.at, values, law.prior)
