"""Worlds of the slices family: real tables with real losses, raised or turned round in a known part.

Losses are those of a cross-fitted linear model, dealt to the rows anew, so that nothing but the planted part is weak.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtr
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier

from holdfast.faults.worlds import World, split


def planted_slice(seed: int) -> World:
    """Rows in the upper part of one feature and the lower part of another (5 to 10 % of all) have high losses."""
    rng = np.random.default_rng(seed)
    X, losses = _table(seed)
    rows = np.zeros(len(X), bool)
    while not 0.05 <= rows.mean() <= 0.10:
        one, other = rng.choice(X.shape[1], 2, replace=False)
        high, low = np.quantile(X[:, one], rng.uniform(0.6, 0.9)), np.quantile(X[:, other], rng.uniform(0.1, 0.4))
        rows = (X[:, one] >= high) & (X[:, other] <= low)
    return World({"X": X, "loss": _raised(losses, rows, rng)}, np.where(rows, 0, -1))


def single_feature(seed: int) -> World:
    """Rows in a band of one feature (7 to 12 % of all) have high losses."""
    rng = np.random.default_rng([seed, 1])
    X, losses = _table(seed)
    rows = np.zeros(len(X), bool)
    while not 0.07 <= rows.mean() <= 0.12:
        column, start = X[:, rng.integers(X.shape[1])], rng.uniform(0, 0.9)
        low, high = np.quantile(column, [start, start + 0.1])
        rows = (column >= low) & (column <= high)
    return World({"X": X, "loss": _raised(losses, rows, rng)}, np.where(rows, 0, -1))


def group_gap(seed: int) -> World:
    """One of six groups of unequal size has its losses raised by a standard deviation: the true gap."""
    rng = np.random.default_rng([seed, 2])
    losses = rng.choice(_table(1)[1], 1200)
    group = rng.choice(6, 1200, p=[0.35, 0.25, 0.15, 0.1, 0.1, 0.05])
    shift = float(_table(1)[1].std())
    return World({"loss": losses + shift * (group == 4), "group": group}, shift)


def flipped_relation(seed: int) -> World:
    """Body mass raises the target in one set and lowers it in the other; the truth is the change of the slope."""
    x, target = _relation()
    ref, cur = _two_draws(seed)
    turned = 2 * target.mean() - target
    spread = float(np.r_[target, turned].std())
    truth = -2 * float(np.polyfit(x, target, 1)[0]) * float(x.std()) / spread
    evidence = {"ref_x": x[ref], "ref_target": target[ref], "cur_x": x[cur], "cur_target": turned[cur]}
    return World(evidence, truth)


def bent_relation(seed: int) -> World:
    """The target rises with body mass in one set, and falls again beyond the median in the other."""
    x, target = _relation()
    ref, cur = _two_draws(seed)
    slope = float(np.polyfit(x, target, 1)[0])
    bent = target - 2 * slope * np.maximum(x - np.median(x), 0)
    return World({"ref_x": x[ref], "ref_target": target[ref], "cur_x": x[cur], "cur_target": bent[cur]})


def hidden_problems(seed: int) -> World:
    """Digits of which a tenth has a wrong label and a tenth has its pixels shuffled; loss curves of a small network.

    To fit on: 50 probes each that are fine, have a wrong label, have shuffled pixels.
    """
    return _trained(seed, share=0.1)


def hidden_in_overlap(seed: int) -> World:
    """The same in diabetes progression told from four weak columns: a row with a problem is as hard as any other."""
    return _trained(seed, share=0.1, overlap=True)


def unequal_learning_rates(seed: int) -> World:
    """Three groups of digits: zeros and sixes, threes and eights, six classes that are hard to tell. 150 rows to come.

    To fit on: test errors of nearest neighbours with few pilot rows. The truth is the best of all mixes in steps of a
    twentieth, by errors measured at many sizes, for the sum of squared errors.
    """
    sizes, budget = np.array([60.0, 20.0, 20.0]), 150
    grid = np.array([10, 20, 40, 60, 80, 120, 170, 210])
    measured = _errors_by_size(tuple(grid), tuple(range(100, 130)))
    shares = np.array([(i, j, 20 - i - j) for i in range(21) for j in range(21 - i)]) / 20
    totals = sum(
        np.interp(np.log(sizes[g] + budget * shares[:, g]), np.log(grid), measured[g]) ** 2 for g in range(len(sizes))
    )
    pilot = (8, 12, 16, 20, 30, 40)
    train = {
        "pilot_sizes": np.array(pilot),
        "group_errors": _errors_by_size(pilot, tuple(range(8 * seed, 8 * seed + 8))),
    }
    return World({"sizes": sizes, "budget": budget}, shares[np.argmin(totals)], train)


def amplified_majority(seed: int) -> World:
    """Diabetes progression in the upper fifth, told from weak columns, answered by the likelier class.

    The truth is by how much too few are said to be in the upper fifth.
    """
    y, probs = _upper_fifth()
    answers = (probs > 0.5).astype(int)
    rows = np.random.default_rng(seed).integers(0, len(y), 500)
    return World({"y": y[rows], "predicted": answers[rows]}, float(answers.mean() - y.mean()))


def sampled_answers(seed: int) -> World:
    """The same with answers drawn from the model's calibrated probabilities: nothing drifts."""
    y, probs = _upper_fifth()
    rng = np.random.default_rng([seed, 8])
    rows = rng.integers(0, len(y), 500)
    return World({"y": y[rows], "predicted": (rng.random(500) < probs[rows]).astype(int)})


