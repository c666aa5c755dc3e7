"""`holdfast.estimate`: the metric on data without labels, as a whole, over time, by group and by slice."""

from __future__ import annotations

import os
import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from holdfast.audit.check import NotApplicable
from holdfast.audit.estimators import (
    MOST_ROWS,
    NO_CHANGE,
    Evidence,
    estimable,
    estimates,
    evidence_of,
    no_change,
    one_estimate,
    some_rows,
)
from holdfast.audit.large.place import Place, place_for
from holdfast.audit.load import DataSet, InputError, Loaded, load, read_table
from holdfast.audit.predictions import with_predictions
from holdfast.audit.probes import Probes
from holdfast.audit.settings import Settings
from holdfast.core import Estimate
from holdfast.estimate.chunks import Chunk, make_chunks
from holdfast.estimate.groups import Group, make_groups
from holdfast.estimate.planting import choose, plant_shifts, stretched, widening
from holdfast.estimate.result import LABELS, Found, record
from holdfast.estimate.sheet import Estimation
from holdfast.estimate.shifts import cells_of
from holdfast.estimate.slices import Sought, seek_slices, simultaneous
from holdfast.estimate.whole import Spec, chunk_spec, expected, group_specs, moved, parts_of, score_all, slices_of
from holdfast.ops.metrics import METRICS, Metric
from holdfast.ops.resampling import metric_interval
from holdfast.ops.two_sample import Z90

Progress = Callable[[str, int, int], None]
LEAST_TRAIN, LEAST_PRODUCTION, LEAST_PART = 50, 20, 20


