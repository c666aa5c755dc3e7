"""Worlds of the adaptation family: small networks that learnt handwritten digits meet them under other light.

The truth of a world is a `Trial`: the stream of batches, and the accuracy of the frozen network on it. Networks are
trained once a process, in seconds. Worlds of few
labels hold rows in place of a network; without labels the truth is an accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from holdfast.faults.worlds import World

LEARNT = 900  # rows that networks learn from
MET = 240  # rows that they meet, in every domain
DOMAINS = ("contrast", "light", "noise")


class Trial(NamedTuple):
    """What a network meets, and how often the frozen network is right."""

    batches: Any
    bar: float

    def accuracy(self, model: Any) -> float:
        """Share of rows that the model gets right."""
        from holdfast.nets.streams import accuracy_on

        return accuracy_on(model, self.batches)


@cache
def corrupted(seed: int) -> World:
    """Low contrast, then light, then noise, in shuffled batches of 64; a network with BatchNorm."""
    return _world(seed)


@cache
def small_batches(seed: int) -> World:
    """The same in batches of 16."""
    return _world(seed, size=16)


@cache
def single_images(seed: int) -> World:
    """Low contrast, one image at a time."""
    return _world(seed, domains=("contrast",), size=1)


@cache
def sorted_by_class(seed: int) -> World:
    """The three domains, each sorted by class, in batches of 64: no batch is a sample of the data."""
    return _world(seed, order="by class")


@cache
def sorted_in_small_batches(seed: int) -> World:
    """The same in batches of 16, most of which hold one class."""
    return _world(seed, order="by class", size=16)


@cache
def mixed(seed: int) -> World:
    """Every image in a domain of its own, shuffled."""
    return _world(seed, order="mixed")


@cache
def repeated(seed: int) -> World:
    """Low contrast and light twice over: what is learnt without labels can drift."""
    return _world(seed, domains=("contrast", "light"), passes=2)


@cache
def group_norm(seed: int) -> World:
    """The three domains; a network with GroupNorm."""
    return _world(seed, norm="group")


@cache
def layer_norm(seed: int) -> World:
    """The same for a network with LayerNorm over channels and pixels."""
    return _world(seed, norm="layer")


@cache
def sorted_group_norm(seed: int) -> World:
    """Sorted by class in batches of 16, for a network with GroupNorm."""
    return _world(seed, norm="group", order="by class", size=16)


@cache
def sorted_without_shift(seed: int) -> World:
    """Digits as they were learnt, sorted by class."""
    return _world(seed, domains=("clean",), order="by class")


@cache
def few_labels(seed: int) -> World:
    """Low digits against high; a bright bar goes with high in 95 % of the source, with nothing in the target.

    Eight rows of the target have labels; the truth are the labels of the others.
    """
    return _labelled(seed, lambda y: y >= 5)


@cache
def few_labels_of_another_question(seed: int) -> World:
    """The same, but the target asks for odd digits: nothing that was learnt helps."""
    return _labelled(seed, lambda y: y % 2 == 1)


@cache
def noisy_without_labels(seed: int) -> World:
    """300 digits under noise, of a strength of its own in every draw; the truth is the network's accuracy on them."""
    return _unlabelled(seed, relabelled=0.0)


@cache
def relabelled_without_labels(seed: int) -> World:
    """The same, but a third of the rows are of another class now, though they look as before."""
    return _unlabelled(seed, relabelled=0.33)


@cache
def none(seed: int) -> World:
    """Digits as they were learnt, shuffled: nothing is to be gained, and nothing may be lost."""
    return _world(seed, domains=("clean",))


def _unlabelled(seed: int, relabelled: float) -> World:
    import torch

    from holdfast.nets import predict

    X, y = _digits()
    rng = np.random.default_rng([seed, 3])
    rows = LEARNT + rng.choice(len(y) - LEARNT, 300, replace=False)
    seen = (X[rows] + rng.uniform(0.05, 0.4) * rng.normal(size=X[rows].shape)).astype(np.float32)
    model = _flat_network(seed % 3)
    truth = np.where(rng.random(300) < relabelled, (y[rows] + 1) % 10, y[rows])
    right = predict(model, [torch.from_numpy(seen)]).argmax(axis=1) == truth
    return World({"model": model, "cur_inputs": seen}, float(right.mean()))


