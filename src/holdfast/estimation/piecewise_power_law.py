"""Piecewise power law: few-shot learning curves, whose bend ends at a size learnt from other curves."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure

CANDIDATES = 24  # switch sizes tried for every known curve
STEEP = -1.5, -0.02  # slopes of error in size on log axes that an extrapolation may have


class PiecewisePowerLaw(Measure):
    r"""Predicts the error at a large training size from a few small ones, where the power law does not hold yet.

    .. math:: \log \varepsilon(n) = \theta_1 + \theta_2 \log n + \theta_3 \log^2 n \ (n \le N), \qquad
        \text{the tangent at } N \ (n > N)

    The parabola is fitted to the sizes at hand; the switch N is predicted by a random forest of `trees` from the shape
    of the curve's first `few` points, learnt (`fit`) from curves that are known to the end. The interval comes from
    what the forest's out-of-bag predictions missed on those curves at the same stretch beyond the few sizes. `at` is
    the size asked for; the known curves' largest unless given.

    Use it with fewer than a dozen rows per class, when curves of similar tasks are at hand. It fails where no known
    curve is alike, and cannot see a floor.

    >>> sizes = 10.0 * 2 ** np.arange(8)
    >>> known = np.array([a * sizes**-b for a in (1.0, 2.0, 3.0) for b in (0.3, 0.4, 0.5, 0.6)])
    >>> law = PiecewisePowerLaw(few=4, trees=20, at=1280.0, seed=1).fit(sizes, known)
    >>> round(law.measure(sizes[:4], 1.5 * sizes[:4]**-0.45).value, 3), round(1.5 * 1280**-0.45, 3)
    (0.06, 0.06)
    """

    source = "jain2023metalearning"
    claims = ("few_shots",)
    few: int = 4
    at: float | None = None
    trees: int = 50
    seed: int = 0

    def fit(self, sizes: np.ndarray, curves: np.ndarray) -> PiecewisePowerLaw:
        """Learn from known curves (one a row) at growing `sizes` when a curve stops bending."""
        from sklearn.ensemble import RandomForestRegressor

        order = np.argsort(sizes)
        sizes, curves = sizes[order].astype(np.float64), curves[:, order].astype(np.float64)
        if not 3 <= self.few < len(sizes) or len(curves) < 6 or sizes[0] <= 0:
            raise ValueError(
                f"curves holds {len(curves)} curves at {len(sizes)} sizes and few is {self.few}; expected six curves "
                "at sizes above zero and 3 <= few < the number of sizes."
            )
        x, y = np.log(sizes), np.log(np.maximum(curves, _floor(curves)))
        switches = np.linspace(x[self.few - 1] - 1, x[-1], CANDIDATES)
        shapes = np.array([_parabola(x[: self.few], row[: self.few]) for row in y])
        missed = np.array([[_extend(shape, n, x[self.few :]) for n in switches] for shape in shapes])
        misses = ((missed - y[:, None, self.few :]) ** 2).mean(axis=2)
        best = switches[misses.argmin(axis=1)]
        forest = RandomForestRegressor(self.trees, oob_score=True, random_state=self.seed, min_samples_leaf=2)
        self.forest_ = forest.fit(_features(shapes, x[: self.few]), best - x[self.few - 1])
        guessed = np.where(np.isnan(forest.oob_prediction_), best - x[self.few - 1], forest.oob_prediction_)
        ends = guessed + x[self.few - 1]
        predicted = np.array([_extend(shape, n, x[self.few :]) for shape, n in zip(shapes, ends, strict=True)])
        self.misses_ = y[:, self.few :] - predicted  # (curves, sizes beyond)
        self.beyond_ = x[self.few :] - x[self.few - 1]
        self.largest_ = float(sizes[-1])
        return self

    def measure(self, sizes: np.ndarray, errors: np.ndarray) -> Estimate:
        """The error at size `at` with a 90 % interval; `sizes` are the few small ones."""
        at = self.largest_ if self.at is None else self.at
        if len(np.unique(sizes)) < 3 or min(sizes.min(), at) <= 0:
            raise ValueError(f"sizes holds {len(np.unique(sizes))} different sizes above zero; a bend needs three.")
        order = np.argsort(sizes)
        x, y = np.log(sizes[order]), np.log(np.maximum(errors[order], _floor(errors)))
        shape = _parabola(x, y)
        switch = x[-1] + float(self.forest_.predict(_features(shape[None], x))[0])
        middle = float(_extend(shape, switch, np.array([np.log(at)]))[0])
        stretch = max(np.log(at) - x[-1], self.beyond_[0])
        place = int(np.abs(self.beyond_ - stretch).argmin())
        more = max(stretch / self.beyond_[place], 1.0)  # beyond what the known curves tell, errors grow with distance
        missed = np.sort(self.misses_[:, place]) * more
        ranks = (np.array([0.05, 0.95]) * (len(missed) + 1)).round().astype(int) - 1
        low, high = missed[np.clip(ranks, 0, len(missed) - 1)]
        ends = np.exp([middle + min(low, 0.0), middle, middle + max(high, 0.0)])
        return Estimate(float(ends[1]), float(ends[0]), float(ends[2]), len(sizes))


def _floor(errors: np.ndarray) -> float:
    """What stands for an error of zero: half of the smallest that is not."""
    seen = errors[errors > 0]
    return 0.5 * float(seen.min()) if len(seen) else 1e-6


def _parabola(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Constant, slope and bend of y over x, counted from the last x, so that they mean the same on every curve."""
    steps = x - x[-1]
    fitted = np.linalg.lstsq(np.column_stack([np.ones_like(x), steps, steps**2]), y, rcond=None)[0]
    return np.append(fitted, x[-1])


def _features(shapes: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.column_stack([np.asarray(shapes)[:, :3], np.full(len(shapes), x[-1] - x[0])])


def _extend(shape: np.ndarray, switch: float, x: np.ndarray) -> np.ndarray:
    """The parabola up to the switch and its tangent after it; never steeper or flatter than learning curves are."""
    constant, slope, bend, last = shape
    until = np.minimum(x, switch) - last
    tangent = float(np.clip(slope + 2 * bend * (switch - last), *STEEP))
    return constant + slope * until + bend * until**2 + tangent * np.maximum(x - switch, 0)