def confounded_outcome(seed: int) -> World:
    """Diabetes progression a year later; a feature that follows body mass adds three tenths of its size to it.

    Age, sex, body mass and blood pressure are known. Body mass raises the outcome too: the naive slope is far off.
    """
    rng = np.random.default_rng([seed, 9])
    X, progression = load_diabetes(return_X_y=True)
    X, progression = X[:, :4] / X[:, :4].std(axis=0), (progression - progression.mean()) / progression.std()
    x = 0.7 * X[:, 2] + 0.3 * X[:, 2] ** 2 + 0.7 * rng.normal(size=len(X))
    return World({"x": x, "target": progression + 0.3 * x, "X": X}, 0.3)


def moved_group(seed: int) -> World:
    """Diabetes progression above the median; group 1 has a larger body mass: a fixed model calls more of it high.

    The truth is how much more often a row of group 1 belongs into the other group.
    """
    rng = np.random.default_rng([seed, 10])
    X, y, probs = _upper_half()
    tilt = np.exp(np.clip(X[:, 2], -2, 2))
    rows = np.r_[rng.integers(0, len(y), 400), rng.choice(len(y), 400, p=tilt / tilt.sum())]
    group = np.repeat([0, 1], 400)
    evidence = {"probs": probs[rows], "predicted": (probs[rows, 1] > 0.5).astype(int), "group": group, "X": X[rows]}
    return World(evidence, np.where(group == 1, tilt.mean() / tilt[rows], 1.0))


def relied_on_shortcut(seed: int) -> World:
    """Tumours whose column 0 says the class in 19 rows of 20, in training and test, and a model that learnt it."""
    rng = np.random.default_rng([seed, 6])
    X, y = _tumours()
    X, y = X.copy(), y.copy()
    X[:, 0] = np.where(rng.random(len(y)) < 0.95, y, 1 - y) + 0.1 * rng.normal(size=len(y))
    train, test = split(len(y), 0.5, rng)
    return World({"model": LogisticRegression(C=0.01).fit(X[train], y[train]), "X": X[test], "y": y[test]})


def none(seed: int) -> World:
    """Losses know nothing of features and groups, and the relation is the same in a set of other body masses."""
    rng = np.random.default_rng([seed, 3])
    X, losses = _table(seed)
    x, target = _relation()
    ref, cur = _two_draws(seed, lean=True)
    evidence = {
        "X": X,
        "loss": rng.permutation(losses),
        "group": rng.choice(6, len(X), p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05]),
    }
    relation = {"ref_x": x[ref], "ref_target": target[ref], "cur_x": x[cur], "cur_target": target[cur] + 20}
    reliance, trained = _unrelated_column(X, rng), _trained(seed % 3, share=0.0)  # networks take a third of a second
    return World({**trained.evidence, **evidence, **relation, **reliance}, np.full(len(X), -1), trained.train)


