"""Power-law learning curves."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure

EXPONENTS = np.linspace(-1.5, -0.02, 75)
FLOORS = 41


class PowerLawLearningCurve(Measure):
    r"""Predicts the error at a larger training size from a power law with a floor.

    .. math:: \varepsilon(m) = \alpha m^{\beta} + \gamma, \qquad \beta < 0, \ \gamma \ge 0

    Fitted by weighted least squares on the logarithm over a grid of exponents and floors; every pair of the grid counts
    by its likelihood (residual scale integrated out) under a weak preference for exponents near -1/2, so that the
    interval holds what the sizes cannot tell apart. `at` is the size asked for, twice the largest unless given.

    Use it when a choice between more data and another model is due; sizes should double and be at least four. It fails
    outside the power-law region: among tiny sizes where the model still guesses, or close to an irreducible floor that
    no size has reached yet.

    >>> sizes = np.array([100, 200, 400, 800, 1600, 3200.0])
    >>> found = PowerLawLearningCurve(at=12800.0).measure(sizes, 2 * sizes**-0.5 + 0.05)
    >>> round(found.value, 3), round(2 * 12800**-0.5 + 0.05, 3)
    (0.067, 0.068)
    """

    source = "hestness2017deep"
    claims = ("growth",)
    at: float | None = None

    def measure(self, sizes: np.ndarray, errors: np.ndarray) -> Estimate:
        """The error at size `at` with a 90 % interval for its expected value."""
        if len(np.unique(sizes)) < 3 or sizes.min() <= 0:
            raise ValueError(f"sizes holds {len(np.unique(sizes))} different sizes; a curve with a floor needs three.")
        at = 2 * float(sizes.max()) if self.at is None else self.at
        unit = float(errors.mean())
        if unit == 0:
            return Estimate(0.0, 0.0, 0.0, len(sizes))
        predicted, weights = _posterior(sizes / sizes.max(), errors / unit, at / float(sizes.max()))
        order = np.argsort(predicted)
        mass = np.cumsum(weights[order])
        low, middle, high = (float(predicted[order][np.searchsorted(mass, level)]) for level in (0.05, 0.5, 0.95))
        return Estimate(unit * middle, unit * low, unit * high, len(sizes))


def _posterior(sizes: np.ndarray, errors: np.ndarray, at: float) -> tuple[np.ndarray, np.ndarray]:
    """Predictions at `at` and their weights, over the grid of exponents, floors and the quantiles of the scale."""
    from scipy.special import stdtrit

    floors = np.linspace(0, 0.999 * errors.min(), FLOORS)
    beta, gamma = (part.ravel()[:, None] for part in np.meshgrid(EXPONENTS, floors, indexing="ij"))
    shape = sizes**beta
    # relative errors are alike: each point is weighted by its own height
    alpha = np.maximum((shape * (errors - gamma) / errors**2).sum(axis=1) / (shape**2 / errors**2).sum(axis=1), 0)
    residual = (alpha[:, None] * shape + gamma - errors) / errors
    squares = (residual**2).sum(axis=1) + len(sizes) * 1e-10
    freedom = max(len(sizes) - 2, 1)
    prior = -0.5 * ((beta[:, 0] + 0.5) / 0.4) ** 2 + np.log(FLOORS) * (gamma[:, 0] == 0)  # no floor: an even chance
    logs = -0.5 * len(sizes) * np.log(squares) + prior
    weights = np.exp(logs - logs.max())
    spread = np.sqrt(squares / freedom / (shape**2 / errors**2).sum(axis=1))
    turns = np.linspace(0.05, 0.95, 10)
    scales = alpha[:, None] + spread[:, None] * stdtrit(freedom, turns)
    predicted = np.maximum(scales, 0) * at**beta + gamma
    repeated = np.repeat(weights / weights.sum() / len(turns), len(turns))
    return predicted.ravel(), repeated / repeated.sum()
