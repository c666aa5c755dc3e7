"""Worlds of the selection family: digits with wrong labels, and what small networks show of them while they learn.

Scores are high for the rows that hurt or teach last: the truth is which labels are wrong.
"""

from __future__ import annotations

import copy
from functools import cache, partial
from typing import Any

import numpy as np

from holdfast.faults.worlds import World
from holdfast.faults.worlds._lessons import accuracy, batches, digits, lesson_world, network

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


@cache
def mixed_rows(seed: int) -> World:
    """No label is wrong, but one row in ten is a blend of two digits under the label of the first."""
    return _watched(seed, 0.1, blends=True)


@cache
def fixed_half(seed: int) -> World:
    """400 digits, thirty epochs; to be beaten is a training on a fixed half of them, the half drawn at random."""
    from holdfast.nets.objectives import CrossEntropy

    X, y, X_new, y_new = digits(seed)
    score = partial(accuracy, X=X_new, y=y_new)
    half = np.random.default_rng([seed, 4]).permutation(ROWS)[: ROWS // 2]
    fewer = lesson_world(network(seed), batches(X[half], y[half], seed, batch_size=32), score, 30)
    loader = batches(X[:ROWS], y[:ROWS], seed)
    return lesson_world(network(seed), loader, score, 30, plain=lambda: fewer.truth.train(CrossEntropy()).model)


@cache
def all_rows(seed: int) -> World:
    """The same digits; the bar is a training on all of them."""
    X, y, X_new, y_new = digits(seed)
    loader = batches(X[:ROWS], y[:ROWS], seed)
    return lesson_world(network(seed), loader, partial(accuracy, X=X_new, y=y_new), 30)


def known_directions(seed: int) -> World:
    """Gradients along twelve directions with shares that are known; the truth is the entropy of the shares."""
    shares = np.arange(1, 13) / 78
    rng = np.random.default_rng([seed, 5])
    directions = np.linalg.qr(rng.normal(size=(32, 12)))[0].T
    rows = directions[rng.choice(12, 500, p=shares)] * rng.lognormal(size=(500, 1))
    return World({"gradients": rows}, float(np.exp(-(shares * np.log(shares)).sum())))


def steady_effect(seed: int) -> World:
    """Effects of a row in eight networks: normal about one, with standard deviation one."""
    return World({"effects": np.random.default_rng([seed, 3]).normal(1, 1, 8)}, 1.0)


@cache
def _watched(seed: int, rate: float, blends: bool = False) -> World:
    """Three networks, four epochs each: logits by epoch, gradients at the end of the first epochs."""
    from holdfast.nets import Batches, per_example_gradients
    from holdfast.nets.gradients import input_gradients

    X, y, X_new, y_new = digits(seed)
    X, y = X[:ROWS], y[:ROWS]
    rng = np.random.default_rng([seed, 1])
    wrong = rng.random(ROWS) < rate
    given = y if blends else np.where(wrong, (y + rng.integers(1, 10, ROWS)) % 10, y)
    if blends:
        X = np.where(wrong[:, None], (X + X[rng.permutation(ROWS)]) / 2, X)
    width = 64 if blends else 16
    gradients, probs, logits = [], [], np.zeros(0)
    for start in range(2):
        world = lesson_world(
            network(10 * seed + start, width=width), batches(X, given, seed), lambda model: 0.0, epochs=8
        )
        watch = _Watching()
        run = world.truth.train(watch, log="evaluation")
        logits = run.log.epoch_logits.astype(np.float64)
        probs.append(_softmax(logits[4]))
        gradients.append(per_example_gradients(run.model, Batches(X, given), project=64, seed=seed))
    stacked = np.stack(gradients)
    seen = np.stack([input_gradients(model, Batches(X, given)) for model in watch.models])
    evidence: dict[str, Any] = {
        "y": given, "X": X.astype(np.float64),
        "ensemble_probs": np.stack(probs), "epoch_logits": logits, "ensemble_gradients": stacked,
        "gradient_norms": np.linalg.norm(stacked, axis=2), "epoch_gradients": seen, "gradients": stacked[0],
    }  # fmt: skip
    return World(evidence, wrong, {"ref_X": X_new[:TRUSTED].astype(np.float64), "ref_y": y_new[:TRUSTED]})


class _Watching:
    """Plain training that keeps a copy of the network as it is before every epoch but the first."""

    def __init__(self) -> None:
        self.models: list[Any] = []
        self.wanted = False

    def start_epoch(self, epoch: int) -> None:
        self.wanted = epoch > 0

    def loss(self, model: Any, **batch: Any) -> Any:
        if self.wanted:
            self.models.append(copy.deepcopy(model))
            self.wanted = False
        from holdfast.nets.objectives import CrossEntropy

        return CrossEntropy().loss(model, **batch)


def _softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
