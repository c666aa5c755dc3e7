"""Worlds of the weighting family: handwritten digits, drawn so that the true density ratio is known.

The columns are the five leading principal components of the pixels, each with variance 1. Model, reference and target
use different rows. A target row is kept with a known probability, so the ratio is that probability, up to scale.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from holdfast.faults.worlds import World, split

COLUMNS = 5
CLASS_RATIO = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])  # relative to the digit 9


def none(seed: int) -> World:
    """Reference and target are drawn alike."""
    one = _kept(seed, 0, lambda X, y: np.full(len(X), 0.6))
    log = _log(seed, 0.0).evidence
    losses = {"loss": _losses(one.evidence["ref_probs"], one.evidence["ref_y"])}
    return World({**one.evidence, **log, **losses, "ref_target": one.evidence["ref_X"][:, 0]}, one.truth)


def tilt(seed: int) -> World:
    """The density ratio is exp(0.8 z), z the first principal component."""
    return _kept(seed, 1, lambda X, y: np.exp(0.8 * (X[:, 0] - X[:, 0].max())) * 4)


def truncation(seed: int) -> World:
    """The target holds only rows whose first principal component is above -0.3."""
    return _kept(seed, 2, lambda X, y: (X[:, 0] > -0.3).astype(float))


def label_shift(seed: int) -> World:
    """The digit 9 is kept ten times as often as the digit 0, and so on in between."""
    return _kept(seed, 3, lambda X, y: CLASS_RATIO[y])


def target_shift(seed: int) -> World:
    """A numeric response, seen through noisy inputs, whose ratio of densities is exp(0.8 y)."""
    return _kept(seed, 4, lambda X, y: np.exp(0.8 * (X[:, 0] - X[:, 0].max())) * 4, response=True)


def two_arms(seed: int) -> World:
    """A log of two arms; the chance of the treatment rises with the first principal component."""
    return _log(seed, 1.2)


def learnt_rows(seed: int) -> World:
    """Losses of a neighbour model on a batch, half of which it was fitted on; the other half is worth learning."""
    draw = _draw(seed)
    X, y, rng = draw["X"], draw["y"], np.random.default_rng([seed, 6])
    learnt, fresh = split(len(X), 1 / 2, rng)
    batch = np.r_[learnt[:150], fresh[:150]]
    model = KNeighborsClassifier(15, weights="distance").fit(X[learnt], y[learnt])
    truth = np.r_[np.zeros(150), np.ones(150)]
    return World({"loss": _losses(model.predict_proba(X[batch]), y[batch])}, truth)


def imbalanced(seed: int) -> World:
    """Eights against other digits; the training rows hold 30 eights among 1,130."""
    X, y, rare, common = _eights(seed)
    train, held = np.r_[rare[:30], common[:1100]], np.r_[rare[30:], common[1100:]]
    return World({"X": X[train], "y": y[train]}, (X[held], y[held]))


def imbalanced_mixed(seed: int) -> World:
    """As `imbalanced`; two of the columns are cut into four categories."""
    world = imbalanced(seed)
    cuts = [-0.7, 0.0, 0.7]
    X, held = world.evidence["X"].copy(), world.truth[0].copy()
    for part in (X, held):
        part[:, 3:] = np.searchsorted(cuts, part[:, 3:])
    return World({**world.evidence, "X": X, "is_category": np.arange(COLUMNS) >= 3}, (held, world.truth[1]))


def wrong_side(seed: int) -> World:
    """Low digits against high; three labels in twenty are wrong."""
    draw = _draw(seed)
    rng = np.random.default_rng([seed, 9])
    rows = rng.permutation(len(draw["X"]))[:900]
    wrong = rng.random(900) < 0.15
    return World({"X": draw["X"][rows], "y": (draw["y"][rows] < 4).astype(int) ^ wrong}, wrong)


def rescaled(seed: int) -> World:
    """The target's inputs are mixed a little, rescaled and moved; its classes are what is asked for."""
    turn = np.eye(COLUMNS) + 0.5 * np.tri(COLUMNS, k=-1) / COLUMNS
    return _seen_otherwise(seed, turn * np.array([2.5, 0.5, 1.5, 0.7, 2.0]), 2.0)


def stuck(seed: int) -> World:
    """In the target the fifth column stands at one value, far from those of the reference."""
    turn = np.diag(np.r_[np.ones(COLUMNS - 1), 0.01])
    return _seen_otherwise(seed, turn, 6.0 * (np.arange(COLUMNS) == COLUMNS - 1))


