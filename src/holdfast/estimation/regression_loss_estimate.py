"""Direct estimation of a regression loss without targets."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.estimation._expected import same_rows
from holdfast.ops.density_ratio import standardised

LINEAR = 4.0  # plain columns come first: the penalty weighs least on them
UNSEEN = 0.1  # share of an estimated change that may be wrong beyond chance
PENALTIES = np.logspace(-2, 4, 19)
STEEPEST = 1.5  # ridge regression shrinks what it predicts; the slope may undo that, no more


class RegressionLossEstimate(Measure):
    r"""Learns the size of the error from the features on the reference and averages it over the current rows.

    .. math:: \widehat{L} = \bar{\ell}_\text{ref} + \lambda \, (\bar{g}_\text{cur} - \bar{g}_\text{ref}),
        \qquad g(x) \approx \mathbb{E}[\,|y - \widehat{y}|^p \mid x]

    g is ridge regression on standardised columns, their squares and random Fourier features. How much of the change is
    believed, lambda, is the slope of the losses on leave-one-out predictions, shrunk: with few rows, or noise that does
    not depend on x, it is near 0, "no change". "rmse" uses p = 2 and takes the root. Use it when
    some inputs are noisier than others and the current sample holds more of those. It fails under concept shift and
    beyond the range of the reference, where the size of the error has never been seen.

    >>> x = np.repeat([0.0, 1.0], 200)[:, None]; noise = np.tile([-1.0, 1.0], 200) * (1 + 3 * x[:, 0])
    >>> method = RegressionLossEstimate(metric="rmse", features=4, seed=1)
    >>> found = method.measure(x, noise, ref_prediction=0 * noise, cur_X=np.ones((50, 1)), cur_prediction=np.zeros(50))
    >>> round(found.value, 1)  # the reference's own is 2.9; where x = 1 every error is 4
    4.0
    """

    source = "yoo2019learning"
    claims = ("regression_tilt",)
    metric: Literal["mae", "rmse"] = "mae"
    features: int = 16
    seed: int = 0

    def measure(
        self,
        ref_X: np.ndarray,
        ref_target: np.ndarray,
        ref_prediction: np.ndarray,
        cur_X: np.ndarray,
        cur_prediction: np.ndarray,
    ) -> Estimate:
        """The loss on the current sample, with a 90 % interval for what its targets will say."""
        power = 2 if self.metric == "rmse" else 1
        scale = float(np.abs(ref_target - ref_prediction).max()) or 1.0
        losses = (np.abs(ref_target - ref_prediction) / scale).astype(np.float64) ** power
        ref = np.column_stack([ref_X, ref_prediction])
        cur = np.column_stack([cur_X, cur_prediction])
        left, right = _features(*standardised(ref, cur), self.features, self.seed)
        left_out, change, leverage = _ridge(left, right, losses)
        trust, unexplained = _trust(losses, left_out)
        value = float(np.clip(losses.mean() + trust * change, losses.min(), losses.max()))
        growth = max(value / losses.mean(), 1.0) if losses.mean() > 0 else 1.0
        repeats = float((np.bincount(same_rows(cur)) ** 2).sum()) / len(cur)  # equal rows share one target
        chance = 1 / len(losses) + repeats / len(cur) + trust**2 * leverage
        error = np.sqrt(growth**2 * unexplained * chance + (UNSEEN * change) ** 2)
        ends = (value, max(value - 1.645 * error, 0.0), value + 1.645 * error)
        middle, low, high = (float(scale * end ** (1 / power)) for end in ends)
        return Estimate(middle, low, high, len(cur))


def _features(ref: np.ndarray, cur: np.ndarray, features: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(ref), size=(2, 300))
    width = np.median(((ref[pairs[0]] - ref[pairs[1]]) ** 2).sum(axis=1)) or 1.0
    turns, phases = rng.normal(size=(ref.shape[1], features)) / np.sqrt(width), rng.uniform(0, 2 * np.pi, features)
    sides = [np.hstack([side, side**2, np.sqrt(2) * np.cos(side @ turns + phases)]) for side in (ref, cur)]
    centre, spread = sides[0].mean(axis=0), sides[0].std(axis=0)
    spread[spread < 1e-12] = 1.0
    d = ref.shape[1]
    spread[:d] /= LINEAR
    return (sides[0] - centre) / spread, (sides[1] - centre) / spread


def _trust(losses: np.ndarray, left_out: np.ndarray) -> tuple[float, float]:
    """Share of a predicted change to believe, and the variance around it.

    The share is the slope of the losses on their leave-one-out predictions, shrunk by how surely it is not zero.
    """
    if len(losses) < 3 or left_out.std() < 1e-12:
        return 0.0, float(losses.var())
    centred = left_out - left_out.mean()
    slope = float(centred @ losses / (centred @ centred))
    noise = float(((losses - losses.mean() - slope * centred) ** 2).sum()) / (len(losses) - 2)
    doubt = noise / float(centred @ centred) / max(slope, 1e-12) ** 2
    return float(np.clip(slope * max(1 - doubt, 0.0), 0, STEEPEST)), noise


def _ridge(left: np.ndarray, right: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Leave-one-out predictions, the mean change that the fit predicts, and the variance of that change per noise."""
    wanted, mean = losses - losses.mean(), right.mean(axis=0)
    values, vectors = np.linalg.eigh(left.T @ left)
    values, turned = np.maximum(values, 0), left @ vectors
    answers, squares, moved = turned.T @ wanted, turned**2, mean @ vectors
    best, lowest = (losses, 0.0, 0.0), np.inf
    for penalty in PENALTIES:
        shrink = 1 / (values + penalty)
        residual = wanted - turned @ (shrink * answers)
        left_out = residual / np.maximum(1 - squares @ shrink - 1 / len(losses), 1e-3)
        if left_out @ left_out < lowest:
            lowest = float(left_out @ left_out)
            best = losses - left_out, float(moved * shrink @ answers), float(moved**2 * shrink**2 @ values)
    return best
