"""Transfer Score: choosing among adapted models without labels of the target."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure

PROBES = 500  # points drawn for the clustering statistic at most: its error is part of the interval


class TransferScore(Measure):
    r"""How evenly a classifier divides the features, how clustered these are, and how decided and diverse it is.

    .. math:: T = -\frac{1}{K(K-1)}\sum_{i \ne j} (\theta_{ij} - \theta_K)^2
        + \frac{\sum u_i}{\sum u_i + \sum w_i} + \frac{|H(\overline{p}) - \overline{H(p)}|}{\ln K}

    :math:`\theta_{ij}` are the angles between the class weights and :math:`\theta_K = \arccos(-1/(K-1))`; u are the
    distances of uniform points to the nearest row, w those of `share` of the rows to their nearest other row (Hopkins);
    `power="dimension"` raises them to the number of features, as the paper's formula does and its code does not. Larger
    is better. Use it to choose the adaptation method, its settings or the epoch. It fails across feature spaces of
    different kind, and where a model that was not adapted is sure and wrong.

    >>> weights = [[1.0, 0.0], [-1.0, 0.0]]  # opposite: the ideal angle of two classes
    >>> probs = [[1.0, 0.0]] * 50 + [[0.0, 1.0]] * 50  # decided and balanced: mutual information ln 2
    >>> X = np.repeat([[-1.0, 0.0], [1.0, 1.0]], 50, axis=0)  # two points: every w is 0
    >>> [round(TransferScore(power=p, share=0.1, seed=1).measure(X, probs, weights).value, 6)
    ...  for p in ("distance", "dimension")]
    [2.0, 2.0]
    """

    source = "yang2024evaluate"
    claims = ("adapted",)
    power: Literal["distance", "dimension"] = "distance"
    share: float = 0.05
    seed: int = 0

    def measure(self, X: np.ndarray, probs: np.ndarray, class_weights: np.ndarray) -> Estimate:
        """The score on the target's features and probabilities; the 90 % interval is that of other rows and probes."""
        classes, n = len(class_weights), len(X)
        if classes < 2 or n < 2 or not 0 < self.share <= 1:
            raise ValueError(f"X holds {n} rows and class_weights {classes} classes, share is {self.share}; expected "
                             "two of both and a share in (0, 1].")  # fmt: skip
        clusters, clusters_error = self._hopkins(X.astype(np.float64))
        decided, decided_error = _mutual_information(probs.astype(np.float64))
        value = float(clusters + abs(decided) / np.log(classes) - _unevenness(class_weights.astype(np.float64)))
        reach = 1.645 * float(np.hypot(clusters_error, decided_error / np.log(classes)))
        return Estimate(value, value - reach, value + reach, n)

    def _hopkins(self, X: np.ndarray) -> tuple[float, float]:
        """The clustering statistic and its standard error."""
        rng = np.random.default_rng(self.seed)
        count = int(np.clip(round(self.share * len(X)), 2, min(PROBES, len(X))))
        uniform = rng.uniform(X.min(axis=0), X.max(axis=0), (count, X.shape[1]))
        chosen = rng.choice(len(X), count, replace=False)
        logs = [_nearest(uniform, X), _nearest(X[chosen], X, chosen)]
        factor = X.shape[1] if self.power == "dimension" else 1
        top = factor * max(float(part.max()) for part in logs)
        if not np.isfinite(top):  # all rows are one point: nothing is spread
            return 0.5, 0.0
        away, within = (np.exp(factor * part - top) for part in logs)
        total = away.sum() + within.sum()
        pulls = (within.sum() ** 2 * away.var() + away.sum() ** 2 * within.var()) * count
        return float(away.sum() / total), float(np.sqrt(pulls)) / total**2


def _nearest(points: np.ndarray, X: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """Logarithms of the distances to the nearest row of X, not counting a point's own row."""
    nearest = np.empty(len(points))
    for place, point in enumerate(points):
        squares = ((X - point) ** 2).sum(axis=1)
        if own is not None:
            squares[own[place]] = np.inf
        nearest[place] = squares.min()
    with np.errstate(divide="ignore"):
        return 0.5 * np.log(nearest)


def _mutual_information(probs: np.ndarray) -> tuple[float, float]:
    from scipy.special import entr

    mean = probs.mean(axis=0)
    parts = -(probs * np.log(np.maximum(mean, 1e-300))).sum(axis=1) - entr(probs).sum(axis=1)
    return float(parts.mean()), float(parts.std()) / len(probs) ** 0.5


def _unevenness(weights: np.ndarray) -> float:
    """Mean squared distance of the angles between class weights from the ideal one."""
    unit = weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-300)
    k = len(unit)
    angles = np.arccos(np.clip(unit @ unit.T, -1, 1))[~np.eye(k, dtype=bool)]
    return float(((angles - np.arccos(-1 / (k - 1))) ** 2).mean())
