"""A feature whose relation to the target is another one in the new data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.binning import cut

QUANTILE = 1.6448536269514722  # of the normal distribution, for a 90 % interval
ROWS_A_BIN = 20  # fewer rows than this in a bin, on average, make a chi-squared law a poor guide


class RelationFlip(Measure):
    r"""Change of the slope of the target on one feature, with a test for any change of the shape of their relation.

    .. math:: D_b = \bar y^\text{cur}_b - \bar y^\text{ref}_b, \quad Q = \sum_b w_b (D_b - \bar D)^2 \sim \chi^2_{B-1},
              \quad \text{slope} = \frac{\sum_b w_b (x_b - \bar x) D_b}{\sum_b w_b (x_b - \bar x)^2}

    over up to `bins` bins of the feature, with weights one over the variance of :math:`D_b`. Sets are compared inside
    bins, and inside a bin at the same value of the feature, so neither another distribution of the feature nor a
    constant shift of the target counts. The value is in standard deviations of the target per one of the feature: -1
    for a correlation of .5 that turned into -.5. The p-value is that of Q, so it also finds a relation that bends.
    Bins with fewer than `least_rows` rows of either set are left out. `ref_slope_` and `cur_slope_` are the slopes of
    both sets.

    Use it when both sets have labels and a model may have learnt a relation that no longer holds; give a class as 0/1.
    It fails where the two sets share no range of the feature, and a relation that changes only given other features is
    invisible here.

    >>> x, new = [i % 20 for i in range(400)], [i % 20 for i in range(400)]
    >>> up, down = [i % 20 + i % 3 for i in range(400)], [-(i % 20) + i % 3 for i in range(400)]
    >>> flip = RelationFlip(bins=4, least_rows=5).measure(ref_x=x, ref_target=up, cur_x=new, cur_target=down)
    >>> round(flip.value, 1), flip.pvalue < 0.001
    (-1.0, True)
    """

    source = "chow1960tests"
    claims = ("flipped_relation", "bent_relation")
    bins: int = 10
    least_rows: int = 8

    def measure(self, ref_x: np.ndarray, ref_target: np.ndarray, cur_x: np.ndarray, cur_target: np.ndarray) -> Estimate:
        """The change of slope with its interval; the p-value is for "the shape is the same"."""
        least = min(len(ref_x), len(cur_x))
        x, y = (np.concatenate(pair).astype(np.float64) for pair in ((ref_x, cur_x), (ref_target, cur_target)))
        x, y = _standard(x), _standard(y)
        bins = cut(x, max(2, min(self.bins, least // ROWS_A_BIN)))
        codes = bins.codes(x).astype(np.intp)
        first = np.arange(len(x)) < len(ref_x)
        ref, cur = (_side(codes[side], x[side], y[side], bins.number) for side in (first, ~first))
        shared = (ref.sizes >= self.least_rows) & (cur.sizes >= self.least_rows)
        if shared.sum() < 2:
            raise ValueError(
                f"ref_x and cur_x share {int(shared.sum())} bin(s) with at least {self.least_rows} rows of each set: "
                "their relations to the target cannot be compared. Give more rows, or a feature whose ranges overlap."
            )
        self.ref_slope_, self.cur_slope_ = (
            _tilt(one.x, one.y, one.sizes)[0] for one in (ref.at(shared), cur.at(shared))
        )
        return _compared(ref.at(shared), cur.at(shared), len(x))


class _Side(NamedTuple):
    """Per bin of one set: rows, mean feature, mean target, and the spread inside that is needed to compare them."""

    sizes: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def at(self, bins: np.ndarray) -> _Side:
        return _Side(*(part[bins] for part in self))


def _side(codes: np.ndarray, x: np.ndarray, y: np.ndarray, number: int) -> _Side:
    sizes = np.bincount(codes, minlength=number).astype(float)
    means = [np.bincount(codes, part, number) / np.maximum(sizes, 1) for part in (x, y)]
    gaps = [part - mean[codes] for part, mean in zip((x, y), means, strict=True)]
    products = [np.bincount(codes, gaps[i] * gaps[j], number) for i, j in ((0, 0), (0, 1), (1, 1))]
    return _Side(sizes, *means, *products)


def _compared(ref: _Side, cur: _Side, n: int) -> Estimate:
    from scipy.special import chdtrc

    slope = (ref.xy + cur.xy) / np.maximum(ref.xx + cur.xx, np.finfo(float).tiny)  # inside the bins, of both sets
    slope[ref.xx + cur.xx < 1e-9] = 0.0
    differences = cur.y - ref.y - slope * (cur.x - ref.x)
    weights = 1 / sum(_variance(side, slope) / side.sizes for side in (ref, cur))
    centre = (ref.sizes * ref.x + cur.sizes * cur.x) / (ref.sizes + cur.sizes)
    value, error = _tilt(centre, differences, weights)
    heterogeneity = float(weights @ (differences - weights @ differences / weights.sum()) ** 2)
    pvalue = float(max(chdtrc(len(weights) - 1, heterogeneity), np.finfo(float).tiny))
    return Estimate(value, value - QUANTILE * error, value + QUANTILE * error, n, pvalue)


def _variance(side: _Side, slope: np.ndarray, borrowed: float = 4.0) -> np.ndarray:
    """Of the target around the line in every bin; borrows some rows from all bins, so none is taken for certain."""
    squares = np.maximum(side.yy - 2 * slope * side.xy + slope**2 * side.xx, 0.0)
    pooled = squares.sum() / np.maximum(side.sizes - 1, 1).sum()
    return (squares + borrowed * pooled) / (side.sizes - 1 + borrowed) + 1e-12


def _tilt(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope of a weighted line, and its standard error where weights are one over variances."""
    gaps = x - weights @ x / weights.sum()
    spread = float(weights @ gaps**2)
    return (float(weights @ (gaps * y)) / spread, spread**-0.5) if spread > 0 else (0.0, 0.0)


def _standard(values: np.ndarray) -> np.ndarray:
    spread = float(values.std())
    return (values - values.mean()) / (spread if spread > 0 else 1.0)
