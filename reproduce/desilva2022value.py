"""The value of out-of-distribution data: a few help, more of them hurt, and a weight tuned on the target mends it.

Digits 3 against 8 by logistic regression; the out-of-distribution rows are the same task with images rotated. Target
error over the number of rotated rows: pooled, and with the weight of the target that has the least cross-validated
error on its own rows. 30 draws of 30 target rows.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from common import write
from scipy.ndimage import rotate
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from holdfast.core import Estimate

TARGET, COUNTS, WEIGHTS, DRAWS = 30, (0, 15, 60, 240), (0.5, 0.8, 1.0), 30
ANGLE = 90


def results() -> dict[str, Any]:
    """The target error over the number of rotated rows, pooled and with a tuned weight."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that stops early is a fit
        return {f"rotated by {ANGLE} degrees": _curves(ANGLE)}


def _curves(angle: int) -> dict[str, Any]:
    pooled, tuned = (np.empty((DRAWS, len(COUNTS))) for _ in range(2))
    for draw in range(DRAWS):
        for place, count in enumerate(COUNTS):
            pooled[draw, place], tuned[draw, place] = _errors(angle, count, draw)
    return {
        "rows added": list(COUNTS),
        "error, pooled": [_mean(column) for column in pooled.T],
        "error, tuned weight": [_mean(column) for column in tuned.T],
        "what all added rows change, pooled": _mean(pooled[:, -1] - pooled[:, 0]),
        "what all added rows change, tuned weight": _mean(tuned[:, -1] - tuned[:, 0]),
    }


def _errors(angle: int, count: int, draw: int) -> tuple[float, float]:
    X, turned, y = _images(angle)
    order = np.random.default_rng(draw).permutation(len(y))
    own, other, test = order[:TARGET], order[TARGET : TARGET + 240][:count], order[-80:]
    folds = np.arange(TARGET) % 3

    def fit(rows: np.ndarray, weight: float) -> LogisticRegression:
        share = np.r_[np.full(len(rows), weight / len(rows)), np.full(count, (1 - weight) / max(count, 1))]
        kept = share > 0
        features, labels = np.vstack([X[rows], turned[other]]), np.r_[y[rows], y[other]]
        model = LogisticRegression(max_iter=60, tol=1e-2)
        return model.fit(features[kept], labels[kept], sample_weight=share[kept] * (len(rows) + count))

    natural = TARGET / (TARGET + count)
    choices = [natural, *WEIGHTS] if count else [1.0]
    held = [
        np.mean([fit(own[folds != f], weight).score(X[own[folds == f]], y[own[folds == f]]) for f in range(3)])
        for weight in choices
    ]
    best = choices[int(np.argmax(held))]
    return tuple(1 - fit(own, weight).score(X[test], y[test]) for weight in (natural, best))


@cache
def _images(angle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    digits = load_digits()
    kept = np.isin(digits.target, (3, 8))
    images = digits.images[kept] / 16
    turned = rotate(images, angle, axes=(1, 2), reshape=False, order=1)
    return images.reshape(len(images), -1), turned.reshape(len(images), -1), (digits.target[kept] == 8).astype(int)


def _mean(values: np.ndarray) -> Estimate:
    value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(value, value - 1.645 * error, value + 1.645 * error, len(values))


if __name__ == "__main__":
    write(__file__, results)
