"""Data Feedback Loops: a share of a class that shrinks while a model's answers are trained on again.

A linear model tells the upper fifth of diabetes progression from weak columns. Each round adds rows labelled by people
and rows labelled by the model; answers are the likelier class, or drawn from the model's probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression

from holdfast.slices import ConsistentCalibration

ROUNDS, INITIAL, HUMAN, MACHINE, SEEDS = 6, 150, 30, 120, 20


def results() -> dict[str, Any]:
    """Drift of the share of the class among answers to fresh rows, by rule, after every round; means over seeds."""
    X, target = load_diabetes(return_X_y=True)
    X, y = X / X.std(axis=0), (target > np.quantile(target, 0.8)).astype(int)
    drifts = {rule: np.mean([loop(X, y, rule, s) for s in range(SEEDS)], axis=0) for rule in ("likelier", "drawn")}
    bounds = [1.0, *(ConsistentCalibration.bound(t, INITIAL, HUMAN, MACHINE) for t in range(1, ROUNDS + 1))]
    return {
        "drift_by_round": drifts["likelier"].tolist(),
        "drift_by_round_drawn": drifts["drawn"].tolist(),
        "bound_by_round": [bound * abs(drifts["likelier"][0]) for bound in bounds],
    }


def loop(X: np.ndarray, y: np.ndarray, rule: str, seed: int) -> list[float]:
    """The drift on 142 rows held out, of the model of every round."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    pool, fresh = order[:300], order[300:]
    rows = rng.choice(pool, INITIAL)
    labels = y[rows]
    drifts = []
    for _ in range(ROUNDS + 1):
        model = LogisticRegression().fit(X[rows], labels)
        drifts.append(ConsistentCalibration().measure(y=y[fresh], predicted=answers(model, X[fresh], rule, rng)).value)
        human, machine = rng.choice(pool, HUMAN), rng.choice(pool, MACHINE)
        rows = np.r_[rows, human, machine]
        labels = np.r_[labels, y[human], answers(model, X[machine], rule, rng)]
    return drifts


def answers(model: LogisticRegression, X: np.ndarray, rule: str, rng: np.random.Generator) -> np.ndarray:
    """The likelier class, or one drawn from the probabilities."""
    probs = model.predict_proba(X)[:, 1]
    return (probs > (0.5 if rule == "likelier" else rng.random(len(X)))).astype(int)


if __name__ == "__main__":
    write(__file__, results)
