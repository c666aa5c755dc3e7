"""Worlds of the leakage family: tumours, flowers and patients, some copied, some with a column that tells the answer.

Every world holds the whole evidence: features `X`, one column (`x` or `category`) with the answer (`y` or `target`),
and the groups of two sets. One part of it is at fault.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from holdfast.faults.worlds import World

ROWS = 400


@cache
def _tumours() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def none(seed: int) -> World:
    """No copies, a column of other rows' values, no shared groups."""
    return World(_evidence(np.random.default_rng(seed)), 0.0)


def exact_duplicates(seed: int) -> World:
    """A third of the rows were copied once or more."""
    return _copied(seed, copies=200, jitter=0.0)


def near_duplicates(seed: int) -> World:
    """A third of the rows are copies of others, moved by 1 % of each column's spread."""
    return _copied(seed, copies=200, jitter=0.01)


def near_duplicates_are_the_majority(seed: int) -> World:
    """Three rows in four are moved copies: the nearest row is nearly always one."""
    return _copied(seed, copies=3 * ROWS, jitter=0.01)


def large_duplicate_groups(seed: int) -> World:
    """Six rows stand there 50 times each, moved by 1 %."""
    return _copied(seed, copies=300, jitter=0.01, sources=6)


def blurred_duplicates_of_few_columns(seed: int) -> World:
    """Copies of flowers moved by 3 % of the spread: in four columns other flowers are as near."""
    X = load_iris().data
    X = np.unique(X / X.std(axis=0), axis=0)
    return _copied(seed, copies=60, jitter=0.03, X=X)


def leaking_number(seed: int) -> World:
    """The column is the answer with a little noise: a measurement taken after the diagnosis."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    return World({**evidence, "x": evidence["y"] + rng.normal(0, 0.2, ROWS)})


def leaking_category(seed: int) -> World:
    """A code that follows the answer in nine rows of ten; the truth is the share of entropy that it removes."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    code = np.where(rng.random(ROWS) < 0.1, 1 - evidence["y"], evidence["y"])
    del evidence["x"]
    share = _tumours()[1].mean()
    joint = np.array([[1 - share, 0], [0, share]]) @ np.array([[0.9, 0.1], [0.1, 0.9]])
    given = _entropy(joint.ravel()) - _entropy(joint.sum(axis=0))
    return World({**evidence, "category": 3 + 4 * code}, 1 - given / _entropy(joint.sum(axis=1)))


def leaking_number_for_a_number(seed: int) -> World:
    """Progression of diabetes and a column computed from it."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(442)[:ROWS]
    target = load_diabetes().target[rows]
    evidence = _evidence(rng)
    del evidence["y"]
    return World({**evidence, "target": target, "x": np.sqrt(target) + rng.normal(0, 0.5, ROWS)})


def row_order_follows_the_target(seed: int) -> World:
    """Identifiers given in order, the malignant cases mostly first."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    number = np.argsort(np.argsort(evidence["y"] + rng.normal(0, 0.5, ROWS)))
    return World({**evidence, "x": 1000.0 + number})


def leak_of_two_columns_together(seed: int) -> World:
    """A sign that tells the answer only together with another, hidden sign."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    sign = 2.0 * evidence["y"] - 1
    return World({**evidence, "x": sign * rng.choice([-1, 1], ROWS) + rng.normal(0, 0.1, ROWS)})


def shared_groups(seed: int) -> World:
    """Each current patient, with one to five rows, was in the reference with probability 0.3, which is the truth."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    known = np.unique(evidence["ref_group"])
    patients = np.where(rng.random(120) < 0.3, rng.permutation(known)[:120], 10_000 + np.arange(120))
    return World({**evidence, "cur_group": np.repeat(patients, rng.integers(1, 6, 120))}, 0.3)


def _evidence(rng: np.random.Generator) -> dict[str, Any]:
    """Real rows drawn anew, with nothing wrong."""
    X, y = _tumours()
    rows, others = rng.permutation(len(X))[:ROWS], rng.integers(len(X), size=ROWS)
    drawn = rng.integers(len(X), size=ROWS)
    return {
        "X": X[rows],
        "x": X[others, 7],
        "y": y[drawn],
        "ref_group": rng.integers(200, size=ROWS),
        "cur_group": 200 + rng.integers(100, size=ROWS // 2),
    }


def _copied(seed: int, copies: int, jitter: float, sources: int | None = None, X: np.ndarray | None = None) -> World:
    """Rows with moved copies of some, shuffled; the truth is the group of every row."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    X = evidence["X"] if X is None else X
    chosen = rng.choice(len(X), sources or len(X), replace=False)
    origin = np.concatenate([np.arange(len(X)), chosen[np.arange(copies) % len(chosen)]])
    moved = X[origin] + jitter * X.std(axis=0) * rng.normal(size=(len(origin), X.shape[1])) * _is_copy(len(X), copies)
    order = rng.permutation(len(origin))
    group = np.where(np.bincount(origin)[origin] > 1, origin, -1)
    return World({**evidence, "X": moved[order]}, group[order])


def _is_copy(originals: int, copies: int) -> np.ndarray:
    return (np.arange(originals + copies) >= originals)[:, None]


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
