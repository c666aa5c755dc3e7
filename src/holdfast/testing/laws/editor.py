"""The laws of editors of weights: what is given in stays as it is, and what comes out is a better model of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.common import DOCUMENTED, _other_values, claims_name_worlds
from holdfast.testing.laws.running import SEEDS, Law, Worlds, call, first, home


def clones_and_pickles(cls: type[Method], worlds: Worlds) -> None:
    """`get_params`, scikit-learn's `clone` and pickle keep the settings and the results."""
    import pickle

    from sklearn.base import clone

    method, world = cls(), first(cls, worlds)
    assert clone(method).get_params() == method.get_params(), "clone changes the settings"
    again = pickle.loads(pickle.dumps(method))
    assert _same(call(method, world.evidence), call(again, world.evidence)), "pickling changes the result"


def same_seed_same_bits(cls: type[Method], worlds: Worlds) -> None:
    """Two runs agree to the bit and leave the global generators alone."""
    import torch

    world = first(cls, worlds)
    before = torch.get_rng_state()
    assert _same(call(cls(), world.evidence), call(cls(), world.evidence)), "two runs differ"
    assert torch.equal(before, torch.get_rng_state()), "torch's global generator was used"


def models_given_in_are_left_alone(cls: type[Method], worlds: Worlds) -> None:
    """Every weight, mode and hook of every model is as it was."""
    world = first(cls, worlds)
    before = _weights(world.evidence)
    call(cls(), world.evidence)
    after = _weights(world.evidence)
    assert len(before) == len(after) > 0
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "a model given in was changed"


def every_setting_changes_something(cls: type[Method], worlds: Worlds) -> None:
    """Every setting that is not declared `silent` changes the result in some world."""
    from typing import get_type_hints

    hints = get_type_hints(cls)
    homes = [worlds[name](0) for name in home(cls, worlds)]
    for name, default in cls.settings().items():
        if name in getattr(cls, "silent", ()):
            continue
        tried = _other_values(hints[name], default)
        changed = any(
            not _same(call(cls(), world.evidence), _tried(cls, {name: value}, world))
            for value in tried
            for world in homes
        )
        assert changed, f"setting {name!r} changes nothing (tried {tried})"


def keys_shapes_and_types_stay(cls: type[Method], worlds: Worlds) -> None:
    """The result has the same tensors as the model given in, in every world, and is in evaluation mode."""
    for name in (*cls.claims, "none"):
        world = worlds[name](0)
        given, made = _state(_model(world.evidence)), call(cls(), world.evidence)
        assert not getattr(made, "training", False), "the result is in training mode"
        state = _state(made)
        assert list(state) == list(given), f"other tensors in {name!r}"
        for key, value in given.items():
            assert state[key].shape == value.shape and state[key].dtype == value.dtype, f"{key} changes in {name!r}"
            assert bool(state[key].isfinite().all()), f"{key} is not finite in {name!r}"


def twins_become_themselves(cls: type[Method], worlds: Worlds) -> None:
    """A model merged with a copy of itself is that model."""
    world = worlds["none"](0)
    given, made = _state(_model(world.evidence)), _state(call(cls(), world.evidence))
    worst = max(float((made[key].double() - value.double()).abs().max()) for key, value in given.items())
    assert worst < 1e-5, f"a weight of a model that is merged with itself moves by {worst:.2g}"


def half_precision_stays_half_precision(cls: type[Method], worlds: Worlds) -> None:
    """State dicts in bfloat16 come out in bfloat16, close to what float32 gives."""
    import torch

    world = worlds["none"](0)
    if "models" not in _names(cls) or "evaluate" in _names(cls):
        return
    halves = [{k: v.to(torch.bfloat16) for k, v in _state(model).items()} for model in world.evidence["models"]]
    made = call(cls(), {**world.evidence, "models": halves})
    assert all(value.dtype == torch.bfloat16 for value in made.values()), "bfloat16 does not stay bfloat16"
    worst = max(float((made[key].float() - value.float()).abs().max()) for key, value in halves[0].items())
    assert worst < 0.02, f"a weight moves by {worst:.2g} in bfloat16"


def beats_the_bar_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds the score is above what is had without the method; where it says it is blind, it is not."""
    for name in (*cls.claims, *cls.blind):
        gains = [_gain(cls, worlds[name](seed)) for seed in SEEDS]
        said = f"scores {np.round(gains, 3).tolist()} above the bar in {name!r}"
        if name in cls.claims:
            assert np.mean(gains) > 0 and min(gains) > -0.01, f"{said}, which it claims"
        else:
            assert np.mean(gains) <= 0, f"{said}, where it says it is blind"


def _gain(cls: type[Method], world: World) -> float:
    trial = world.truth
    if isinstance(trial, dict):
        trial = trial["aligned" if "reference" in _names(cls) else "soup"]
    return trial.score(call(cls(), world.evidence)) - trial.bar


def _names(cls: type[Method]) -> set[str]:
    from inspect import signature

    return set(signature(cls.edit).parameters)  # type: ignore[attr-defined]


def _tried(cls: type[Method], settings: dict[str, Any], world: World) -> Any:
    try:
        return call(cls(**settings), world.evidence)
    except ValueError:  # refusing a value is a change too
        return None


def _model(evidence: Mapping[str, Any]) -> Any:
    return evidence["models"][0] if "models" in evidence else evidence["model"]


def _state(model: Any) -> Mapping[str, Any]:
    return model.state_dict() if hasattr(model, "state_dict") else model


def _weights(evidence: Mapping[str, Any]) -> list[np.ndarray]:
    models = [*evidence.get("models", ()), *(evidence[name] for name in ("model", "reference") if name in evidence)]
    return [value.numpy().copy() for model in models for value in _state(model).values()]


def _same(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    one, other = _state(left), _state(right)
    return list(one) == list(other) and all(bool((one[key] == other[key]).all()) for key in one)


LAWS: tuple[Law, ...] = (
    clones_and_pickles,
    same_seed_same_bits,
    models_given_in_are_left_alone,
    every_setting_changes_something,
    keys_shapes_and_types_stay,
    twins_become_themselves,
    half_precision_stays_half_precision,
    beats_the_bar_where_it_claims_to,
    *DOCUMENTED,
    claims_name_worlds,
)
