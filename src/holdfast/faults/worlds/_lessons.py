"""Small networks to train on real digits: what worlds of training methods are made of.

The truth of such a world is a `Lesson`: a network and batches to learn from, how the result is judged, and what plain
training reaches. Nothing is trained before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from holdfast.faults.worlds import World

TRAIN = 1000  # rows to learn from; the other 797 judge


class Lesson(NamedTuple):
    """What to learn, and how what was learnt is judged: `score(model)`, larger = better; `plain()` is the bar.

    `simple` makes the objective of plain training: cross-entropy, or the squared error of a numeric target.
    """

    model: Any
    loader: Any
    score: Callable[[Any], float]
    epochs: int
    plain: Callable[[], float]
    adaptive: bool = False  # AdamW in place of momentum: for losses whose gradients are of another size
    simple: Any = None
    rate: float = 0.1  # of momentum

    def train(self, objective: Any, model: Any = None, **settings: Any) -> Any:
        """A run of the house's loop by this objective."""
        from holdfast.nets import fit

        given = {
            "epochs": self.epochs, "optimizer": _optimizer(self.adaptive, self.rate), "schedule": _falling,
            "device": "cpu", **settings,
        }  # fmt: skip
        return fit(self.model if model is None else model, objective, self.loader, **given)


def lesson_world(
    model: Any, loader: Any, score: Callable[[Any], float], epochs: int = 20, adaptive: bool = False,
    simple: Any = None, plain: Callable[[], Any] | None = None, rate: float = 0.1, **train: Any,
) -> World:  # fmt: skip
    """A world whose evidence is the first batch in the order of the rows; `train` is what `fit` may ask for besides.

    `plain()` trains what the method is to beat, where that is not the lesson by its simple objective.
    """
    import torch

    from holdfast.nets.objectives import CrossEntropy

    simple = simple or CrossEntropy
    bar = plain or (lambda: lesson.train(simple()).model)
    lesson = Lesson(model, loader, score, epochs, cache(lambda: score(bar())), adaptive, simple, rate)
    batch = loader.take(torch.arange(min(64, loader.rows)))
    given = {name: value.numpy() for name, value in loader.arrays.items()}
    return World({"model": model, "loader": loader, **batch}, lesson, {**given, "model": model, **train})


def _optimizer(adaptive: bool, rate: float) -> Any:
    import torch

    if adaptive:
        return partial(torch.optim.AdamW, lr=0.005)
    return partial(torch.optim.SGD, lr=rate, momentum=0.9, foreach=True)


def _falling(optimizer: Any, steps: int) -> Any:
    import torch

    highest = optimizer.param_groups[0]["lr"]
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, highest, total_steps=steps, cycle_momentum=False)


# --- digits -----------------------------------------------------------------------------------------------------
@cache
def digits(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels between 0 and 1 and labels, to learn from and to judge by."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 0]).permutation(len(y))
    X, y = (X[order] / 16).astype(np.float32), y[order]
    return X[:TRAIN], y[:TRAIN], X[TRAIN:], y[TRAIN:]


def network(seed: int, k: int = 10, d: int = 64, width: int = 64) -> Any:
    """One hidden layer, initialised by the seed."""
    from holdfast.nets.calling import seeded
    from holdfast.nets.reference import MLP

    with seeded(seed):
        return MLP(d, k, width=width, depth=1)


def batches(X: np.ndarray, y: np.ndarray, seed: int, batch_size: int = 64, **arrays: Any) -> Any:
    """Shuffled batches."""
    from holdfast.nets import Batches

    return Batches(X, y, batch_size=batch_size, shuffle=True, seed=seed, **arrays)


def logits_of(model: Any, X: np.ndarray) -> np.ndarray:
    """(n, k) logits of all rows."""
    from holdfast.nets import Batches, predict

    return predict(model, Batches(X, batch_size=2048))


def accuracy(model: Any, X: np.ndarray, y: np.ndarray, classes: int | None = None) -> float:
    """Share of rows that are right; answers are among the first `classes` outputs, where there are others besides."""
    return float((logits_of(model, X)[:, :classes].argmax(axis=1) == y).mean())


def worst_group(model: Any, X: np.ndarray, y: np.ndarray, group: np.ndarray) -> float:
    """Accuracy of the group with the smallest."""
    right = logits_of(model, X).argmax(axis=1) == y
    return float(min(right[group == g].mean() for g in np.unique(group)))


def r_squared(model: Any, X: np.ndarray, target: np.ndarray) -> float:
    """Share of the variance of a numeric target that is explained."""
    return float(1 - ((logits_of(model, X)[:, 0] - target) ** 2).mean() / target.var())


def mean_recall(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Mean over the classes of the share that is found."""
    return float(np.mean(recalls(model, X, y)))


def recalls(model: Any, X: np.ndarray, y: np.ndarray) -> list[float]:
    """Share found, by class."""
    found = logits_of(model, X).argmax(axis=1)
    return [float((found[y == c] == c).mean()) for c in np.unique(y)]


def f1(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """F1 of class 1."""
    found = logits_of(model, X).argmax(axis=1) == 1
    return float(2 * (found & (y == 1)).sum() / max(1, found.sum() + (y == 1).sum()))


def unknown_found(model: Any, known: np.ndarray, novel: np.ndarray) -> float:
    """AUROC of rows of unknown classes by one minus the largest probability."""
    from sklearn.metrics import roc_auc_score

    logits = logits_of(model, np.concatenate([known, novel]))
    doubt = np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
    return float(roc_auc_score(np.arange(len(doubt)) >= len(known), doubt))


def unknown_caught(model: Any, known: np.ndarray, unknown: list[np.ndarray], classes: int) -> float:
    """Mean over kinds of unknown rows of the share above a threshold that keeps 95 % of the known rows.

    The score of a row is how little its likeliest known class has; outputs after the first `classes` are for outliers.
    """
    usual = np.quantile(_doubt(model, known, classes), 0.95)
    return float(np.mean([(_doubt(model, rows, classes) > usual).mean() for rows in unknown]))


def _doubt(model: Any, X: np.ndarray, classes: int) -> np.ndarray:
    logits = logits_of(model, X).astype(np.float64)
    return np.exp(logits - logits[:, :classes].max(axis=1, keepdims=True)).sum(axis=1)
