"""The whole loss curve of a large run from small ones."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.optimize import OptimizeResult, least_squares

from holdfast.core import Estimate, Measure
from holdfast.estimation._trajectory import Constants, once, trajectory

WEAK = 1e-3  # how much the customary constants weigh against one run, in log loss
STARTS = ((0.0, 0.0), (1.0, -0.5), (-1.0, 0.5))  # of the sizes and the steps, in log units from their guess


class LossTrajectory(Measure):
    r"""Loss of a run of any size after any number of steps at any batch size, from the losses along smaller runs.

    .. math:: L(N, S) = \Big(\frac{N_c}{N}\Big)^{\alpha_N} + \Big(\frac{S_c}{S_{\min}}\Big)^{\alpha_S}, \quad
        S_{\min} = \frac{S}{1 + B_\text{crit}(L) / B}, \quad B_\text{crit}(L) = \frac{B_*}{L^{1 / \alpha_B}}

    The six constants are fitted together to log losses; `constants_` holds them, `predict(parameters, steps,
    batch_sizes)` gives the curve, so that steps to a loss or the critical batch size can be read off. `at_parameters`,
    `at_steps` and `at_batch` say where the value is for; twice the largest size, the most steps and the middle batch
    size unless given. Constants of another corpus or tokenizer do not carry over.

    Use it when a large run is planned and the logs of small ones at several batch sizes are at hand. It fails where the
    learning rate decays differently between runs, and while it warms up: leave those steps out.

    >>> N, S, B = (part.ravel() for part in np.meshgrid([1e6, 1e7, 5e7], [2e3, 1e4, 6e4], [5e4, 4e5]))
    >>> method = LossTrajectory(at_parameters=2e8, at_steps=1e5, at_batch=2e5)
    >>> found = method.measure(parameters=N, steps=S, batch_sizes=B, losses=trajectory(N, S, B))
    >>> round(found.value, 2), round(float(trajectory(2e8, 1e5, 2e5)), 2)
    (2.93, 2.93)
    """

    source = "su2024unraveling"
    claims = ("training_runs",)
    at_parameters: float | None = None
    at_steps: float | None = None
    at_batch: float | None = None

    def measure(
        self, parameters: np.ndarray, steps: np.ndarray, batch_sizes: np.ndarray, losses: np.ndarray
    ) -> Estimate:
        """The expected loss of the run asked for, with its 90 % interval."""
        runs = [part.astype(np.float64) for part in (parameters, steps, batch_sizes)]
        values = losses.astype(np.float64)
        if min(values.min(), *(part.min() for part in runs)) <= 0:
            raise ValueError("parameters, steps, batch_sizes and losses must all be above zero.")
        if len(values) < 9 or min(len(np.unique(runs[0])), len(np.unique(runs[1]))) < 2:
            raise ValueError(
                f"losses holds {len(values)} points of {len(np.unique(runs[0]))} sizes and {len(np.unique(runs[1]))} "
                "numbers of steps; six constants need nine points and two of each."
            )
        usual = 2 * float(runs[0].max()), float(runs[1].max()), float(np.median(runs[2]))
        asked = self.at_parameters, self.at_steps, self.at_batch
        place = [default if at is None else float(at) for at, default in zip(asked, usual, strict=True)]
        if min(place) <= 0:
            raise ValueError(f"at_parameters, at_steps and at_batch are {place}; expected numbers above zero.")
        centre = [float(np.exp(np.log(part).mean())) for part in runs]
        best = min((_fit(runs, values, centre, start) for start in STARTS), key=lambda fit: fit.cost)
        self.constants_ = _constants(best.x, centre)
        value = float(self.predict(*place))
        slope = np.array([_slope(best.x, j, place, centre) for j in range(6)])
        freedom = len(values) - 6
        noise = float((best.fun[: len(values)] ** 2).sum()) / freedom
        jacobian = best.jac / np.r_[np.ones(len(values)), np.full(6, max(np.sqrt(noise), 1e-9))][:, None]
        spread = float(slope @ np.linalg.pinv(jacobian.T @ jacobian) @ slope) * noise
        half = float(stats.t.ppf(0.95, freedom)) * np.sqrt(max(spread, 0.0))
        return Estimate(value, value * float(np.exp(-half)), value * float(np.exp(half)), len(values))

    def predict(self, parameters: float, steps: float, batch_sizes: float) -> np.ndarray:
        """The expected loss by the fitted constants."""
        return np.asarray(trajectory(parameters, steps, batch_sizes, self.constants_))


def _constants(theta: np.ndarray, centre: list[float]) -> Constants:
    """From log losses at the centre of the runs and log exponents, which are nearly independent of each other."""
    by_size, size, by_steps, step, batch, shape = np.clip(theta, -30, 30)
    exponents = np.exp([size, step, shape])
    return Constants(
        centre[0] * float(np.exp(np.clip(by_size / exponents[0], -200, 200))),
        float(exponents[0]),
        centre[1] * float(np.exp(np.clip(by_steps / exponents[1], -200, 200))),
        float(exponents[1]),
        centre[2] * float(np.exp(batch)),
        float(exponents[2]),
    )


def _fit(runs: list[np.ndarray], losses: np.ndarray, centre: list[float], start: tuple[float, float]) -> OptimizeResult:
    """Least squares of log losses from one start."""
    middle = float(np.log(losses).mean())
    guess = np.array([middle - 0.2, np.log(0.1), middle - 1.5, np.log(0.7), middle / 0.21, np.log(0.21)])
    steps = np.array([0.5, 1.0, 1.0, 1.0, 3.0, 1.0])

    def residuals(theta: np.ndarray) -> np.ndarray:
        fitted = once(runs[0], runs[1], runs[2], losses, _constants(theta, centre))
        return np.r_[np.log(np.maximum(fitted, 1e-300) / losses), WEAK * (theta - guess) / steps]

    begin = guess + np.array([start[0] * 0.2, 0.5 * start[0], start[1], 0.5 * start[1], start[0], 0.0])
    return least_squares(residuals, begin, max_nfev=400)


def _slope(theta: np.ndarray, j: int, place: list[float], centre: list[float]) -> float:
    step = np.zeros(6)
    step[j] = 1e-4
    ends = [
        float(trajectory(place[0], place[1], place[2], _constants(theta + sign * step, centre))) for sign in (1, -1)
    ]
    return float(np.log(ends[0] / ends[1])) / 2e-4
