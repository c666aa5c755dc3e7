"""The facts that checks read (holdfast.audit.facts): computed when first asked for, once, and handed out read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import cache
from inspect import Parameter, getmembers, isfunction, signature
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.check import NotApplicable
from holdfast.audit.facts import arrays, data, model
from holdfast.audit.load import DataSet, InputError, Loaded
from holdfast.audit.records import ColumnRecord
from holdfast.audit.settings import Settings


class Probes:
    """Facts by name. A fact that could not be had raises the same exception every time it is asked for."""

    def __init__(self, **given: Any) -> None:
        self._known: dict[str, Any] = given
        self._failed: dict[str, Exception] = {}
        self._functions = _functions()

    def __getitem__(self, name: str) -> Any:
        if name == "facts":  # all of them, for a method that says only when it is chosen what it reads
            return self
        if name in self._failed:
            raise copy(self._failed[name])
        if name not in self._known:
            if name not in self._functions:
                raise KeyError(f"no fact named {name!r}; there are: {', '.join([*self._known, *self._functions])}")
            try:
                self._known[name] = _locked(self._functions[name](**self.of(self._functions[name])))
            except (NotApplicable, InputError) as problem:
                self._failed[name] = copy(problem)  # its trace would hold these facts, and they it
                raise
        return self._known[name]

    def of(self, reader: Callable[..., Any]) -> dict[str, Any]:
        """The facts that a function or bound method names as arguments; one with a default may be missing."""
        return {name: self._argument(name, part) for name, part in signature(reader).parameters.items()}

    def _argument(self, name: str, part: Parameter) -> Any:
        if part.annotation == "Later":
            return lambda: self[name]
        if part.default is Parameter.empty:
            return self[name]
        try:
            return self[name]
        except NotApplicable:
            return part.default

    def with_tables(self, loaded: Loaded, settings: Settings) -> Probes:
        """The same facts over other tables of the same task.

        What is read off the tables is read again; where it comes out equal, what was derived from it is kept. A change
        of labels keeps the encoder, the neighbours and the test matrix; a change of the test set keeps every fit.
        `settings` may differ in what is shown, not in what is computed.
        """
        given = {name: self._known[name] for name in ("given_model", "given_proba") if name in self._known}
        fresh = Probes(**given, loaded=loaded, settings=settings)
        read = _read_off()
        changed = {name for name in read if not self._agrees(name, fresh)}
        for ours, theirs in ((self._known, fresh._known), (self._failed, fresh._failed)):
            kept = {name: value for name, value in ours.items() if name not in read and not _reads(name) & changed}
            theirs.update({name: value for name, value in kept.items() if name not in theirs})
        if given.get("given_proba") is not None and changed & {"test_rows", "test_cells"}:
            fresh._failed["test_predicted"] = NotApplicable("probabilities were given for the untouched test rows only")
        return fresh

    def _agrees(self, name: str, other: Probes) -> bool:
        """Whether a fact that somebody asked for comes out equal, or is missing, in both."""
        if name not in self._known and name not in self._failed:
            return True  # nothing rests on it yet
        return _equal(*(_try(facts, name) for facts in (self, other)))


@cache
def _reads(name: str) -> frozenset[str]:
    """The facts read off the tables that a fact is derived from; such a fact itself is judged by its value alone."""
    if name in _read_off():
        return frozenset([name])
    function = _functions().get(name)
    parts = signature(function).parameters if function else ()
    return frozenset().union(*map(_reads, parts))


def derived_from(asked: Iterable[str]) -> set[str]:
    """These facts and everything that they are derived from."""
    names: set[str] = set()
    waiting = list(asked)
    while waiting:
        name = waiting.pop()
        if name not in names and name in _functions():
            waiting += signature(_functions()[name]).parameters
        names.add(name)
    return names


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    return {**_public(data), **_public(arrays), **_public(model)}


@cache
def _read_off() -> frozenset[str]:
    """Facts that are read off the tables and cost next to nothing: compared by value where the tables change."""
    return frozenset(_public(data))


def _public(module: ModuleType) -> dict[str, Callable[..., Any]]:
    members = getmembers(module, isfunction)
    return {name: made for name, made in members if made.__module__ == module.__name__ and not name.startswith("_")}


def _try(facts: Probes, name: str) -> Any:
    try:
        return facts[name]
    except (NotApplicable, InputError) as problem:
        return str(problem)


def _equal(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if isinstance(old, pl.DataFrame) and isinstance(new, pl.DataFrame):
        return old.schema == new.schema and old.equals(new)
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return old.dtype == new.dtype and np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    if isinstance(old, DataSet) and isinstance(new, DataSet):
        return _equal(old.frame, new.frame)
    if isinstance(old, tuple) and isinstance(new, tuple) and old and isinstance(old[0], ColumnRecord):
        return [(c.name, c.role, c.kind) for c in old] == [(c.name, c.role, c.kind) for c in new]
    return type(old) is type(new) and bool(old == new)


def _locked(value: Any) -> Any:
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, np.ndarray):
            part.flags.writeable = False
    return value