def estimate(
    train: Any,
    production: Any,
    *,
    target: str | None = None,
    model: Any = None,
    proba: Any = None,
    train_proba: Any = None,
    metric: str | None = None,
    task: str | None = None,
    roles: Mapping[str, str] | None = None,
    time: str | None = None,
    chunk: str | int | None = None,
    by: Sequence[str] = (),
    seed: int = 0,
    folds: int = 5,
    draws: int = 6,
    max_rows: int = 50_000,
    hold_rows: int | None = None,
    quick: bool = False,
    engine: str = "local",
    workers: int | None = None,
    work: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Estimation:
    """Estimate the performance of a model on data that have no labels, and say how far the estimate can be trusted.

    Several estimators answer. Shifts planted in the labelled rows (rows drawn towards the production data, another
    mix of classes, harder rows, one region ...) show which of them to trust on these data, and by how much its
    interval has to be stretched to hold the truth at its level. A search names slices of the production rows where
    performance is surely worse than in training.

    Parameters
    ----------
    train, production
        A path or a table, as for `holdfast.audit`. `train` has labels; those of `production` are never looked at.
    target
        The column to be predicted.
    model
        A fitted scikit-learn compatible model; it is refitted on folds of `train` for out-of-sample predictions.
    proba, train_proba
        Instead of a model: its (m, k) probabilities on the production rows and its *out-of-sample* (n, k)
        probabilities on the training rows, classes in sorted order; for a numeric target its predictions. Or the
        names of the columns that hold them.
    metric
        accuracy (default), balanced_accuracy, auroc, f1, log_loss, brier; for a numeric target mae (default), rmse.
    task, roles
        As for `holdfast.audit`.
    time, chunk
        A column of times, and a period (6h, 1d, 1w, 1mo, 1q, 1y) or a number of rows: an estimate for every chunk.
        With `time` alone the period is chosen; with a number of rows alone chunks follow the order of the file.
    by
        Columns by whose values (quartiles of numbers) the estimate is given as well; columns of role "group" are.
    seed, folds, draws, max_rows, hold_rows
        `draws` is the number of planted shifts of each kind. See `holdfast.audit.settings.Settings`.
    quick
        Plant nothing and search no slices: the default estimator with its own interval.
    engine, workers, work
        As for `holdfast.audit`: who passes over Parquet of more than `hold_rows` rows. Every row is scored then.

    Returns
    -------
    Estimation
        `.estimate`, `.verdict`, `.to_dict()`, `.save(folder)`; shows itself in a notebook.

    Raises
    ------
    InputError
        A `ValueError` that says what is wrong with the input, where, and what to do.

    Fails, as every estimate without labels does, where the relation between features and target changed.

    Examples
    --------
    >>> import holdfast
    >>> from holdfast.datasets import heart_disease
    >>> found = holdfast.estimate(*heart_disease(), target="disease", quick=True)
    >>> 0 <= found.estimate.low <= found.estimate.value <= found.estimate.high <= 1
    True
    """
    started = clock.perf_counter()
    tell = progress or (lambda stage, done, total: None)
    settings = Settings(seed=seed, metric=metric, folds=folds, max_rows=max_rows, hold_rows=hold_rows, quick=quick)
    tell("reading", 0, 1)
    with place_for(engine, workers, hold_rows, work, seed, max_rows, tell) as place:
        loaded = _loaded(train, production, target, dict(roles or {}), task, time, place, _names(proba))
        facts = Probes(loaded=loaded, settings=settings, given_model=model, given_proba=None)
        if proba is not None or train_proba is not None:
            given = _given(proba, loaded.test, "production"), _given(train_proba, loaded.train, "train")
            facts = with_predictions(facts, *given, "production")
        _check(facts, settings, draws)
        try:
            parts = _parts(facts, time, chunk, tuple(by), tuple(_names(proba)))
            found = _find(facts, parts, draws, tell)
        except NotApplicable as problem:
            raise InputError(f"no estimate can be made: {problem}.") from None
    name = "predictions as given" if proba is not None else facts["model"].name
    asked = {"time": time, "chunk": chunk, "by": tuple(by), "draws": draws}
    return Estimation(record(facts, found, name, clock.perf_counter() - started, asked))


def _names(proba: Any) -> list[str]:
    """The names of columns, where those were given in place of numbers."""
    names = [proba] if isinstance(proba, str) else proba if isinstance(proba, (list, tuple)) else []
    return list(names) if names and all(isinstance(name, str) for name in names) else []


def _given(proba: Any, data: DataSet | None, where: str) -> Any:
    """Predictions of the rows held."""
    names = _names(proba)
    if data is None or proba is None:
        return proba
    if not names:
        if data.whole is not None:
            raise InputError(
                f"{where} has {data.rows:,} rows, which are not held in memory: give the names of the columns with its "
                "predictions in place of an array."
            )
        return proba
    _refuse_absent(names, data, where)
    array = data.frame.select(names).to_numpy()
    return array[:, 0] if len(names) == 1 else array


def _refuse_absent(names: list[str], data: DataSet, where: str) -> None:
    absent = [name for name in names if name not in data.frame.columns]
    if absent:
        raise InputError(f"proba: {where} has no column {absent[0]!r}. It has: {', '.join(data.frame.columns[:20])}.")


class Parts(NamedTuple):
    """Chunks and groups; where not all rows are held, also slices, and what the model expects of each, and of all."""

    chunks: list[Chunk]
    groups: list[Group]
    means: Means | None = None
    worth: np.ndarray | None = None  # what is expected of every row held that models use
    sought: Sought | None = None


class Means(NamedTuple):
    """The mean of what the model expects of the rows of every chunk, group and slice, and of all rows."""

    chunks: list[float]
    groups: list[float]
    slices: list[float]
    all_rows: float


def _parts(
    facts: Probes, time: str | None, chunk: str | int | None, by: tuple[str, ...], proba: tuple[str, ...]
) -> Parts:
    data = facts["test_set"]
    if data.whole is None:
        return Parts(make_chunks(data.frame, time, chunk), make_groups(facts, by))
    ours = [spec for spec in (chunk_spec(data, time, chunk),) if spec is not None]
    sought = None if facts["settings"].quick else seek_slices(facts)
    ruled = [] if sought is None or sought.rules is None else [Spec("rules", rules=sought.rules)]
    theirs = group_specs(facts, by)
    metric = estimable(facts["metric"], facts["task"])
    scale = facts["test_scale"] if facts["task"].kind == "regression" and not proba else None
    worth = expected(metric.name, facts["test_predicted"], scale)
    (*sums, every), unit = score_all(facts, metric, (*ours, *theirs, *ruled), proba, worth)
    found = [parts_of(spec, own, unit, data) for spec, own in zip((*ours, *theirs), sums, strict=False)]
    chunks = [one for own in found[: len(ours)] for one in own]
    groups = [one for own in found[len(ours) :] for one in own]
    slices = [] if sought is None or not ruled else slices_of(sought, sums[-1], unit)
    by_chunk, by_group, by_slice = ([mean for _, mean in parts] for parts in (chunks, groups, slices))
    return Parts(
        [chunk for chunk, _ in chunks], [group for group, _ in groups],
        Means(by_chunk, by_group, by_slice, unit * every[0].total / every[0].rows), worth,
        None if sought is None else sought._replace(slices=[one for one, _ in slices]),
    )  # fmt: skip


def _loaded(
    train: Any, production: Any, target: str | None, roles: dict[str, str], task: str | None, time: str | None,
    place: Place, proba: list[str],
) -> Loaded:  # fmt: skip
    """Both sets, production without its labels; every feature of train has to be there."""
    read = read_table(production, "production", target, place)
    _refuse_absent(proba, read, "production")
    name = target or next((column for column, role in roles.items() if role == "target"), None)
    if time is not None and time not in roles and time in read.frame.columns:
        roles = {**roles, time: "time"}
    frame = read.frame.drop(name) if name in read.frame.columns else read.frame
    if not frame.width:
        raise InputError("production has no column beside the target; expected the features of train.")
    ours = {column: role for column, role in roles.items() if column != name}
    unlabelled = replace(read, name="test", frame=frame, fingerprint="")
    loaded = load(train, unlabelled, target=target, roles=ours, task=task, place=place)
    if loaded.task.kind == "none":
        raise InputError("no target is given, and no column of train is called target, label or class: name it.")
    lost = [c.name for c in loaded.columns if c.role in ("feature", "text", "image") and c.missing_test is None]
    if lost:
        raise InputError(
            f"production lacks {len(lost)} of the columns that train has: {', '.join(map(repr, lost[:6]))}. A model "
            "that learnt from them cannot predict there. Add them, or leave them out of train (role ignored)."
        )
    assert loaded.test is not None
    notes = (*(["its labels were not looked at"] if name in read.frame.columns else []), *loaded.test.notes)
    test = replace(loaded.test, name="production", fingerprint=read.fingerprint, notes=notes)
    return replace(loaded, test=test)


def _check(facts: Probes, settings: Settings, draws: int) -> None:
    kind = facts["task"].kind
    fitting = [n for n, known in METRICS.items() if kind in known.tasks and estimable(known, facts["task"]) is known]
    if settings.metric is not None and settings.metric not in fitting:
        raise InputError(
            f"metric {settings.metric!r} cannot be estimated without labels for a {kind} target. Take one of: "
            f"{', '.join(fitting)}."
        )
    for name, value, least in (("draws", draws, 1), ("folds", settings.folds, 2), ("max_rows", settings.max_rows, 100)):
        if value < least:
            raise InputError(f"{name} is {value}; expected at least {least}.")
    for name, rows, least in (("train", "train_rows", LEAST_TRAIN), ("production", "test_rows", LEAST_PRODUCTION)):
        if len(facts[rows]) < least:
            what = "labelled rows" if name == "train" else "rows"
            raise InputError(f"{name} has {len(facts[rows]):,} {what}; expected at least {least} to estimate from.")


def _find(facts: Probes, parts: Parts, draws: int, tell: Progress) -> Found:
    task, settings = facts["task"], facts["settings"]
    metric = estimable(facts["metric"], task)
    tell("estimating", 0, 4)
    evidence = _evidence(facts, MOST_ROWS)
    answers = estimates(metric, task, evidence)
    tell("planting", 1, 4)
    shown = facts["train_rows"][some_rows(len(facts["train_rows"]), MOST_ROWS, settings.seed)]
    cells = cells_of(facts["loaded"], shown)
    trials = [] if settings.quick else plant_shifts(evidence, metric, task, settings.seed, draws, cells)
    chosen, why = choose(trials, next(iter(answers)))
    if settings.quick:
        why = "nothing was planted: this is the default"
    widened = widening(trials, chosen)
    tell("asking by chunk and group", 2, 4)
    ask = _Asking(facts, metric, _evidence(facts, len(facts["test_rows"])), chosen, widened, parts.worth)
    by_chunk: Iterable[float | None] = repeat(None) if parts.means is None else parts.means.chunks
    by_group: Iterable[float | None] = repeat(None) if parts.means is None else parts.means.groups
    if parts.means is not None and parts.worth is not None:
        seen = some_rows(len(facts["test_predicted"]), MOST_ROWS, settings.seed)
        gap = parts.means.all_rows - float(parts.worth[seen].mean())
        answers = {name: moved(own, gap, metric) for name, own in answers.items()}
    pulls = metric.influence(facts["train_y"], facts["train_predicted"])
    reach = Z90 * float(pulls.std()) / LABELS**0.5
    training = metric_interval(facts["train_y"], facts["train_predicted"], metric)
    found = Found(
        metric, training, {**answers, NO_CHANGE: no_change(metric, evidence)}, trials, chosen, why, widened,
        [(one, ask.of(one.rows, mean)) for one, mean in zip(parts.chunks, by_chunk, strict=False)],
        [(one, ask.of(one.rows, mean)) for one, mean in zip(parts.groups, by_group, strict=False)], [], 0, reach,
    )  # fmt: skip
    if settings.quick:
        return found
    tell("searching slices", 3, 4)
    return _with_slices(facts, found, parts)


def _evidence(facts: Probes, most: int, learnt: np.ndarray | slice = slice(None)) -> Evidence:
    """The labelled rows at `learnt`, and at most so many of the production rows."""
    return evidence_of(
        facts["ref_embedding"][learnt], facts["train_predicted"][learnt], facts["train_y"][learnt],
        facts["cur_embedding"], facts["test_predicted"], facts["settings"].seed, most,
    )  # fmt: skip


class _Asking:
    """The chosen estimator, asked about parts of the production rows."""

    def __init__(
        self, facts: Probes, metric: Metric, evidence: Evidence, chosen: str, widened: float, worth: np.ndarray | None
    ) -> None:
        self.task, self.metric, self.chosen, self.widened = facts["task"], metric, chosen, widened
        self.evidence, self.worth = evidence, worth
        self.place = np.full(facts["loaded"].test.frame.height, -1)
        self.place[facts["test_rows"]] = np.arange(len(facts["test_rows"]))

    def of(self, rows: np.ndarray, mean: float | None) -> Estimate | None:
        """About some rows held, None where they are too few; moved to the `mean` of all rows that they stand for."""
        used = self.place[rows]
        used = used[used >= 0]
        if len(used) < LEAST_PART:
            return None
        used = used[:: max(1, len(used) // MOST_ROWS)]
        answer = one_estimate(self.chosen, self.metric, self.task, self.evidence.at(used))
        own = stretched(answer, self.widened, self.metric)
        if mean is None or self.worth is None:
            return own
        return moved(own, mean - float(self.worth[used].mean()), self.metric)


def _with_slices(facts: Probes, found: Found, parts: Parts) -> Found:
    """The slices of a search that are surely worse, all together at the level of one interval."""
    sought = parts.sought or seek_slices(facts)
    if not sought.slices:
        return found
    widened = found.widened * simultaneous(len(sought.slices))
    means: Iterable[float | None] = repeat(None) if parts.means is None else parts.means.slices
    judged = []
    for one, mean in zip(sought.slices, means, strict=False):
        inside = np.intersect1d(one.train, sought.unseen)
        measured = _measured(facts, found.metric, inside)
        # labels of the slice itself say how hard it is; with too few of them estimators go by the whole
        evidence = _evidence(facts, len(facts["test_rows"]), sought.unseen if measured is None else inside)
        ask = _Asking(facts, found.metric, evidence, found.chosen, widened, parts.worth)
        judged.append((one, ask.of(one.rows, mean), measured))
    worse = [(one, own, measured) for one, own, measured in judged if found.worse(own)]
    return found._replace(slices=worse, searched=len(judged))


def _measured(facts: Probes, metric: Metric, places: np.ndarray) -> Estimate | None:
    """What the metric is on some labelled rows; None where they are too few to say."""
    y = facts["train_y"][places]
    if len(y) < LEAST_PART or (facts["task"].kind != "regression" and len(np.unique(y)) < 2):
        return None
    return metric_interval(y, facts["train_predicted"][places], metric)
