"""The Pitfalls of Simplicity Bias in Neural Networks: of a line and slabs that all tell the class, it takes the line.

LMS-5 as in the paper: one coordinate splits the classes by a line, each of the others by five alternating slabs; every
one alone would do. Width 1, margins .1; 10 coordinates and 4,000 rows in place of 50 and 50,000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from holdfast.slices import SRandomizedAUC

ROWS, SLABS, MARGIN, SEEDS = 4000, 9, 0.1, 2


def results() -> dict[str, Any]:
    """AUC as it is, with the line shuffled, and with all slabs shuffled; and of a network that sees slabs alone."""
    runs = [one(seed) for seed in range(SEEDS)]
    return {name: [run[name] for run in runs] for name in runs[0]}


def one(seed: int) -> dict[str, float]:
    """One draw."""
    rng = np.random.default_rng(seed)
    X, y = lms(ROWS, rng)
    fresh, labels = lms(1000, rng)
    network = MLPClassifier((100, 100), batch_size=128, max_iter=30, tol=0, n_iter_no_change=30, random_state=seed)
    model = fitted(network, X, y)
    left = {}
    for name, block in (("line", (0,)), ("slabs", tuple(range(1, 1 + SLABS)))):
        probe = SRandomizedAUC(block=block)
        probe.measure(model=model, X=fresh, y=labels)
        left[f"auc_with_{name}_shuffled"] = probe.randomized_
    whole = float(roc_auc_score(labels, model.predict_proba(fresh)[:, 1]))
    alone = fitted(MLPClassifier(**network.get_params()), X[:, 1:], y).predict_proba(fresh[:, 1:])[:, 1]
    return {"auc": whole, **left, "auc_of_a_network_on_slabs_alone": float(roc_auc_score(labels, alone))}


def fitted(network: MLPClassifier, X: np.ndarray, y: np.ndarray) -> MLPClassifier:
    """All epochs, without the warning that there could be more."""
    for _ in range(network.max_iter):
        network.partial_fit(X, y, classes=[0, 1])
    return network


def lms(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n, 1 + SLABS) and the class: the sign of column 0, and which of five slabs the others lie in."""
    y = rng.integers(0, 2, n)
    line = (2 * y - 1) * (MARGIN + (1 - MARGIN) * rng.random(n))
    width = (2 - 8 * MARGIN) / 5
    columns = [line]
    for _ in range(SLABS):
        sign, within = rng.choice([-1, 1], n), width * rng.random(n)
        positive = (1 + 6 * MARGIN) / 5 + within
        outer, inner = (3 + 8 * MARGIN) / 5 + within, within / 2
        negative = np.where(rng.random(n) < 0.75, inner, outer)
        columns.append(sign * np.where(y == 1, positive, negative))
    return np.column_stack(columns), y


if __name__ == "__main__":
    write(__file__, results)