def validated(seed: int) -> World:
    """Inputs moved by a known tilt; the truth is the accuracy of the reference's model on the target."""
    evidence = tilt(seed).evidence
    right = evidence["cur_probs"].argmax(axis=1) == evidence["cur_y"]
    return World({name: evidence[name] for name in ("ref_X", "ref_y", "ref_probs", "cur_X")}, float(right.mean()))


def choice(seed: int) -> World:
    """As `validated`, with a model to fit; what scores say is not a known number."""
    evidence = tilt(seed).evidence
    return World({**evidence, "model": GaussianNB()})


def _seen_otherwise(seed: int, turn: np.ndarray, moved: float | np.ndarray) -> World:
    draw = _draw(seed)
    ref, cur = draw["ref"], draw["cur"][:450]
    spread = np.array([2.0, 1.6, 1.3, 1.1, 0.9])  # directions are told apart by their variance
    X = draw["X"] * spread
    evidence = {"ref_X": X[ref], "ref_y": draw["y"][ref], "cur_X": X[cur] @ turn + moved}
    return World(evidence, draw["y"][cur])


def unequal_groups(seed: int) -> World:
    """Sizes of eight groups over three orders of magnitude; alike would be fair."""
    sizes = np.random.default_rng([seed, 11]).permutation(10.0 ** np.linspace(1, 4, 8)).round()
    return World({"sizes": sizes, "budget": 20_000}, np.full(8, 1 / 8))


def class_mix(seed: int) -> World:
    """Low digits against high; the model was trained where one row in ten is high, and half are where it is used."""
    draw = _draw(seed)
    X, y = draw["X"], (draw["y"] >= 5).astype(int)
    rows = np.random.default_rng([seed, 12]).permutation(len(y))
    first, held = rows[:1200], rows[1200:]
    train = np.r_[first[y[first] == 0], first[y[first] == 1][:60]]
    model = LogisticRegression(max_iter=500).fit(X[train], y[train])
    shares = {"ref_y": y[train], "cur_y": y[first]}
    return World({"probs": model.predict_proba(X[held])}, y[held], shares)


def _eights(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    draw = _draw(seed)
    y = (draw["y"] == 8).astype(int)
    order = np.random.default_rng([seed, 10]).permutation(len(y))
    return draw["X"], y, order[y[order] == 1], order[y[order] == 0]


def _log(seed: int, slope: float) -> World:
    X = _draw(seed)["X"]
    rows = X[np.random.default_rng([seed, 5]).permutation(len(X))[:1000]]
    chance = 1 / (1 + np.exp(-slope * rows[:, 0]))
    treated = np.random.default_rng([seed, 7]).random(len(rows)) < chance
    return World({"X": rows, "treated": treated}, chance / chance.mean())


def _losses(probs: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(probs[np.arange(len(y)), y], 1e-3))


def _kept(seed: int, stream: int, ratio: Any, response: bool = False) -> World:
    """Target rows are kept with a probability proportional to `ratio`; the truth is that ratio on the reference."""
    draw = _draw(seed)
    X, y = draw["X"], draw["y"]
    chance = ratio(X, y)
    chance = chance / max(chance.max(), 1.0)
    rng = np.random.default_rng([seed, stream])
    ref, cur = draw["ref"], draw["cur"]
    cur = cur[rng.random(len(cur)) < chance[cur]]
    evidence = {
        "ref_X": X[ref],
        "cur_X": X[cur],
        "ref_probs": draw["probs"][ref],
        "cur_probs": draw["probs"][cur],
        "ref_y": y[ref],
        "cur_y": y[cur],
    }
    if response:
        noisy = X + 0.5 * np.random.default_rng([seed, 8]).standard_normal(X.shape)
        evidence = {"ref_X": noisy[ref], "cur_X": noisy[cur], "ref_target": X[ref, 0]}
    return World(evidence, chance[ref] / chance[ref].mean())


@cache
def _draw(seed: int) -> dict[str, Any]:
    """All rows, a model from a quarter of them, and the row numbers of reference (a quarter) and target (a half)."""
    X, y = _data()
    learnt, rest = split(len(X), 1 / 4, np.random.default_rng(seed))
    ref, cur = rest[: len(rest) // 3], rest[len(rest) // 3 :]
    model = LogisticRegression(max_iter=500).fit(X[learnt], y[learnt])
    return {"X": X, "y": y, "ref": ref, "cur": cur, "probs": model.predict_proba(X)}


@cache
def _data() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    centred = X - X.mean(axis=0)
    left, _, right = np.linalg.svd(centred, full_matrices=False)
    sign = np.sign(right[:COLUMNS, np.abs(right[:COLUMNS]).argmax(axis=1)].diagonal())  # the same on every machine
    return left[:, :COLUMNS] * np.sqrt(len(X)) * sign, y
