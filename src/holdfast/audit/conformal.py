"""Unfamiliar rows by any score: conformal p-values from folds of the training rows, Benjamini and Hochberg's rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from holdfast.audit.choice import Choice, ask, needs, plainly
from holdfast.audit.supply import Supply
from holdfast.core import Method
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
    A method that is fitted on the rows met as well never scores those that it was fitted on.
    """
    supply = Supply(facts, "train")
    cls = type(choice.make())
    wanted, verb = needs(cls), cls.verbs[0]
    learnt = supply.arguments(wanted["fit"], choice.view, "train")
    ours, theirs = (supply.arguments(wanted[verb], choice.view, side) for side in ("train", "test"))
    n, m = (len(next(iter(side.values()))) for side in (ours, theirs))
    is_fitted_on_both = fits_on_rows_met(cls)
    parts = min(FOLDS, n, m) if is_fitted_on_both else min(FOLDS, n)
    fold, met = _folds(n, parts, [seed, 15]), _folds(m, parts, [seed, 16])
    calibration, scores = np.zeros(n), np.zeros(m)
    for part in range(parts):
        method = _fitted(choice, _without(learnt, fold == part, met == part), {"seed": seed})
        calibration[fold == part] = getattr(method, verb)(**_at(ours, fold == part))
        if is_fitted_on_both:
            scores[met == part] = getattr(method, verb)(**_at(theirs, met == part))
    if not is_fitted_on_both:
        scores = np.asarray(getattr(_fitted(choice, learnt, {"seed": seed}), verb)(**theirs))
    beyond = n - np.searchsorted(np.sort(calibration), scores, "left")
    pvalues = (1 + beyond) / (1 + n)
    return Outliers(benjamini_hochberg(pvalues) <= rate, scores, int(np.ceil(m / (rate * (1 + n)))))


def scores_of_rows_met(
    choice: Choice, supply: Supply, known: Mapping[str, Any], seed: int, call: Callable[..., Any] = plainly
) -> np.ndarray:
    """(m,) the chosen score of the rows met; out of fold where the method is fitted on them as well."""
    cls = type(choice.make())
    if not fits_on_rows_met(cls):
        return np.asarray(ask(choice, supply, known, call))
    wanted, verb = needs(cls), cls.verbs[0]
    learnt = supply.arguments(wanted["fit"], choice.view, "train")
    theirs = supply.arguments(wanted[verb], choice.view)
    m = len(next(iter(theirs.values())))
    met = _folds(m, min(FOLDS, m), [seed, 16])
    scores = np.zeros(len(met))
    for part in np.unique(met):
        method = _fitted(choice, _without(learnt, None, met == part), known, call)
        scores[met == part] = call(getattr(method, verb), **_at(theirs, met == part))
    return scores


def fits_on_rows_met(cls: type[Method]) -> bool:
    """Whether the fit reads rows met beside those of training: scores of the same rows would flatter it."""
    return any(name.startswith("cur_") for name in needs(cls)["fit"])


def _folds(rows: int, parts: int, seed: list[int]) -> np.ndarray:
    return np.random.default_rng(seed).permutation(rows) % parts


def _fitted(
    choice: Choice, learnt: dict[str, Any], known: Mapping[str, Any], call: Callable[..., Any] = plainly
) -> Any:
    method: Any = choice.make(**known)
    if hasattr(method, "fit"):
        call(method.fit, **learnt)
    return method


def _without(arguments: dict[str, Any], ours: np.ndarray | None, met: np.ndarray) -> dict[str, Any]:
    """The arguments of a fit without some training rows, if any, and without some rows met."""
    kept = slice(None) if ours is None else ~ours
    return {name: value[~met if name.startswith("cur_") else kept] for name, value in arguments.items()}


def _at(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    return {name: value[rows] for name, value in arguments.items()}
