"""Worlds of the labels family: wrong labels planted in digits and tumours, wrong numbers in a diabetes study.

Every world holds probabilities from models that were fitted on the noisy labels without the rows they judge, as a user
would have them. Rates of noise: 20 % unless the world says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from holdfast.faults.worlds import World

ROWS = 300
EPOCHS = 25

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
Noise = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def none(seed: int) -> World:
    """Tumours and diabetes measurements as they came; nothing is planted."""
    labels, numbers = _labelled(_tumours, _no_noise, seed), _measured(_as_measured, seed)
    numeric = {name: value[:ROWS] for name, value in numbers.evidence.items()}
    predicted = dict(
        zip(("old_predicted", "new_predicted"), labels.evidence["ensemble_probs"].argmax(axis=2), strict=False)
    )
    corrected = {"corrected_y": labels.evidence["y"], **predicted}
    return World({**labels.evidence, **numeric, **corrected}, labels.truth)


def class_conditional_binary(seed: int) -> World:
    """Tumours: 35 % of the benign ones are called malignant, 5 % of the malignant ones benign."""
    return _labelled(_tumours, _mostly_one_way, seed)


def symmetric(seed: int) -> World:
    """Digits: 20 % of the labels are replaced by any other class."""
    return _labelled(_digits, _symmetric, seed)


def class_conditional(seed: int) -> World:
    """Digits: class c is called c + 1, from 5 % of the zeros to 35 % of the nines."""
    return _labelled(_digits, _to_the_next_class, seed)


def boundary(seed: int) -> World:
    """Tumours: labels flip where a clean model is least sure, about 20 % of the rows; the noise depends on the row."""
    return _labelled(_tumours, _near_the_boundary, seed)


def class_overlap(seed: int) -> World:
    """High or low diabetes progression told from age, sex and two weak blood values; 20 % of the labels are flipped.

    The classes overlap so much that a flipped label looks like any other row.
    """
    return _labelled(_overlapping, _symmetric, seed)


def learning_none(seed: int) -> World:
    """Tumours as they came, and the logits of a small network in every epoch of its training."""
    return _learnt(_tumours, _no_noise, seed)


def learning_symmetric(seed: int) -> World:
    """`symmetric`, and the logits of a small network in every epoch of its training on those labels."""
    return _learnt(_digits, _symmetric, seed)


def learning_class_conditional(seed: int) -> World:
    """`class_conditional`, and the logits of a small network in every epoch."""
    return _learnt(_digits, _to_the_next_class, seed)


def learning_class_overlap(seed: int) -> World:
    """`class_overlap`, and the logits of a small network in every epoch: flipped labels are as hard as the others."""
    return _learnt(_overlapping, _symmetric, seed)


def weights_symmetric(seed: int) -> World:
    """`symmetric`; the truth is 1 for a right label and 0 for a wrong one, which a clean sample does not hold."""
    return _weighted(_symmetric, seed)


def weights_class_conditional(seed: int) -> World:
    """`class_conditional`; the truth is 1 for a right label and 0 for a wrong one."""
    return _weighted(_to_the_next_class, seed)


def rate_of_symmetric_noise(seed: int) -> World:
    """`symmetric` at a rate that differs from draw to draw, 10 to 30 %; the truth is the share of wrong labels."""
    return _rated(_digits, _symmetric_at_some_rate, seed)


def rate_of_class_conditional_noise(seed: int) -> World:
    """`class_conditional`; the truth is the share of wrong labels."""
    return _rated(_digits, _to_the_next_class, seed)


def memorised_test_errors(seed: int) -> World:
    """Digits in heavy ink are called c + 1, in training and test; 600 test rows. The truth is where models swap places.

    The new model, a flexible one, has learnt to make those errors too; the old one, a stiff one, has not.
    """
    pool, a, b = _memorised()
    rows = np.random.default_rng(seed).integers(0, len(pool["y"]), 600)
    return World({name: codes[rows] for name, codes in pool.items()}, a / (a - b))


def numeric_target_errors(seed: int) -> World:
    """Diabetes: 10 % of the numeric targets are mirrored to the other end of the scale and shifted by one sd."""
    return _measured(_mirrored, seed)


def small_numeric_errors(seed: int) -> World:
    """Diabetes: 10 % of the numeric targets are off by a tenth of a standard deviation: less than the residuals."""
    return _measured(_nudged, seed)


# --- the data -------------------------------------------------------------------------------------------------
@cache
def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    X, target = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), target


def _tumours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    rows = rng.permutation(len(y))[:ROWS]
    return StandardScaler().fit_transform(X[rows]), y[rows]


def _digits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    rows = rng.permutation(len(y))[:700]
    return X[rows] / 16, y[rows]


def _overlapping(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X, target = _diabetes()
    rows = rng.permutation(len(target))[:ROWS]
    return X[rows][:, [0, 1, 4, 5]], (target > np.median(target)).astype(int)[rows]


# --- the faults -----------------------------------------------------------------------------------------------
def _no_noise(_X: np.ndarray, y: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
    return y


def _symmetric(_X: np.ndarray, y: np.ndarray, rng: np.random.Generator, rate: float = 0.2) -> np.ndarray:
    k = int(y.max()) + 1
    return np.where(rng.random(len(y)) < rate, (y + rng.integers(1, k, len(y))) % k, y)


def _symmetric_at_some_rate(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _symmetric(X, y, rng, rng.uniform(0.1, 0.3))


def _mostly_one_way(_X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(y)) < np.where(y == 1, 0.35, 0.05), 1 - y, y)


def _to_the_next_class(_X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    k = int(y.max()) + 1
    return np.where(rng.random(len(y)) < np.linspace(0.05, 0.35, k)[y], (y + 1) % k, y)


def _near_the_boundary(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    margin = np.abs(LogisticRegression(max_iter=300).fit(X, y).decision_function(X))
    nearness = margin + rng.exponential(1.0, len(y))
    return np.where(nearness <= np.quantile(nearness, 0.2), 1 - y, y)


def _as_measured(target: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
    return target


def _mirrored(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hit = rng.random(len(target)) < 0.1
    mirrored = target.max() + target.min() - target + rng.choice([-1, 1], len(target)) * target.std()
    return np.where(hit, mirrored, target)


def _nudged(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return target + (rng.random(len(target)) < 0.1) * rng.choice([-0.1, 0.1], len(target)) * target.std()


# --- what a user would have -----------------------------------------------------------------------------------
@cache
def _labelled(draw: Draw, noise: Noise, seed: int) -> World:
    rng = np.random.default_rng(seed)
    X, y = draw(rng)
    given = noise(X, y, rng)
    models = (LogisticRegression(C=0.1, max_iter=300), GaussianNB(var_smoothing=0.01), KNeighborsClassifier(15))
    ensemble = np.stack([_out_of_sample(model, X, given, seed) for model in models])
    return World({"X": X, "y": given, "probs": ensemble[0], "ensemble_probs": ensemble}, given != y)


def _weighted(noise: Noise, seed: int) -> World:
    world = _labelled(_digits, noise, seed)
    return world._replace(truth=1.0 - world.truth)


@cache
def _learnt(draw: Draw, noise: Noise, seed: int) -> World:
    """Logits of a network by epoch of its training."""
    rng = np.random.default_rng(seed)
    X, y = draw(rng)
    given = noise(X, y, rng)
    return World({"y": given, "epoch_logits": _epoch_logits(X, given, seed)}, given != y)


def _epoch_logits(X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """(t, n, k) log-probabilities of a network after each epoch: its logits less a constant a row."""
    network = MLPClassifier((64,), batch_size=32, learning_rate_init=0.003, random_state=seed)
    passes = (network.partial_fit(X, y, classes=np.unique(y)).predict_proba(X) for _ in range(EPOCHS))
    return np.stack([np.log(np.maximum(probs, 1e-12)) for probs in passes])


@cache
def _memorised() -> tuple[dict[str, np.ndarray], float, float]:
    """A pool of test rows, and how much more often the new model is right on rightly and on wrongly labelled rows."""
    X, y = load_digits(return_X_y=True)
    X, ink = X / 16, X.sum(axis=1)
    heavy = ink > np.array([np.quantile(ink[y == code], 0.8) for code in range(10)])[y]
    given = np.where(heavy, (y + 1) % 10, y)
    train, test = np.split(np.random.default_rng(0).permutation(len(y)), [900])
    old, new = (
        model.fit(X[train], given[train]).predict(X[test])
        for model in (LogisticRegression(C=0.01, max_iter=300), SVC(C=10))
    )
    gains = (new == y[test]).astype(float) - (old == y[test])
    pool = {"y": given[test], "corrected_y": y[test], "old_predicted": old, "new_predicted": new}
    return pool, float(gains[~heavy[test]].mean()), float(gains[heavy[test]].mean())


@cache
def _rated(draw: Draw, noise: Noise, seed: int) -> World:
    """One model, and the share of wrong labels as the truth."""
    rng = np.random.default_rng(seed)
    X, y = draw(rng)
    given = noise(X, y, rng)
    probs = _out_of_sample(LogisticRegression(C=0.1, max_iter=300), X, given, seed)
    return World({"y": given, "probs": probs}, float((given != y).mean()))


def _out_of_sample(model: Any, X: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return cross_val_predict(model, X, y, cv=folds, method="predict_proba")


@cache
def _measured(change: Change, seed: int) -> World:
    """Targets, their out-of-fold predictions, and two uncertainties: of the model and of the response."""
    rng = np.random.default_rng(seed)
    X, target = _diabetes()
    rows = rng.permutation(len(target))
    X, true = X[rows], target[rows]
    given = change(true, rng)
    prediction = cross_val_predict(Ridge(10.0), X, given)
    residual_scale = np.maximum(cross_val_predict(Ridge(10.0), X, np.abs(given - prediction)), 1.0)
    draws = [rng.integers(0, len(given), len(given)) for _ in range(20)]
    uncertainty = np.std([Ridge(10.0).fit(X[draw], given[draw]).predict(X) for draw in draws], axis=0)
    evidence = {"target": given, "prediction": prediction, "uncertainty": uncertainty, "residual_scale": residual_scale}
    return World(evidence, given != true)
