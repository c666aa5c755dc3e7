"""Apply a remedy to a copy: what the model is fitted on, with which weights, and what is done to its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from holdfast.audit.models import Model, ProbeModel
from holdfast.audit.records import Remedy

Step = Callable[[np.ndarray], np.ndarray]
Finisher = Callable[["Schoolroom", np.ndarray, np.ndarray], Step]


class CannotPrice(Exception):
    """The remedy cannot be applied and the model fitted again; the message says why."""


@dataclass(frozen=True)
class Lesson:
    """What a model is fitted on: positions among the training rows, their labels and weights, and the columns unseen.

    `hidden` lists (column, share of its values to hide while learning); `filled` (column, what stands for a missing
    value, while learning and when asked); `recoded` (column, name met, name in training), when asked. `members` models
    are fitted on random parts and their answers averaged. `finish` are the steps that turn probabilities into what is
    used (a recalibration, say); each is made from the positions that the model learns from and their labels, and from
    no others.
    """

    positions: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    dropped: tuple[int, ...] = ()
    hidden: tuple[tuple[int, float], ...] = ()
    filled: tuple[tuple[int, float], ...] = ()
    recoded: tuple[tuple[str, str, str], ...] = ()
    members: int = 1
    finish: tuple[Finisher, ...] = ()


@dataclass(frozen=True)
class Schoolroom:
    """The training side of pricing: everything a remedy may need to know."""

    rows: np.ndarray  # file row numbers of the positions
    inputs: Any
    y: np.ndarray
    model: Model
    names: tuple[str, ...]  # one per column of `inputs`
    n_classes: int
    out_of_fold: np.ndarray
    weight: np.ndarray | None = None  # the user's

    def lesson(self, *remedies: Remedy) -> Lesson:
        """What the model learns from after the remedies, one after the other; without any, everything as it is."""
        lesson = Lesson(np.arange(len(self.y)), self.y, self.weight)
        for remedy in remedies:
            if remedy.set == "test" and remedy.action != "recode_values":
                raise CannotPrice("this repairs the measurement, not the model")
            if remedy.action not in _ACTIONS:
                raise CannotPrice(f"no rule how to apply {remedy.action!r}")
            lesson = _ACTIONS[remedy.action](self, lesson, remedy)
        return lesson

    def positions(self, remedy: Remedy) -> np.ndarray:
        """Where the remedy's file rows stand among the rows that models use; those not sampled are left out."""
        rows = np.asarray(remedy.rows, dtype=np.int64)
        places = np.searchsorted(self.rows, rows)
        known = places < len(self.rows)
        known[known] = self.rows[places[known]] == rows[known]
        return places[known]

    def fit(self, lesson: Lesson, chosen: np.ndarray, seed: int) -> Callable[[Any], np.ndarray]:
        """Fit on the chosen positions of the lesson; returns `predict(inputs)`."""
        kept = np.isin(lesson.positions, chosen)
        positions = lesson.positions[kept]
        if len(positions) < 10 or (self.n_classes and len(np.unique(lesson.y[kept])) < 2):
            raise CannotPrice("too few rows or a single class would be left to learn from")
        inputs = self.hide(self.inputs[positions], lesson)
        inputs = self._thin(inputs, lesson.hidden, seed)
        weight = None if lesson.weight is None else lesson.weight[kept]
        models = []
        steps = [finisher(self, positions, lesson.y[kept]) for finisher in lesson.finish]
        for member in range(lesson.members):
            part = self._subsample(len(positions), member, seed) if lesson.members > 1 else np.arange(len(positions))
            weights = None if weight is None else weight[part]
            models.append(self.model.fit(inputs[part], lesson.y[kept][part], weights, seed + 1000 * member))

        def predict(rows: Any) -> np.ndarray:
            hidden = self.hide(rows, lesson)
            answer = np.mean([model.predict(hidden) for model in models], axis=0)
            for step in steps:
                answer = step(answer)
            return answer

        return predict

    @staticmethod
    def _subsample(n: int, member: int, seed: int) -> np.ndarray:
        return np.sort(np.random.default_rng([seed, member]).choice(n, max(10, round(0.8 * n)), replace=False))

    @staticmethod
    def _thin(inputs: Any, hidden: tuple[tuple[int, float], ...], seed: int) -> Any:
        """Hide a share of the values of some columns, so that the model learns to do without."""
        if not hidden:
            return inputs
        thinned, rng = np.array(inputs), np.random.default_rng([seed, 3])
        for column, share in hidden:
            thinned[rng.random(len(thinned)) < share, column] = np.nan
        return thinned

    def hide(self, inputs: Any, lesson: Lesson) -> Any:
        """The inputs with columns the model must not see blanked, and missing values filled."""
        if not lesson.dropped and not lesson.filled:
            return inputs
        seen = np.array(inputs)
        for column, value in lesson.filled:
            seen[np.isnan(seen[:, column]), column] = value
        seen[:, list(lesson.dropped)] = np.nan
        return seen