@cache
def _flat_network(seed: int) -> Any:
    """Two hidden layers that learnt 600 digits."""
    import torch

    from holdfast.nets import Batches, fit
    from holdfast.nets.calling import seeded
    from holdfast.nets.objectives import CrossEntropy
    from holdfast.nets.reference import MLP

    X, y = _learnt()
    with seeded(seed):
        model = MLP(64, 10, width=64, depth=2)
    loader = Batches(X[:600], y[:600], batch_size=64, shuffle=True, seed=seed)
    optimizer = partial(torch.optim.AdamW, lr=5e-3)
    return fit(model, CrossEntropy(), loader, epochs=10, optimizer=optimizer, seed=seed, device="cpu").model


def _labelled(seed: int, asked: Callable[[np.ndarray], np.ndarray]) -> World:
    X, digit = _digits()
    rng = np.random.default_rng([seed, 2])
    order = rng.permutation(len(digit))
    X, digit = X[order].reshape(-1, 64), digit[order]
    y = np.where(np.arange(len(digit)) < LEARNT, digit >= 5, asked(digit)).astype(int)
    agrees = rng.random(len(y)) < np.where(np.arange(len(y)) < LEARNT, 0.95, 0.5)
    seen = np.column_stack([X, np.where(agrees, y, 1 - y)[:, None] * np.ones(4)])
    few = np.concatenate([LEARNT + np.flatnonzero(y[LEARNT:] == c)[:4] for c in (0, 1)])
    rest = np.setdiff1d(np.arange(LEARNT, len(y)), few)
    source = {"ref_X": seen[:LEARNT], "ref_y": y[:LEARNT]}
    return World({"X": seen[rest]}, y[rest], {**source, "cur_X": seen[few], "cur_y": y[few]})


def _world(seed: int, norm: str = "batch", domains: tuple[str, ...] = DOMAINS, **how: Any) -> World:
    from holdfast.nets.streams import accuracy_on, stream

    model, (X, y) = _network(seed, norm), _met()
    rng = np.random.default_rng([seed, 1])
    batches = stream([_seen(X, domain, rng) for domain in domains], y, seed=seed, **how)
    learnt_X, learnt_y = _learnt()
    evidence = {"model": model, "ref_inputs": learnt_X, "ref_y": learnt_y}
    return World(evidence, Trial(batches, accuracy_on(model, batches)))


def _seen(X: np.ndarray, domain: str, rng: np.random.Generator) -> np.ndarray:
    """The images in a domain."""
    if domain == "contrast":
        return 0.15 * X + 0.5
    if domain == "light":
        return X + 0.6
    if domain == "noise":
        return X + 0.5 * rng.normal(size=X.shape)
    return X


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order].reshape(-1, 1, 8, 8) / 16).astype(np.float32), y[order]


def _learnt() -> tuple[np.ndarray, np.ndarray]:
    X, y = _digits()
    return X[:LEARNT], y[:LEARNT]


def _met() -> tuple[np.ndarray, np.ndarray]:
    X, y = _digits()
    return X[LEARNT : LEARNT + MET], y[LEARNT : LEARNT + MET]


class _CrossEntropy:
    def loss(self, model: Any, inputs: Any, y: Any, **_: Any) -> Any:
        from torch.nn.functional import cross_entropy

        return cross_entropy(model(inputs), y)


@cache
def _network(seed: int, norm: str) -> Any:
    import torch

    from holdfast.nets import Batches, fit
    from holdfast.nets.calling import seeded
    from holdfast.nets.reference import ResNet

    with seeded(seed):
        model = ResNet(1, 10, width=8, norm=norm)  # type: ignore[arg-type]
    loader = Batches(*_learnt(), batch_size=64, shuffle=True, seed=seed)
    optimizer = partial(torch.optim.AdamW, lr=5e-3)
    return fit(model, _CrossEntropy(), loader, epochs=6, optimizer=optimizer, seed=seed, device="cpu").model
