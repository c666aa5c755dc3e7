"""The laws of every method."""

from __future__ import annotations

import pickle
import re
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from inspect import getdoc, signature
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from holdfast.core import Estimate, Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.running import (
    Law,
    Worlds,
    call,
    chosen,
    draw,
    first,
    home,
    numbers,
    per_row,
    run,
    same,
    usual,
)
from holdfast.vocabulary import ARGUMENTS, NotFittedError, argument


def clones_and_pickles(cls: type[Method], worlds: Worlds) -> None:
    """`get_params`, `set_params`, scikit-learn's `clone` and pickle keep the settings and the results."""
    from sklearn.base import clone

    method = cls()
    assert clone(method).get_params() == method.get_params(), "clone changes the settings"
    method, result = usual(cls, worlds)
    copy = pickle.loads(pickle.dumps(method))
    assert same(result, call(copy, first(cls, worlds).evidence)), "pickling changes the result"
    try:
        method.set_params(no_such_setting=1)
    except ValueError:
        return
    raise AssertionError("set_params accepts an unknown setting")


def same_seed_same_bits(cls: type[Method], worlds: Worlds) -> None:
    """Two runs agree to the bit and leave numpy's global generator alone."""
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002 - it is watched, not used
    assert same(usual(cls, worlds)[1], run(cls(), first(cls, worlds))), "two runs differ"
    after = np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    assert (before == after).all(), "the global generator was used"


def inputs_left_alone(cls: type[Method], worlds: Worlds) -> None:
    """Read-only arrays are enough: nothing given in is written to."""
    world = first(cls, worlds)

    def locked(values: Mapping[str, Any]) -> dict[str, Any]:
        held = {}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.flags.writeable = False
            held[name] = value
        return held

    try:
        run(cls(), World(locked(world.evidence), world.truth, locked(world.train)))
    except ValueError as problem:
        raise AssertionError(f"an argument is written to ({problem})") from None


def every_setting_changes_something(cls: type[Method], worlds: Worlds) -> None:
    """Every setting that is not declared `silent` changes the result in some world."""
    hints = get_type_hints(cls)
    silent = getattr(cls, "silent", ())
    homes = [draw(worlds[name]) for name in home(cls, worlds)]

    @cache
    def given(place: int) -> Any:
        return _tried(cls, {}, homes[place]) if place else usual(cls, worlds)[1]

    for name, default in cls.settings().items():
        if name in silent:
            continue
        others = _other_values(hints[name], default)
        assert others, f"setting {name!r} of type {hints[name]} has no alternative that the law can try"
        tries = ((place, value) for value in others for place in range(len(homes)))
        changed = any(not same(given(place), _tried(cls, {name: value}, homes[place])) for place, value in tries)
        assert changed, f"setting {name!r} changes nothing (tried {others})"


def _tried(cls: type[Method], settings: dict[str, Any], world: World) -> Any:
    try:
        return run(cls(**settings), world)
    except ValueError:  # refusing a value is a change too
        return np.array([np.nan])