def _unrelated_column(X: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Column 0 is dealt anew for a model and for its test rows; class and answers follow column 1 and chance.

    A feature and an outcome both follow column 2, and not each other.
    """
    scaled = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)
    draws = []
    for _ in range(2):
        dealt = scaled.copy()
        dealt[:, 0] = rng.permutation(dealt[:, 0])
        draws.append((dealt, (scaled[:, 1] + rng.normal(size=len(X)) > 0).astype(int)))
    (train, train_y), (test, y) = draws
    model = LogisticRegression(max_iter=500).fit(train, train_y)
    drawn = (rng.random(len(X)) < ndtr(scaled[:, 1])).astype(int)
    outcome = {"x": test[:, 2] + rng.normal(size=len(X)), "target": test[:, 2] + rng.normal(size=len(X))}
    share = ndtr(scaled[:, 1])
    probs = {"probs": np.column_stack([1 - share, share])}
    return {"X": test, "y": y, "model": model, "predicted": drawn, **outcome, **probs}


def _kinds(seed: int, share: float = 0.1) -> np.ndarray:
    """(750,) 1 where a row has a wrong label, 2 where its input is shuffled, 0 where it is fine."""
    rng = np.random.default_rng([seed, 7])
    return np.where(rng.random(750) < 2 * share, rng.integers(1, 3, 750), 0)


@cache
def _trained(seed: int, share: float, overlap: bool = False) -> World:
    """Loss curves of rows with planted problems, and of 50 probes a suite that were trained on among them."""
    rng = np.random.default_rng([seed, 5])
    X, y = _overlapping() if overlap else _digits()
    rows = rng.permutation(len(y))[:900]
    X, y, k = X[rows].copy(), y[rows].copy(), int(y.max()) + 1
    suite = np.r_[np.repeat([0, 1, 2], 50), _kinds(seed, share)]
    flipped, shuffled = suite == 1, suite == 2
    y[flipped] = (y[flipped] + rng.integers(1, k, flipped.sum())) % k
    X[shuffled] = rng.permuted(X[shuffled], axis=1)
    network = MLPClassifier((64,), batch_size=32, learning_rate_init=0.003, random_state=seed)
    passes = (network.partial_fit(X, y, classes=np.unique(y)).predict_proba(X) for _ in range(25))
    losses = np.stack([-np.log(np.maximum(probs[np.arange(len(y)), y], 1e-12)) for probs in passes])
    probes = {"epoch_losses": losses[:, :150], "group": suite[:150]}
    return World({"y": y[150:], "epoch_losses": losses[:, 150:]}, suite[150:] > 0, probes)


def _raised(losses: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dealt anew; 7 in 10 of the weak rows get one of the highest tenth."""
    dealt = rng.permutation(losses)
    weak = rows & (rng.random(len(rows)) < 0.7)
    dealt[weak] = rng.choice(np.sort(losses)[-len(losses) // 10 :], int(weak.sum()))
    return dealt


def _two_draws(seed: int, n: int = 600, lean: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of two samples; a `lean` second one prefers low body mass."""
    rng = np.random.default_rng([seed, 4])
    x = _relation()[0]
    share = np.exp(-lean * (x - x.mean()) / x.std())
    return rng.integers(len(x), size=n), rng.choice(len(x), n, p=share / share.sum())


@cache
def _relation() -> tuple[np.ndarray, np.ndarray]:
    data = load_diabetes(scaled=False)
    return data.data[:, 2], data.target


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@cache
def _tumours() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


@cache
def _overlapping() -> tuple[np.ndarray, np.ndarray]:
    """High or low diabetes progression and four columns that hardly tell it; every row three times over, jittered."""
    X, target = load_diabetes(return_X_y=True)
    X = np.repeat((X / X.std(axis=0))[:, [0, 1, 4, 5]], 3, axis=0)
    X += 0.3 * np.random.default_rng(0).normal(size=X.shape)
    return X, np.repeat(target > np.median(target), 3).astype(int)


@cache
def _errors_by_size(sizes: tuple[int, ...], seeds: tuple[int, ...]) -> np.ndarray:
    """(groups, sizes) mean test errors of the nearest neighbour over draws of the training rows."""
    X, y = _digits()
    errors = np.zeros((3, len(sizes)))
    for group, classes in enumerate([(0, 6), (3, 8), (1, 2, 3, 5, 8, 9)]):
        members = np.flatnonzero(np.isin(y, classes))
        for seed in seeds:
            rows, tests = np.split(np.random.default_rng([seed, group]).permutation(members), [max(sizes)])
            squares = ((X[tests[:100], None] - X[None, rows]) ** 2).sum(axis=2)
            nearest = [squares[:, :size].argmin(axis=1) for size in sizes]
            errors[group] += [(y[rows][one] != y[tests[:100]]).mean() / len(seeds) for one in nearest]
    return errors


@cache
def _upper_fifth() -> tuple[np.ndarray, np.ndarray]:
    X, target = load_diabetes(return_X_y=True)
    y = (target > np.quantile(target, 0.8)).astype(int)
    model = LogisticRegression(C=1.0)
    return y, cross_val_predict(model, X / X.std(axis=0), y, cv=10, method="predict_proba")[:, 1]


@cache
def _upper_half() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, target = load_diabetes(return_X_y=True)
    X, y = X / X.std(axis=0), (target > np.median(target)).astype(int)
    return X, y, cross_val_predict(LogisticRegression(), X, y, cv=10, method="predict_proba")


def _table(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return _tables(seed % 3)


@cache
def _tables(which: int) -> tuple[np.ndarray, np.ndarray]:
    """Tumours with log losses, diabetes with squared errors, digits with log losses; the dozen liveliest columns."""
    if which == 1:
        data: Any = load_diabetes(scaled=False)
        X, target = data.data, data.target
        prediction = cross_val_predict(Ridge(), X, target, cv=5)
        return X, (target - prediction) ** 2 / target.var()
    X, y = (load_breast_cancer if which == 0 else load_digits)(return_X_y=True)
    scaled = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)
    probs = cross_val_predict(LogisticRegression(max_iter=500), scaled, y, cv=5, method="predict_proba")
    lively = np.argsort(-X.std(axis=0) / (1 + (which == 0) * X.mean(axis=0)))[:12]
    return X[:, lively], -np.log(np.clip(probs[np.arange(len(y)), y], 1e-3, 1))
