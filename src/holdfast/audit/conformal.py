"""Unfamiliar rows by any score: conformal p-values from folds of the training rows, Benjamini and Hochberg's rule."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from holdfast.audit.choice import Choice, needs
from holdfast.audit.supply import Supply
from holdfast.ops.multiple_testing import benjamini_hochberg

FOLDS = 10


class Outliers(NamedTuple):
    """Which test rows are unlike training, their scores, and how few such rows could not have been named."""

    is_strange: np.ndarray
    scores: np.ndarray
    fewest: int


def outliers(choice: Choice, facts: Any, rate: float, seed: int) -> Outliers:
    """What `holdfast.ood.ConformalOutliers` does, with the chosen score in place of its distances.

    Every training row is scored by the method fitted without its fold, so that all of them calibrate; of the rows
    named, on average at most the share `rate` is ordinary. Probabilities of training rows are out of fold already.
    """
    supply = Supply(facts, "train")
    cls = type(choice.make())
    wanted, verb = needs(cls), cls.verbs[0]
    learnt = supply.arguments(wanted["fit"], choice.view, "train")
    ours, theirs = (supply.arguments(wanted[verb], choice.view, side) for side in ("train", "test"))
    n, m = (len(next(iter(side.values()))) for side in (ours, theirs))
    fold = np.random.default_rng([seed, 15]).permutation(n) % min(FOLDS, n)
    calibration = np.zeros(n)
    for part in np.unique(fold):
        calibration[fold == part] = _scores(choice, _at(learnt, fold != part), _at(ours, fold == part), verb, seed)
    scores = _scores(choice, learnt, theirs, verb, seed)
    beyond = n - np.searchsorted(np.sort(calibration), scores, "left")
    pvalues = (1 + beyond) / (1 + n)
    return Outliers(benjamini_hochberg(pvalues) <= rate, scores, int(np.ceil(m / (rate * (1 + n)))))


def _scores(choice: Choice, learnt: dict[str, Any], asked: dict[str, Any], verb: str, seed: int) -> np.ndarray:
    method: Any = choice.make(seed=seed)
    if hasattr(method, "fit"):
        method.fit(**learnt)
    return np.asarray(getattr(method, verb)(**asked))


def _at(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    return {name: value[rows] for name, value in arguments.items()}
