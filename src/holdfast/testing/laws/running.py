"""Running a method in a world: what the laws of all roles stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

import numpy as np

from holdfast.core import Estimate, Method
from holdfast.faults.worlds import World
from holdfast.vocabulary import argument

Worlds = Mapping[str, Callable[[int], World]]
Law = Callable[[type[Method], Worlds], None]

SEEDS = range(3)  # draws of a world for verdicts about ranking
DRAWS = 60  # draws for verdicts about error rates
FOUND = 0.70  # least mean AUROC (rows) or adjusted Rand index x 1.4 (groups) in a claimed world
BLIND = 0.65  # most mean AUROC in a world where the method says it is blind


@lru_cache(maxsize=160)
def draw(make: Callable[[int], World], seed: int = 0) -> World:
    """A draw of a world. Laws share it: methods leave alone what they are given (`inputs_left_alone`)."""
    return make(seed)


def usual(cls: type[Method], worlds: Worlds) -> tuple[Method, Any]:
    """The method with its usual settings after a run in its first world, and what it gave."""
    return _usual(cls, worlds[home(cls, worlds)[0]])  # type: ignore[arg-type]  # classes can be hashed


@lru_cache(maxsize=1)  # laws come class by class
def _usual(cls: type[Method], make: Callable[[int], World]) -> tuple[Method, Any]:
    method = cls()
    return method, run(method, draw(make))


def run(method: Method, world: World) -> Any:
    """Fit (where there is something to fit) and call the verb with what the world holds."""
    if "fit" in type(method).__dict__:
        method.fit(**chosen(type(method).fit, {**world.evidence, **world.train}))  # type: ignore[attr-defined]
    return call(method, world.evidence)


def call(method: Method, evidence: Mapping[str, Any]) -> Any:
    """Call the verb with the arguments that it names."""
    verb = getattr(type(method), method.verbs[0])
    return verb(method, **chosen(verb, evidence))


def chosen(verb: Callable[..., Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a verb names, out of what a world holds."""
    found = {}
    for name, parameter in list(signature(verb).parameters.items())[1:]:
        if parameter.kind is Parameter.VAR_KEYWORD:
            continue
        if name in evidence:
            found[name] = evidence[name]
        elif parameter.default is Parameter.empty:
            raise AssertionError(f"no world of the family offers the argument {name!r}")
    return found


def home(cls: type[Method], worlds: Worlds) -> list[str]:
    """The worlds whose evidence the method can take: what it claims first, then the rest."""
    names = [*cls.claims, *cls.blind, *worlds]
    fitting = []
    for name in dict.fromkeys(names):
        try:
            takes(cls, draw(worlds[name]))
            fitting.append(name)
        except AssertionError:
            continue
    assert fitting, "no world of the family offers the arguments of this method"
    return fitting


def takes(cls: type[Method], world: World) -> None:
    """Raises `AssertionError` where the world lacks an argument of the method."""
    if "fit" in cls.__dict__:
        chosen(cls.fit, {**world.evidence, **world.train})  # type: ignore[attr-defined]
    chosen(getattr(cls, cls.verbs[0]), world.evidence)


def first(cls: type[Method], worlds: Worlds) -> World:
    """A draw of the first world whose evidence the method can take."""
    return draw(worlds[home(cls, worlds)[0]])


def numbers(result: Any) -> np.ndarray:
    """A result as one flat array of numbers, so that results of every role can be compared."""
    if isinstance(result, Estimate):
        return np.array([np.nan if part is None else part for part in result], dtype=float)
    if isinstance(result, Mapping):
        return np.concatenate([numbers(value) for value in result.values()])
    if isinstance(result, (tuple, list)):
        return np.concatenate([numbers(value) for value in result])
    return np.asarray(result, dtype=float).ravel()


def same(left: Any, right: Any, tolerance: float = 0.0) -> bool:
    """True where two results hold the same numbers, NaN equal to NaN."""
    a, b = numbers(left), numbers(right)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def row_count(world: World) -> int:
    """The rows of a world that holds one sample; 0 where it holds none."""
    for name, value in world.evidence.items():
        entry = argument(name)
        if entry is not None and entry.dims[:1] == ("n",):
            return len(value)
    return 0


def per_row(evidence: Mapping[str, Any], take: Callable[[np.ndarray, int], np.ndarray]) -> dict[str, Any]:
    """Apply `take(array, axis)` to every argument that has rows (`n`, of one sample or of either of two)."""
    changed = dict(evidence)
    for name, value in evidence.items():
        entry = argument(name)
        if entry is None or value is None:
            continue
        for axis, dim in enumerate(entry.dims):
            if dim in ("n", "ref_n", "cur_n"):
                changed[name] = take(np.asarray(value), axis)
    return changed


def fits(cls: type[Method], make: Callable[[int], World]) -> bool:
    """True where the method can take what the world holds."""
    try:
        takes(cls, draw(make))
    except AssertionError:
        return False
    return True


def binomial_upper(draws: int, rate: float, tail: float = 1e-4) -> int:
    """The largest count out of `draws` that chance allows at this rate."""
    from scipy.stats import binom

    return int(binom.ppf(1 - tail, draws, rate))
