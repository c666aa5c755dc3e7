"""Class means with one covariance for all classes, well conditioned: what Gaussian distances and discriminants need.

Columns are scaled by their spread inside the classes, then the correlation matrix is shrunk towards the identity, so
that neither the unit of a column nor a singular matrix matters. A column that never varies inside a class takes the
median spread of the others (1 where none varies): a change in it counts as much as in a typical column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 1 << 20  # numbers worked on at a time


class TiedGaussian(NamedTuple):
    """Means `(k, d)` of the `classes` present and the shared shape: `whiten` turns a difference into unit variance."""

    classes: np.ndarray
    means: np.ndarray
    whiten: np.ndarray
    shrinkage: float

    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """(n, k) squared Mahalanobis distance of every row to every class mean, by blocks of rows."""
        centres = self.means @ self.whiten
        out = np.empty((len(X), len(centres)))
        step = max(1, BLOCK // max(1, X.shape[1]))
        for first in range(0, len(X), step):
            rows = np.asarray(X[first : first + step], dtype=np.float64) @ self.whiten
            for place, centre in enumerate(centres):
                gap = rows - centre  # differences, not expanded squares: nothing cancels far from the origin
                out[first : first + step, place] = np.einsum("ij,ij->i", gap, gap)
        return out

    def nearest(self, X: np.ndarray) -> np.ndarray:
        """(n,) squared Mahalanobis distance to the nearest class mean: one product of matrices for all classes.

        The product finds the class; the distance itself is computed from differences, so that nothing cancels.
        """
        origin = self.means.mean(axis=0)
        centres = (self.means - origin) @ self.whiten
        lengths = np.einsum("ij,ij->i", centres, centres)
        out = np.empty(len(X))
        step = max(1, BLOCK // max(X.shape[1], len(centres)))
        for first in range(0, len(X), step):
            rows = (np.asarray(X[first : first + step], dtype=np.float64) - origin) @ self.whiten
            gap = rows - centres[(lengths - 2 * rows @ centres.T).argmin(axis=1)]
            out[first : first + step] = np.einsum("ij,ij->i", gap, gap)
        return out


def tied_gaussian(X: np.ndarray, y: np.ndarray, shrinkage: float | None = None) -> TiedGaussian:
    """Class means and the shared covariance of rows around them; `shrinkage` None takes Ledoit and Wolf's intensity.

    >>> X = np.array([[0.0, 0.0], [2.0, 2.0], [10.0, 0.0], [12.0, -2.0]])
    >>> gaussian = tied_gaussian(X, np.array([0, 0, 1, 1]), shrinkage=0.5)
    >>> gaussian.means.tolist()
    [[1.0, 1.0], [11.0, -1.0]]
    >>> gaussian.squared_distances(np.array([[3.0, 1.0]])).round(2).tolist()
    [[4.0, 68.0]]
    """
    classes, codes = np.unique(y, return_inverse=True)
    inside = np.array(X, dtype=np.float64)
    means = np.array([inside[codes == place].mean(axis=0) for place in range(len(classes))])
    inside -= means[codes]
    spread = column_spread(inside, np.abs(means).max(axis=0))
    inside /= spread
    if shrinkage is None:
        shrinkage = ledoit_wolf(inside)
    shape = (1 - shrinkage) * (inside.T @ inside) / len(inside)
    shape[np.diag_indices_from(shape)] = 1.0  # a correlation matrix, also where a column does not vary
    values, vectors = np.linalg.eigh(shape)
    # a direction without any variance (no shrinkage, fewer rows than columns) keeps a millionth of a column's variance
    whiten = vectors / np.sqrt(np.maximum(values, 1e-6)) / spread[:, None]
    return TiedGaussian(classes, means, whiten, shrinkage)


def ledoit_wolf(scaled: np.ndarray) -> float:
    r"""Ledoit and Wolf's shrinkage of the second moments of centred rows towards a multiple of the identity.

    .. math:: \hat a = \min(1, n^{-2} \textstyle\sum_i \lVert x_i x_i^\top - S \rVert^2 / \lVert S - m I \rVert^2)

    >>> round(ledoit_wolf(np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]] * 4)), 2)
    0.19
    """
    n, d = scaled.shape
    moments = scaled.T @ scaled / n
    target = np.trace(moments) / d
    distance = float((moments**2).sum() - d * target**2)
    fourth = float((np.einsum("ij,ij->i", scaled, scaled) ** 2).sum()) / n
    noise = (fourth - float((moments**2).sum())) / n
    return 1.0 if distance <= 0 else float(np.clip(noise / distance, 0.0, 1.0))


def column_spread(centred: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Root mean square of every column of centred rows; the median of the others where a column does not vary.

    `centre` is what was subtracted: a spread within its rounding error is none.

    >>> column_spread(np.array([[1.0, 0.0, -3.0], [-1.0, 0.0, 3.0]]), np.array([5.0, 5.0, 5.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(centred))
    varies = spread > 1e-12 * np.abs(centre)
    if not varies.any():
        return np.ones_like(spread)
    spread[~varies] = np.median(spread[varies])
    return spread
