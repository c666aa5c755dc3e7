"""Worlds of the calibration family: probabilities of handwritten digits and tumours, distorted.

The model is a logistic regression on a part of the columns, cross-fitted, so that its own probabilities are about
right. Calibrators get a few hundred rows (`train`) and are judged by the classes of the others (`truth`). Worlds whose
name ends in `_error` are for measures: labels are drawn from known probabilities, the truth is the calibration error.
Worlds of `numbers` are patients with diabetes and the progression of their disease, in standard deviations.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict

from holdfast.faults.worlds import World, split

SHOWN = 400  # rows a calibrator may learn from
WEAK = 3.0  # inverse penalty of the model: so little that its probabilities are about right


def overconfident(seed: int) -> World:
    """Digits; all log-odds are three times too large."""
    logits, y = _model("digits")
    return _world(_softmax(3 * logits), y, seed)


def underconfident(seed: int) -> World:
    """Digits; all log-odds are two fifths of what they should be."""
    logits, y = _model("digits")
    return _world(_softmax(0.4 * logits), y, seed)


def one_class_overconfident(seed: int) -> World:
    """Digits; the model is far too ready to say 8."""
    logits, y = _model("digits")
    return _world(_softmax(logits + 2.5 * (np.arange(10) == 8)), y, seed)


def distorted(seed: int) -> World:
    """Tumours; log-odds of the second class are doubled where positive and halved where negative, then shifted."""
    logits, y = _model("tumours")
    odds = logits[:, 1] - logits[:, 0]
    odds = np.where(odds > 0, 2 * odds, odds / 2) + 1.5
    return _world(_softmax(np.column_stack([np.zeros(len(odds)), odds])), y, seed)


def known_error(seed: int) -> World:
    """Digits; the predicted class is right less often than stated, by a known amount that depends on the stated one."""
    probs = _softmax(_model("digits")[0])
    return _drawn(probs, _top_share(probs, 0.6), seed)


def small_error(seed: int) -> World:
    """Digits; as `known_error`, and ten times smaller."""
    probs = _softmax(_model("digits")[0])
    return _drawn(probs, _top_share(probs, 0.06), seed)


def hidden_error(seed: int) -> World:
    """Digits; the predicted class is right as often as stated, but what else it may be is stated wrongly."""
    probs = _softmax(_model("digits")[0])
    top = np.eye(10, dtype=bool)[probs.argmax(axis=1)]
    return _drawn(np.where(top, probs, (1 - probs.max(axis=1))[:, None] / 9), probs.max(axis=1), seed, probs)


def cross_fitted(seed: int) -> World:
    """Digits; each of three folds has a model of its own, and they differ in how sure they are."""
    logits, y = _model("digits")
    shown, held = split(len(y), SHOWN / len(y), np.random.default_rng(seed))
    fold = np.random.default_rng([seed, 3]).integers(3, size=len(shown))
    models = np.array([_softmax(sure * logits) for sure in (0.7, 1.0, 1.4)])
    train = {"probs": models[fold, shown], "y": y[shown], "fold": fold}
    return World({"ensemble_probs": models[:, held], "probs": models[1, held]}, y[held], train)


def hard_group(seed: int) -> World:
    """Digits; in one group of two, three labels in ten are drawn by lot."""
    logits, y = _model("digits")
    rng = np.random.default_rng([seed, 4])
    group = rng.integers(2, size=len(y))
    y = np.where((group == 1) & (rng.random(len(y)) < 0.3), rng.integers(10, size=len(y)), y)
    world = _world(_softmax(logits), y, seed)
    shown, held = split(len(y), SHOWN / len(y), np.random.default_rng(seed))
    return World({**world.evidence, "group": group[held]}, world.truth, {**world.train, "group": group[shown]})


def abstaining(seed: int) -> World:
    """Digits and an eleventh answer, "I do not know", the likelier the less sure the model is; mean score known."""
    true = _softmax(_model("digits")[0])
    unsaid = 1 - true.max(axis=1)
    expected = ((true**2).sum(axis=1) * 2 - 1) * (1 - unsaid) ** 2
    rng = np.random.default_rng([seed, 5])
    picked = rng.integers(len(true), size=400)
    evidence = {"probs": true[picked], "y": _classes(true[picked], rng), "abstention": unsaid[picked]}
    return World(evidence, float(expected.mean()))


def numbers(seed: int) -> World:
    """Progression of diabetes, predicted by five cross-fitted ridge regressions."""
    X, y = _patients()
    return _numbers_world(X, y, seed)


def noisy_numbers(seed: int) -> World:
    """The same patients; the error of the response is planted and grows with the body mass index."""
    X, y = _patients()
    return _numbers_world(X, _noisy(X, y, np.exp(0.6 * X[:, 2]), seed), seed)


def numbers_by_group(seed: int) -> World:
    """The same patients; the planted error of the response is four times as large in one sex."""
    X, y = _patients()
    group = (X[:, 1] > 0).astype(int)
    return _numbers_world(X, _noisy(X, y, 1.0 + 3 * group, seed), seed, group=group)


def numbers_moved(seed: int) -> World:
    """As `noisy_numbers`, and the new patients are heavier than those of the calibration, by a known ratio."""
    X, y = _patients()
    return _numbers_world(X, _noisy(X, y, np.exp(0.6 * X[:, 2]), seed), seed, ratio=np.exp(X[:, 2]))


def batches(seed: int) -> World:
    """Ten patients whose mean progression is asked for; the others are known."""
    _, y = _patients()
    order = np.random.default_rng([seed, 6]).permutation(len(y))
    batch, known = order[:10], order[10:]
    stated = _cross_predicted()
    evidence = {"ref_target": y[known], "ref_prediction": stated[known], "cur_prediction": stated[batch]}
    return World(evidence, float(y[batch].mean()))


def none(seed: int) -> World:
    """Digits with labels drawn from the stated probabilities themselves."""
    probs = _softmax(_model("digits")[0])
    rng = np.random.default_rng([seed, 1])
    return _world(probs, _classes(probs, rng), seed)


def _world(probs: np.ndarray, y: np.ndarray, seed: int) -> World:
    shown, held = split(len(y), min(SHOWN / len(y), 0.5), np.random.default_rng(seed))
    evidence = {"probs": probs[held], "y": y[held]}
    return World(evidence, y[held], {"probs": probs[shown], "y": y[shown]})


def _drawn(true: np.ndarray, share: np.ndarray, seed: int, stated: np.ndarray | None = None, rows: int = 1000) -> World:
    """`rows` rows drawn from the pool of stated probabilities; the top class is true with probability `share`."""
    stated = true if stated is None else stated
    rng = np.random.default_rng([seed, 2])
    top = stated.argmax(axis=1)
    others = np.where(np.eye(stated.shape[1], dtype=bool)[top], 0.0, true)
    others *= ((1 - share) / others.sum(axis=1))[:, None]
    others[np.arange(len(top)), top] = share
    picked = rng.integers(len(stated), size=rows)
    error = float(np.abs(share - stated.max(axis=1)).mean())
    return World({"probs": stated[picked], "y": _classes(others[picked], rng)}, error)


def _top_share(probs: np.ndarray, strength: float) -> np.ndarray:
    """How often the top class is true: less than stated, most so at middling confidence."""
    top = probs.max(axis=1)
    return top - strength * top * (1 - top)


def _classes(probs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One class per row, drawn from its probabilities."""
    below = probs.cumsum(axis=1)[:, :-1] < rng.random((len(probs), 1))
    return below.sum(axis=1)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


