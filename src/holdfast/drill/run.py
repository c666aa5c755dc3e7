"""The drill from end to end: read, ask about the untouched tables, deal them anew, plant, and sum up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import holdfast
from holdfast.audit.journal import Journal
from holdfast.audit.load import InputError, Loaded, load
from holdfast.audit.settings import Settings
from holdfast.drill.ground import Ground
from holdfast.drill.looks import Looks, Progress
from holdfast.drill.plan import chosen_checks, chosen_faults
from holdfast.drill.result import Drill, summary


def drill(
    train: Any,
    test: Any = None,
    *,
    target: str | None = None,
    faults: Sequence[str] = (),
    checks: Sequence[str] = (),
    draws: int = 20,
    seed: int = 0,
    max_rows: int = 20_000,
    minutes: float | None = None,
    roles: Mapping[str, str] | None = None,
    task: str | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Drill:
    """Plant graded faults in copies of your data and say, check by check, what an audit would miss.

    Parameters
    ----------
    train, test, target, roles, task
        As in `holdfast.audit`. Without `test`, a random third of the rows plays the test set.
    faults, checks
        Names of `holdfast.faults` and codes of checks; all where none is given. A check is asked about the faults
        that it declares.
    draws
        Copies at each strength at most, and deals for the false-alarm rate, at least 5. A sequential test stops
        earlier: of strengths found with probability 0.9 it takes at most 5 % for missed, of those found with
        probability 0.7 at most 5 % for found; the rate decides where `draws` are spent first.
    seed
        Of every random choice. What plants and what looks read different streams.
    max_rows
        Rows of each set at most; where every copy asks for new fits, 2,000. More are drawn at random, and it is said.
    minutes
        Stop before a look that would begin later; with `out`, the same call goes on from there.
    out
        Folder of the journal of looks: a killed drill resumes from it. None keeps looks in memory.
    progress
        Called with (stage, looks done, looks expected).

    Returns
    -------
    Drill
        `.to_dict()`, `.save(folder)`; shows itself in a notebook.

    Raises
    ------
    InputError
        A `ValueError` that says what is wrong with the input or the journal, where, and what to do.

    Examples
    --------
    >>> from holdfast.datasets import heart_disease
    >>> done = holdfast.drill(heart_disease()[0], target="disease", checks=["DUP001"], draws=5)
    >>> curve = done.to_dict()["checks"][0]["faults"][0]
    >>> curve["fault"], curve["smallest"]
    ('ExactDuplicates', 0.005)
    """
    started = time.perf_counter()
    picked, names = chosen_checks(checks), chosen_faults(faults)
    for name, value, least in (("draws", draws, 5), ("max_rows", max_rows, 100)):
        if value < least:
            raise InputError(f"{name} is {value}; expected at least {least}.")
    loaded = load(train, test, target=target, roles=dict(roles or {}), task=task)
    settings = Settings(seed=seed, max_rows=max_rows, quick=True)
    journal = Journal(None if out is None else Path(out) / "drill.journal", _belongs(loaded, settings, roles))
    ground = Ground(loaded, settings)
    looks = Looks(ground, settings, picked, names, draws, journal)
    try:
        is_complete = looks.take(
            progress or (lambda stage, done, total: None), None if minutes is None else started + 60 * minutes
        )
    finally:
        journal.close()
    return Drill(summary(looks, {"seed": seed, "draws": draws, "max_rows": max_rows}, is_complete))


def _belongs(loaded: Loaded, settings: Settings, roles: Mapping[str, str] | None) -> dict[str, Any]:
    """What a look depends on: a journal is resumed only where all of it is the same."""
    sets = [data.fingerprint for data in (loaded.train, loaded.test) if data is not None]
    libraries = {name: version(name) for name in ("numpy", "scikit-learn", "polars")}
    return {
        "data": sets, "target": loaded.task.target, "task": loaded.task.kind, "roles": dict(roles or {}),
        "seed": settings.seed, "max_rows": settings.max_rows,
        "versions": {"holdfast": holdfast.__version__, **libraries},
    }  # fmt: skip