def _drop_rows(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:
    kept = ~np.isin(lesson.positions, room.positions(remedy))
    weight = None if lesson.weight is None else lesson.weight[kept]
    return replace(lesson, positions=lesson.positions[kept], y=lesson.y[kept], weight=weight)


def _relabel_rows(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:
    given = dict(zip(remedy.rows, remedy.values, strict=True))
    hit = np.flatnonzero(np.isin(lesson.positions, room.positions(remedy)))
    y = lesson.y.copy()
    y[hit] = [given[int(row)] for row in room.rows[lesson.positions[hit]]]
    return replace(lesson, y=y)


def _reweight_rows(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:
    factor = np.ones(len(room.y))
    given = dict(zip(remedy.rows, remedy.values, strict=True))
    places = room.positions(remedy)
    factor[places] = [given[int(row)] for row in room.rows[places]]
    weight = np.ones(len(lesson.y)) if lesson.weight is None else lesson.weight
    return replace(lesson, weight=weight * factor[lesson.positions])


def _drop_columns(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:
    if not isinstance(room.model, ProbeModel) or room.model.linear:
        raise CannotPrice("the model's columns are fixed: fit it without them and audit again")
    dropped = tuple(place for place, name in enumerate(room.names) if name in remedy.columns)
    if len({*lesson.dropped, *dropped}) == len(room.names):
        raise CannotPrice("no column would be left to learn from")
    return replace(lesson, dropped=tuple(sorted({*lesson.dropped, *dropped})))


def _hide_values(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:
    if not isinstance(room.model, ProbeModel) or room.model.linear:
        raise CannotPrice("the model may not take missing values: fit it with values hidden and audit again")
    rates = dict(zip(remedy.columns, remedy.values, strict=True))
    hidden = tuple((place, float(rates[name])) for place, name in enumerate(room.names) if name in rates)
    return replace(lesson, hidden=(*lesson.hidden, *hidden))


def _impute_values(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:
    """A number is filled as it is; text stands for the most frequent category, whose code is 0."""
    if not isinstance(room.model, ProbeModel) or room.model.linear:
        raise CannotPrice("the model's columns are fixed: fit it with values filled and audit again")
    values = dict(zip(remedy.columns, remedy.values, strict=True))
    filled = tuple(
        (place, 0.0 if isinstance(values[name], str) else float(values[name]))
        for place, name in enumerate(room.names)
        if name in values
    )
    return replace(lesson, filled=(*lesson.filled, *filled))


def _recode_values(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:  # noqa: ARG001
    names = tuple(
        (column, old, new) for column, pairs in remedy.settings["names"].items() for old, new in pairs.items()
    )
    return replace(lesson, recoded=(*lesson.recoded, *names))


def _balance_classes(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:  # noqa: ARG001
    weight = np.ones(len(lesson.y)) if lesson.weight is None else lesson.weight
    totals = np.bincount(lesson.y, weight, minlength=room.n_classes)
    factors = weight.sum() / np.where(totals > 0, totals, 1.0) / (totals > 0).sum()
    return replace(lesson, weight=weight * factors[lesson.y])


def _recalibrate(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:  # noqa: ARG001
    from holdfast import calibration

    def learnt(room: Schoolroom, positions: np.ndarray, y: np.ndarray) -> Step:
        made = getattr(calibration, remedy.settings["method"])().fit(probs=room.out_of_fold[positions], y=y)
        return lambda probs: made.transform(probs=probs)

    return replace(lesson, finish=(*lesson.finish, learnt))


def _correct_prior(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:  # noqa: ARG001
    ratio = np.asarray(remedy.values, dtype=float)

    def corrected(probs: np.ndarray) -> np.ndarray:
        lifted = probs * ratio + 1e-12
        return lifted / lifted.sum(axis=1, keepdims=True)

    return replace(lesson, finish=(*lesson.finish, lambda *learnt: corrected))


def _average_models(room: Schoolroom, lesson: Lesson, remedy: Remedy) -> Lesson:  # noqa: ARG001
    return replace(lesson, members=int(remedy.settings["members"]))


_ACTIONS: dict[str, Callable[[Schoolroom, Lesson, Remedy], Lesson]] = {
    "drop_rows": _drop_rows,
    "relabel_rows": _relabel_rows,
    "reweight_rows": _reweight_rows,
    "drop_columns": _drop_columns,
    "hide_values": _hide_values,
    "impute_values": _impute_values,
    "recode_values": _recode_values,
    "balance_classes": _balance_classes,
    "recalibrate": _recalibrate,
    "correct_prior": _correct_prior,
    "average_models": _average_models,
}