@cache
def _model(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Cross-fitted log-probabilities and the classes; few columns, so that the model is often unsure."""
    X, y = load_digits(return_X_y=True) if name == "digits" else load_breast_cancer(return_X_y=True)
    X = X[:, 2::4] / 16 if name == "digits" else ((X - X.mean(axis=0)) / X.std(axis=0))[:, :3]
    probs = cross_val_predict(LogisticRegression(C=WEAK, max_iter=5000), X, y, cv=5, method="predict_proba")
    return np.log(np.maximum(probs, 1e-9)), y


@cache
def _patients() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_diabetes(return_X_y=True)
    return X / X.std(axis=0), (y - y.mean()) / y.std()


@cache
def _cross_predicted() -> np.ndarray:
    X, y = _patients()
    return cross_val_predict(Ridge(), X, y, cv=KFold(5, shuffle=True, random_state=0))


def _noisy(X: np.ndarray, y: np.ndarray, size: np.ndarray, seed: int) -> np.ndarray:
    """What a ridge regression says, plus errors of that size."""
    rng = np.random.default_rng([seed, 7])
    return Ridge().fit(X, y).predict(X) + 0.5 * size * rng.standard_normal(len(y))


def _numbers_world(
    X: np.ndarray, y: np.ndarray, seed: int, group: np.ndarray | None = None, ratio: np.ndarray | None = None
) -> World:
    """Half of the rows calibrate; the others are met, drawn by `ratio`. Weights are that ratio."""
    rng = np.random.default_rng([seed, 8])
    shown, held = split(len(y), 1 / 2, rng)
    weight = np.ones(len(y)) if ratio is None else ratio
    if ratio is not None:
        held = rng.choice(held, 400, p=ratio[held] / ratio[held].sum())
    fold = np.arange(len(shown)) % 5
    models = np.array([Ridge().fit(X[shown[fold != k]], y[shown[fold != k]]).predict(X) for k in range(5)])
    prediction = models.mean(axis=0)
    prediction[shown] = models[fold, shown]
    size = np.exp(0.6 * X[:, 2])  # right where the noise was planted so
    columns = {"prediction": prediction, "weight": weight}
    if group is None and ratio is None:
        columns["residual_scale"] = size
    columns["bounds"] = prediction[:, None] + 0.4 * size[:, None] * np.array([-1, 1])
    if group is not None:
        columns["group"] = group
    train = {name: column[shown] for name, column in columns.items()}
    evidence = {name: column[held] for name, column in columns.items()}
    train |= {"target": y[shown], "fold": fold}
    return World({**evidence, "ensemble_prediction": models[:, held]}, y[held], train)
