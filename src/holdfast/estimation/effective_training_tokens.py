"""Effective training tokens: a scaling law that knows how good the tokens are."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure

STARTS = (0.2, 0.4)  # of both exponents


class EffectiveTrainingTokens(Measure):
    r"""Predicts the loss of a run from its size, its tokens, and two indicators of how good these are.

    .. math:: L = E + A N^{-\alpha} + B (D \, Q)^{-\beta}, \qquad
              Q = \exp(c_1 \, \text{diversity} + c_2 \, \text{syntheticity})

    *Diversity* is the compression ratio of the training text, *syntheticity* its perplexity under a teacher, or any two
    cheap numbers; both are taken in units of their spread over the runs. `quality_` holds the Q of every run relative
    to the mean run, `constants_` E, A, alpha, B, beta, c1 and c2. `at_parameters`, `at_tokens` (twice the largest
    unless given), `at_diversity`, `at_syntheticity` (their means) say of which run.

    Use it to plan a small model for which data can be chosen: is better text or more text worth the effort? It fails
    with fewer than about three runs a constant, and where the indicators hardly differ between runs; then c1 and c2
    are noise: see the interval.

    >>> draw = np.random.default_rng(0).uniform
    >>> N, D, v, s = 10 ** draw(6, 8, 60), 10 ** draw(8, 10, 60), draw(1, 3, 60), draw(0, 1, 60)
    >>> loss = 1.7 + 400 * N**-0.34 + 410 * (D * np.exp(0.8 * v - 0.5 * s)) ** -0.28
    >>> law = EffectiveTrainingTokens(at_parameters=2e8, at_tokens=2e10, at_diversity=3.0, at_syntheticity=0.0)
    >>> found = law.measure(parameters=N, tokens=D, losses=loss, diversity=v, syntheticity=s)
    >>> round(found.value, 2), round(float(1.7 + 400 * 2e8**-0.34 + 410 * (2e10 * np.exp(2.4)) ** -0.28), 2)
    (2.58, 2.58)
    """

    source = "chang2024scaling"
    claims = ("quality_runs",)

    at_parameters: float | None = None
    at_tokens: float | None = None
    at_diversity: float | None = None
    at_syntheticity: float | None = None

    def measure(
        self, parameters: np.ndarray, tokens: np.ndarray, losses: np.ndarray, diversity: np.ndarray,
        syntheticity: np.ndarray,
    ) -> Estimate:  # fmt: skip
        """The expected loss of the run asked for, with its 90 % interval."""
        if min(parameters.min(), tokens.min(), losses.min()) <= 0:
            raise ValueError("parameters, tokens and losses must all be above zero: a run of no size has no loss.")
        if len(losses) < 12:
            raise ValueError(f"losses holds {len(losses)} runs; seven constants need at least 12.")
        columns = [part.astype(np.float64) for part in (np.log(parameters), np.log(tokens), diversity, syntheticity)]
        asked = (self.at_parameters, self.at_tokens, self.at_diversity, self.at_syntheticity)
        if any(at is not None and at <= 0 for at in asked[:2]):
            raise ValueError(f"at_parameters and at_tokens are {asked[:2]}; expected numbers above zero.")
        usual = [np.log(2) + columns[0].max(), np.log(2) + columns[1].max(), columns[2].mean(), columns[3].mean()]
        place = [
            float(default) if at is None else float(np.log(at) if number < 2 else at)
            for number, (at, default) in enumerate(zip(asked, usual, strict=True))
        ]
        middle, spread = np.array([(part.mean(), max(part.std(), 1e-9)) for part in columns]).T
        spread[:2] = 1.0
        runs, at = (np.array(columns).T - middle) / spread, (np.array(place) - middle) / spread
        return self._fitted(runs, at, losses.astype(np.float64), middle, spread)

    def _fitted(
        self, runs: np.ndarray, at: np.ndarray, losses: np.ndarray, middle: np.ndarray, spread: np.ndarray
    ) -> Estimate:
        from scipy.optimize import least_squares
        from scipy.stats import t

        scale = max(float(losses.std()), 1e-12)
        low = [0.0, -30.0, 0.01, -30.0, 0.01, -20.0, -20.0]
        high = [float(losses.min()) + 1e-9, 30.0, 2.0, 30.0, 2.0, 20.0, 20.0]
        fits = []
        for start in STARTS:
            guess = [0.8 * losses.min(), np.log(scale), start, np.log(scale), start, 0.0, 0.0]
            fits.append(
                least_squares(
                    lambda law: (_loss(law, runs) - losses) / scale,
                    guess,
                    bounds=(low, high),
                    x_scale="jac",
                    max_nfev=100,
                )
            )
        fit = min(fits, key=lambda one: float(one.cost))
        law, freedom = fit.x, max(len(losses) - len(fit.x), 1)
        slope = np.array(
            [(_loss(law + step, at[None]) - _loss(law - step, at[None]))[0] / 2e-5 for step in 1e-5 * np.eye(7)]
        )
        spread_of = np.linalg.pinv(fit.jac.T @ fit.jac) * 2 * fit.cost / freedom
        value = float(_loss(law, at[None])[0])
        reach = float(t.ppf(0.95, freedom) * np.sqrt(max(slope @ spread_of @ slope, 0.0)))
        c1, c2 = law[5:] / spread[2:]
        self.quality_ = np.exp(np.clip(runs[:, 2:] @ law[5:], -700, 700))
        self.constants_ = {
            "E": float(law[0]), "A": float(np.exp(min(law[1] + law[2] * middle[0], 700.0))), "alpha": float(law[2]),
            "B": float(np.exp(min(law[3] + law[4] * (middle[1] + c1 * middle[2] + c2 * middle[3]), 700.0))),
            "beta": float(law[4]), "c1": float(c1), "c2": float(c2),
        }  # fmt: skip
        return Estimate(value, value - reach, value + reach, len(losses))


def _loss(law: np.ndarray, runs: np.ndarray) -> np.ndarray:
    size = np.exp(np.clip(law[1] - law[2] * runs[:, 0], -700, 700))
    good = runs[:, 1] + runs[:, 2:] @ law[5:]
    return law[0] + size + np.exp(np.clip(law[3] - law[4] * good, -700, 700))
