"""The bench from end to end: read, plant, ask, rank, and say what was chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import holdfast
from holdfast.audit.check import NotApplicable
from holdfast.audit.journal import Journal
from holdfast.audit.load import InputError, Loaded, encode_target, load
from holdfast.audit.load.errors import closest, quoted
from holdfast.audit.planting import fresh_facts, loaded_with, sampled
from holdfast.audit.records import to_plain
from holdfast.audit.settings import Settings
from holdfast.bench.engine import Results, run_plantings
from holdfast.bench.families import NAMES, family_of
from holdfast.bench.family import Family
from holdfast.bench.profile import merged
from holdfast.bench.report import BenchReport
from holdfast.bench.summary import summarise
from holdfast.core import Fault
from holdfast.lazy import methods

Progress = Callable[[str, int, int], None]
FEWEST = 60  # labelled rows: with fewer, a split leaves too few to learn from and too few to meet


def bench(
    family: str,
    train: Any,
    test: Any = None,
    *,
    target: str | None = None,
    faults: Sequence[str] = (),
    only: Sequence[str] = (),
    metric: str | None = None,
    task: str | None = None,
    roles: Mapping[str, str] | None = None,
    seed: int = 0,
    draws: int | None = None,
    max_rows: int = 2000,
    progress: Progress | None = None,
    out: str | Path | None = None,
) -> BenchReport:
    """Rank the methods of a family on your own data, by faults planted in copies of it.

    The training rows are split at random, again for every draw, in rows that are learnt from and rows that are met;
    each fault is planted in a copy at two strengths; every method that these data can supply is asked, in each of
    its settings that is a choice. Nothing is planted in, or judged on, the test set.

    Parameters
    ----------
    family
        labels, ood, shift, estimation or weighting.
    train, test, target, task, roles
        As in `holdfast.audit`. Of the test set only the columns count: what it lacks is not used.
    faults
        Names of faults (`holdfast methods faults`) to plant; without any, those of the family.
    only
        Names of methods (`ConfidentLearning`) to rank; without any, all of the family.
    metric
        What costs are told in: as in `holdfast.audit`. `estimation` estimates this metric.
    seed, draws
        The same seed gives the same ranking. `draws` is how often each fault is planted at each strength.
    max_rows
        Rows that are used at most, drawn at random: the report says when it bites.
    progress
        Called with (stage, done, total).
    out
        The folder that the report will be saved in. Every planting is kept there as soon as it is done, so that a
        killed bench goes on where it was, and a profile of other data that lies there is told before any work.

    Returns
    -------
    BenchReport
        `.ranking`, `.choices`, `.statement`, `.to_dict()`, `.save(folder)`, which also writes the profile that
        `holdfast.audit(profile=...)` reads.

    Raises
    ------
    InputError
        A `ValueError` that says what is wrong with the input, where, and what to do.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(90, 2))
    >>> table = {"a": x[:, 0], "b": x[:, 1], "label": np.where(x[:, 0] > 0, "yes", "no")}
    >>> report = holdfast.bench("labels", table, target="label", draws=1,
    ...                         faults=["SymmetricLabelNoise"], only=["NearestNeighbourLabels"])
    >>> report.choices["labels"]["name"]
    'NearestNeighbourLabels'
    """
    started = time.perf_counter()
    tell = progress or (lambda stage, done, total: None)
    tell("reading", 0, 1)
    chosen = _family(family)
    planted = _faults(chosen, faults)
    draws = chosen.draws if draws is None else draws
    for name, value, least in (("draws", draws, 1), ("max_rows", max_rows, FEWEST)):
        if value < least:
            raise InputError(f"{name} is {value}; expected at least {least}.")
    loaded = _training_rows(load(train, test, target=target, roles=dict(roles or {}), task=task), chosen)
    settings = _settings(chosen, loaded, metric, seed)
    used = sampled(fresh_facts(loaded, settings), max_rows, seed).facts["loaded"]
    candidates, refused = chosen.candidates(fresh_facts(used, settings), _names(chosen, only))
    if not candidates:
        raise InputError(f"no method of {family} applies to these data: {'; '.join(sorted(set(refused.values())))}.")
    data = _data(loaded, used)
    if out is not None:
        merged(Path(out) / "profile.json", {"version": holdfast.__version__, "data": data, "choices": {}})
    belongs = {
        "version": holdfast.__version__, "data": [used.train.fingerprint, used.train.frame.height], "family": family,
        "draws": draws, "settings": settings.to_dict(), "methods": [c.name for c in candidates],
        "faults": [[type(fault).__name__, list(strengths)] for fault, strengths in planted],
    }  # fmt: skip
    log = Journal(None if out is None else Path(out) / f"bench-{family}.journal", to_plain(belongs), anew=True)
    try:
        results = run_plantings(used, chosen, planted, candidates, settings, draws, tell, log)
    finally:
        log.close()
    _refuse_nothing_planted(chosen, results)
    record = {
        **summarise(chosen, candidates, refused, results, settings),
        "data": data,
        "settings": {
            "seed": seed,
            "draws": draws,
            "max_rows": max_rows,
            "faults": [type(f).__name__ for f, _ in planted],
        },
        "seconds": round(time.perf_counter() - started, 1),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": holdfast.__version__,
    }
    return BenchReport(record, log, None if out is None else Path(out))


def _family(name: str) -> Family:
    if name not in NAMES:
        close = closest(name, list(NAMES))
        hint = f" Did you mean {quoted(close)}?" if close else ""
        raise InputError(f"there is no bench of {quoted(name)}.{hint} There are: {', '.join(NAMES)}.")
    return family_of(name)


def _faults(family: Family, names: Sequence[str]) -> list[tuple[Fault, tuple[float, ...]]]:
    """The faults to plant, each at two strengths: the middle of its own list, and the last but one."""
    known = {name.removeprefix("faults."): cls for name, cls in methods("faults").items()}
    for name in names:
        if name not in known:
            close = closest(name, sorted(known))
            hint = f" Did you mean {quoted(close)}?" if close else ""
            raise InputError(f"there is no fault {quoted(name)}.{hint} There are: {', '.join(sorted(known))}.")
    chosen = names or [name for name in family.faults if name in known]
    return [(known[name](), _two(known[name].strengths)) for name in dict.fromkeys(chosen)]


def _names(family: Family, only: Sequence[str]) -> frozenset[str]:
    known = {name.rpartition(".")[2]: name for name in methods(family.name)}
    chosen = set()
    for name in (name.rpartition(".")[2] for name in only):
        if name not in known:
            close = closest(name, sorted(known))
            hint = f" Did you mean {quoted(close)}?" if close else ""
            raise InputError(f"{family.name} has no method {quoted(name)}.{hint} It has: {', '.join(sorted(known))}.")
        chosen.add(known[name])
    return frozenset(chosen)


def _two(strengths: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(dict.fromkeys((strengths[(len(strengths) - 1) // 2], strengths[max(len(strengths) - 2, 0)])))


def _training_rows(loaded: Loaded, family: Family) -> Loaded:
    """The labelled training rows and the columns that both sets have, as one table."""
    if loaded.task.kind == "none" and family.needs_target:
        raise InputError(f"a bench of {family.name} needs the column to be predicted: name it as the target.")
    frame = loaded.train.frame
    if loaded.task.kind != "none":
        target = encode_target(loaded, "train")[0]
        frame = frame.filter(target >= 0 if target.dtype.kind == "i" else np.isfinite(target))
    if loaded.test is not None:
        shared = set(loaded.test.frame.columns) | {loaded.task.target}
        frame = frame.select([name for name in frame.columns if name in shared])
    if frame.height < FEWEST:
        raise InputError(
            f"{loaded.train.path} has {frame.height} usable training rows; a bench needs at least {FEWEST}, because it "
            "learns from some of them and judges on the rest."
        )
    return loaded_with(replace(loaded, test=None), frame, None)


def _settings(family: Family, loaded: Loaded, metric: str | None, seed: int) -> Settings:
    from holdfast.ops.metrics import METRICS

    kind = loaded.task.kind
    fitting = [name for name, known in METRICS.items() if kind in known.tasks]
    if metric is not None and kind != "none" and metric not in fitting:
        raise InputError(f"metric {quoted(metric)} does not fit a {kind} target. Take one of: {', '.join(fitting)}.")
    return Settings(seed=seed, metric=family.metric(kind, metric), folds=5)


def _refuse_nothing_planted(family: Family, results: Results) -> None:
    if any(planting.strength for planting in results.plantings):
        return
    reasons = "; ".join(f"{name}: {reason}" for name, reason in results.not_planted.items())
    raise InputError(f"no fault that a bench of {family.name} plants has a place in these data. {reasons}")


def _data(loaded: Loaded, used: Loaded) -> dict[str, Any]:
    try:
        features = [column.name for column in fresh_facts(loaded, Settings())["features"]]
    except NotApplicable as problem:
        raise InputError(str(problem)) from None
    return {
        "path": loaded.train.path, "fingerprint": loaded.train.fingerprint, "rows": loaded.train.frame.height,
        "used_rows": used.train.frame.height, "features": features, "target": loaded.task.target,
        "task": loaded.task.kind,
    }  # fmt: skip
