"""Worlds of the selection family: digits with wrong labels, and what small networks show of them while they learn.

Scores are high for the rows that hurt or teach last: the truth is which labels are wrong.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds._lessons import batches, digits, lesson_world, network

ROWS, TRUSTED = 400, 150


@cache
def wrong_labels(seed: int) -> World:
    """One label in ten is wrong."""
    return _watched(seed, 0.1)


@cache
def none(seed: int) -> World:
    """No label is wrong."""
    world = _watched(seed % 3, 0.0)  # effects are drawn anew each time, networks are trained for three draws
    rng = np.random.default_rng([seed, 2])
    return World({**world.evidence, "effects": rng.normal(0, 1, 8)}, world.truth, world.train)


def steady_effect(seed: int) -> World:
    """Effects of a row in eight networks: normal about one, with standard deviation one."""
    return World({"effects": np.random.default_rng([seed, 3]).normal(1, 1, 8)}, 1.0)


@cache
def _watched(seed: int, rate: float) -> World:
    """Three networks, four epochs each: logits by epoch, gradients at the end of the first epochs."""
    from holdfast.nets import Batches, per_example_gradients
    from holdfast.nets.objectives import CrossEntropy

    X, y, X_new, y_new = digits(seed)
    X, y = X[:ROWS], y[:ROWS]
    rng = np.random.default_rng([seed, 1])
    wrong = rng.random(ROWS) < rate
    given = np.where(wrong, (y + rng.integers(1, 10, ROWS)) % 10, y)
    gradients, probs, logits = [], [], np.zeros(0)
    for start in range(2):
        world = lesson_world(network(10 * seed + start, width=16), batches(X, given, seed), lambda model: 0.0, epochs=8)
        run = world.truth.train(CrossEntropy(), log="evaluation")
        logits = run.log.epoch_logits.astype(np.float64)
        probs.append(_softmax(logits[4]))
        gradients.append(per_example_gradients(run.model, Batches(X, given), project=64, seed=seed))
    stacked = np.stack(gradients)
    evidence: dict[str, Any] = {
        "y": given, "X": X.astype(np.float64),
        "ensemble_probs": np.stack(probs), "epoch_logits": logits, "ensemble_gradients": stacked,
        "gradient_norms": np.linalg.norm(stacked, axis=2),
    }  # fmt: skip
    return World(evidence, wrong, {"ref_X": X_new[:TRUSTED].astype(np.float64), "ref_y": y_new[:TRUSTED]})


def _softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