def _other_values(hint: Any, default: Any) -> list[Any]:
    if get_origin(hint) is Literal:
        return [value for value in get_args(hint) if value != default]
    options = [hint, *get_args(hint)]
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int) or (default is None and int in options):
        base = 3 if default is None else int(default)
        return [base + 1, max(1, base // 2), base * 3 + 2]
    if isinstance(default, float) or (default is None and float in options):
        size = 0.37 if default is None else float(default)
        return [size * 0.5 + 0.01, size * 1.7, size * 0.05]
    if isinstance(default, tuple) and default:
        return [default[:1], default[1:], default[::-1]]
    return []


def asks_to_be_fitted(cls: type[Method], worlds: Worlds) -> None:
    """A method with a `fit` says so when its verb is called first."""
    if "fit" not in cls.__dict__:
        return
    try:
        call(cls(), first(cls, worlds).evidence)
    except NotFittedError as problem:
        assert cls.__name__ in str(problem), "the message does not name the method"
        return
    raise AssertionError("the verb runs unfitted")


def extremes_stay_finite(cls: type[Method], worlds: Worlds) -> None:
    """Logits x 1e4, probabilities of exactly 0 and 1, a constant column, large values: finite, or one clear error."""
    for name in home(cls, worlds)[:2]:
        world = draw(worlds[name])
        for change in (_harden, _constant_column, partial(_scaled, by=1e6), partial(_scaled, by=1e-6)):
            _finite_or_clear(cls, World(change(world.evidence), world.truth, change(world.train)), change)


def few_rows_are_finite_or_refused(cls: type[Method], worlds: Worlds) -> None:
    """One row and one class: a finite answer, or a `ValueError` from us."""
    world = first(cls, worlds)
    one = partial(per_row, take=lambda array, axis: np.take(array, [0], axis=axis))
    _finite_or_clear(cls, World(one(world.evidence), None, world.train), one)
    _finite_or_clear(cls, World(_one_class(world.evidence), None, _one_class(world.train)), _one_class)


def _finite_or_clear(cls: type[Method], world: World, change: Any) -> None:
    label = getattr(change, "__name__", getattr(getattr(change, "func", None), "__name__", str(change)))
    with np.errstate(all="ignore"):
        try:
            result = run(cls(), world)
        except ValueError as problem:
            assert len(str(problem)) > 20, f"after {label} the error says too little: {problem!r}"
            return
    found = numbers(result[:4] if isinstance(result, Estimate) else result)
    if getattr(cls, "gives", "") == "intervals":  # the whole line is an honest answer
        found = np.where(np.isinf(found), 0.0, found)
    assert np.isfinite(found).all(), f"after {label} the result is not finite"


def _changed(evidence: Mapping[str, Any], kind: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    entries = {name: argument(name) for name in evidence}
    return {
        name: change(np.asarray(value)) if value is not None and entry is not None and entry.kind == kind else value
        for (name, value), entry in zip(evidence.items(), entries.values(), strict=True)
    }


def _harden(evidence: Mapping[str, Any]) -> dict[str, Any]:
    def one_hot(probs: np.ndarray) -> np.ndarray:
        return (probs == probs.max(axis=-1, keepdims=True)).astype(probs.dtype)

    hard = _changed(evidence, "simplex", lambda probs: one_hot(probs) / one_hot(probs).sum(axis=-1, keepdims=True))
    return {name: np.asarray(value) * 1e4 if name.endswith("logits") else value for name, value in hard.items()}


def _constant_column(evidence: Mapping[str, Any]) -> dict[str, Any]:
    def flatten(array: np.ndarray) -> np.ndarray:
        array = np.array(array)
        array[..., 0] = 1.0
        return array

    return {name: flatten(np.asarray(v)) if name.endswith("X") else v for name, v in evidence.items()}


def _scaled(evidence: Mapping[str, Any], by: float) -> dict[str, Any]:
    return {
        name: np.asarray(v) * by if name.endswith(("X", "_x")) or name == "x" else v for name, v in evidence.items()
    }


def _one_class(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.zeros_like(v) if name.endswith("y") else v for name, v in evidence.items()}


def both_float_widths(cls: type[Method], worlds: Worlds) -> None:
    """float32 in gives what float64 gives, to about three digits; ranks for scores."""
    world = first(cls, worlds)

    def narrow(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            n: v.astype(np.float32) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for n, v in values.items()
        }

    wide = numbers(usual(cls, worlds)[1])
    thin = numbers(run(cls(), World(narrow(world.evidence), world.truth, narrow(world.train))))
    assert wide.shape == thin.shape, "shapes differ between float32 and float64"
    scale = float(np.nanstd(wide)) or float(np.nanmax(np.abs(wide))) or 1.0
    worst = float(np.nanmedian(np.abs(wide - thin)) / scale)
    assert worst < 0.02, f"the median difference is {worst:.3g} of the spread"


def memory_grows_as_declared(cls: type[Method], worlds: Worlds) -> None:
    """Four times the rows take at most about four times the memory (declared "linear")."""
    if cls.memory != "linear":
        return
    world = first(cls, worlds)
    usual(cls, worlds)  # imports and caches are not the method's growth
    peaks = [_peak(cls, world, copies) for copies in (4, 16)]
    floor = 1 << 20  # below a megabyte constants dominate
    ratio = peaks[1] / max(peaks[0], floor)
    assert ratio < 4 * 1.7, f"4x the rows took {ratio:.1f}x the memory ({peaks[0]} -> {peaks[1]} bytes)"


def _peak(cls: type[Method], world: World, copies: int) -> int:
    """Peak bytes of a run on `copies` of the rows, slightly jittered so that no two rows are equal."""
    rng = np.random.default_rng(0)

    def repeat(array: np.ndarray, axis: int) -> np.ndarray:
        return np.concatenate([array] * copies, axis=axis)

    def grown(values: Mapping[str, Any]) -> dict[str, Any]:
        larger = per_row(values, repeat)
        return {n: v + rng.normal(0, 1e-3, v.shape) * v.std() if n.endswith("X") else v for n, v in larger.items()}

    big = World(grown(world.evidence), world.truth, grown(world.train))
    tracemalloc.start()
    try:
        run(cls(), big)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bad_input_gives_one_clear_error(cls: type[Method], worlds: Worlds) -> None:
    """Empty, NaN, wrong length, logits for probabilities: one `ValueError` that names the argument."""
    world = first(cls, worlds)
    method = usual(cls, worlds)[0] if "fit" in cls.__dict__ else cls()
    names = list(chosen(getattr(cls, cls.verbs[0]), world.evidence))
    for name in names:
        for label, value in _spoiled(name, world.evidence[name]):
            try:
                call(method, {**world.evidence, name: value})
            except ValueError as problem:
                assert re.search(r"\b(" + "|".join(names) + r")\b", str(problem)), f"{label} {name}: {problem}"
                continue
            raise AssertionError(f"{label} {name} is accepted")


def _spoiled(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    entry = argument(name)
    if entry is None or not entry.dims:
        return
    array = np.asarray(value)
    yield "empty", array[:0]
    yield ("numbers for", np.ones(array.shape)) if entry.kind == "text" else ("text", np.full(array.shape, "a"))
    if entry.kind in ("real", "simplex", "positive", "mixture", "log_probs", "spreads"):
        spoiled = array.astype(float, order="C")  # so that the flat view below is no copy
        spoiled.reshape(-1)[0] = np.nan
        yield "NaN in", spoiled
    if entry.kind == "simplex":
        yield "logits for", array * 9 - 4
    if entry.kind == "log_probs":
        yield "losses for", -array
    if entry.kind == "codes":
        yield "negative", array - array.max() - 1


def docstring_is_complete(cls: type[Method], worlds: Worlds) -> None:  # noqa: ARG001
    """Says when to use it and when it fails; its example sets every setting that matters to a non-default value."""
    text = getdoc(cls) or ""
    assert text and cls.__doc__ is not None, "no docstring"
    assert re.search(r"\b[Uu]se it\b", text), "the docstring does not say 'Use it when ...'"
    assert re.search(r"\bfails\b", text), "the docstring does not say when it fails"
    assert ">>>" in text, "the docstring has no example"
    for name in cls.settings():
        if name not in getattr(cls, "silent", ()):
            assert re.search(rf"\b{name}=", text), f"no example sets {name!r}"


def arguments_are_in_the_vocabulary(cls: type[Method], worlds: Worlds) -> None:  # noqa: ARG001
    """Every argument of a verb is defined in `holdfast.vocabulary`."""
    for verb in ("fit", *cls.verbs):
        if verb in cls.__dict__:
            for name in list(signature(cls.__dict__[verb]).parameters)[1:]:
                assert argument(name) is not None, f"{verb}({name}) is not in the vocabulary: {', '.join(ARGUMENTS)}"


def claims_name_worlds(cls: type[Method], worlds: Worlds) -> None:
    """Claimed and blind worlds exist, and something is claimed."""
    assert cls.claims, "claims no world"
    for name in (*cls.claims, *cls.blind):
        assert name in worlds, f"no world {name!r}; there are: {', '.join(worlds)}"


DOCUMENTED: tuple[Law, ...] = (docstring_is_complete, arguments_are_in_the_vocabulary)
LAWS: tuple[Law, ...] = (
    clones_and_pickles,
    same_seed_same_bits,
    inputs_left_alone,
    every_setting_changes_something,
    asks_to_be_fitted,
    extremes_stay_finite,
    few_rows_are_finite_or_refused,
    both_float_widths,
    memory_grows_as_declared,
    bad_input_gives_one_clear_error,
    *DOCUMENTED,
    claims_name_worlds,
)
