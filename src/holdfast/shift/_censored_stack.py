"""The learned statistic for two samples of censored times: simulated pairs, features, a stack of classifiers."""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from holdfast.shift._censored import Ordered, ordered, statistics

PAIRS = 150  # simulated pairs for every shape of difference and size, as many again without one
SIZES = (20, 50, 100, 200)  # rows of each sample


def scores(data: Ordered) -> np.ndarray:
    """(draws,) how sure the stack is that the two samples differ."""
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(_learned().predict_proba(_features(data))[:, 1])


def _features(data: Ordered) -> np.ndarray:
    """The classical statistics, squared too, the largest, shares censored in both samples, the number of rows."""
    z = np.abs(statistics(data))
    cur = data.is_cur.mean(axis=1)
    censored = [((~data.event) & group).mean(axis=1) for group in (data.is_cur, ~data.is_cur)]
    rows = np.full(len(z), np.log(data.time.shape[1]))
    return np.column_stack([z, z**2, z.max(axis=1), *censored, cur, rows])


@cache
def _learned() -> StackingClassifier:
    """Fitted once a process."""
    trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=0)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    stack = StackingClassifier([("trees", trees), ("linear", linear)], LogisticRegression(), cv=3)
    rng = np.random.default_rng(2024)
    blocks = [
        (_features(_pairs(size, kind, rng)), np.full(PAIRS, kind > 0))
        for size in SIZES
        for kind in (0, 1, 0, 2, 0, 3, 0, 4)
    ]
    X, y = (np.concatenate([block[part] for block in blocks]) for part in (0, 1))
    with threadpool_limits(1, user_api="openmp"):
        return stack.fit(X, y)


def _pairs(size: int, kind: int, rng: np.random.Generator) -> Ordered:
    """Exponential lives; of the current sample unless `kind` is 0, by inverse transform: 1 proportional hazards,
    2 an early, 3 a late difference, 4 crossing curves. Up to half are censored."""
    shape = (PAIRS, 2 * size)
    uniform = rng.exponential(size=shape)  # cumulative hazards
    is_cur = np.broadcast_to(np.arange(2 * size) >= size, shape)
    strength = rng.choice([-1, 1], (PAIRS, 1)) * rng.uniform(2.0, 4.5, (PAIRS, 1)) / np.sqrt(size)
    ratio = np.exp(strength)
    change = {
        0: uniform,
        1: uniform / ratio,
        2: np.where(uniform < 0.5 * ratio**2, uniform / ratio**2, uniform - 0.5 * ratio**2 + 0.5),
        3: np.where(uniform < 0.5, uniform, 0.5 + (uniform - 0.5) / ratio**2),
        4: uniform ** np.exp(1.5 * strength),
    }[kind]
    lives = np.where(is_cur, change, uniform)
    rate = rng.uniform(0.05, 1.0, (PAIRS, 1))
    left = rng.exponential(size=shape) / rate
    return ordered(np.minimum(lives, left), lives <= left, is_cur)
