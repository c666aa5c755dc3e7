"""Temperature scaling falls short where classes overlap: one number cannot mend a model that learnt noise by heart.

Digits 0 to 4, in which a share of the labels of two classes each is drawn by lot between them (an overlap). A kernel
machine fits every training label and is scaled on held-out rows; another is fitted on mixtures of two rows and their
labels (mixup), and scaled too. Error of the stated confidence and log loss on test rows, by overlap; ten seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.kernel_ridge import KernelRidge

from holdfast.calibration import ExpectedCalibrationError, TemperatureScaling
from holdfast.core import Estimate

OVERLAPS = (0.1, 0.4, 0.8)  # 0 leaves nothing to scale: every held-out row is right
SEEDS, SHOWN, MIXTURES = 10, 250, 1000
SHARP = 10.0  # of the scores, so that a fitted label is a sure one; the temperature is learnt on top


def results() -> dict[str, Any]:
    """By overlap: what is left of the error after scaling, fitted and mixed."""
    found: dict[str, Any] = {}
    for overlap in OVERLAPS:
        runs = np.array([_run(overlap, seed) for seed in range(SEEDS)])
        names = ("calibration error, fitted", "log loss, fitted", "calibration error, mixed", "log loss, mixed")
        found[f"overlap {overlap}"] = {name: _mean(column) for name, column in zip(names, runs.T, strict=True)}
        found[f"overlap {overlap}"]["log loss that mixing saves"] = _mean(runs[:, 1] - runs[:, 3])
    return found


def _run(overlap: float, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    X, y = load_digits(n_class=5, return_X_y=True)
    X = X / 16
    swapped = (y < 4) & (rng.random(len(y)) < overlap) & (rng.random(len(y)) < 0.5)
    y = np.where(swapped, y ^ 1, y)  # 0 with 1, 2 with 3
    order = rng.permutation(len(y))
    train, known, test = order[:SHOWN], order[SHOWN : SHOWN + 200], order[SHOWN + 200 :]
    share = rng.beta(1, 1, MIXTURES)
    one, other = rng.choice(train, (2, MIXTURES))
    mixed = share[:, None] * X[one] + (1 - share[:, None]) * X[other]
    soft = share[:, None] * np.eye(5)[y[one]] + (1 - share[:, None]) * np.eye(5)[y[other]]
    out: list[float] = []
    for rows, labels in ((X[train], np.eye(5)[y[train]]), (mixed, soft)):
        machine = KernelRidge(alpha=1e-4, kernel="rbf", gamma=0.05).fit(rows, labels)
        known_probs, probs = (softmax(SHARP * machine.predict(X[part]), axis=1) for part in (known, test))
        probs = TemperatureScaling().fit(probs=known_probs, y=y[known]).transform(probs=probs)
        out.append(ExpectedCalibrationError(draws=9).measure(probs=probs, y=y[test]).value)
        out.append(float(-np.log(probs[np.arange(len(test)), y[test]]).mean()))
    return out


def _mean(values: np.ndarray) -> Estimate:
    value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(value, value - 1.83 * error, value + 1.83 * error, len(values))


if __name__ == "__main__":
    write(__file__, results)
