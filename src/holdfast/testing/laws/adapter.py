"""The laws of editors whose model adapts itself: never below the frozen model, and always a way back."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.faults.worlds import worlds as worlds_of
from holdfast.testing.laws.common import DOCUMENTED, _other_values, claims_name_worlds
from holdfast.testing.laws.running import Law, Worlds, call, first

HARM = 0.01  # what an adapter may lose of the frozen model's accuracy, on any stream
_OUTCOMES: dict[tuple[type[Method], str], tuple[float, list[Any]] | None] = {}  # laws share them
FEW = 6  # batches that show whether two models answer alike


def clones_and_pickles(cls: type[Method], worlds: Worlds) -> None:
    """scikit-learn's `clone` keeps the settings; a pickled adapting model goes on where it was."""
    from sklearn.base import clone

    method, world = cls(), first(cls, worlds)
    assert clone(method).get_params() == method.get_params(), "clone changes the settings"
    made = call(method, world.evidence)
    _answers(made, world)
    again = pickle.loads(pickle.dumps(made))
    assert _same(_answers(made, world), _answers(again, world)), "a pickled copy answers otherwise"


def same_seed_same_bits(cls: type[Method], worlds: Worlds) -> None:
    """Two runs agree to the bit and leave the global generators alone."""
    import torch

    world = first(cls, worlds)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    one, other = (_answers(call(cls(), world.evidence), world) for _ in range(2))
    assert _same(one, other), "two runs differ"
    assert torch.equal(before[0], torch.get_rng_state()), "torch's global generator was used"
    assert (before[1] == np.random.get_state()[1]).all(), "numpy's global generator was used"  # type: ignore  # noqa: NPY002


def models_given_in_are_left_alone(cls: type[Method], worlds: Worlds) -> None:
    """Weights, statistics, modes, hooks and frozen parameters of the model given in stay, also during a stream."""
    world = first(cls, worlds)
    model = world.evidence["model"]
    before = _everything(model)
    _answers(call(cls(), world.evidence), world)
    after = _everything(model)
    assert all(_equal(a, b) for a, b in zip(before, after, strict=True)), "the model given in was changed"


def reset_is_exact(cls: type[Method], worlds: Worlds) -> None:
    """After `reset()` the model answers as it did at first, to the bit, whatever it met in between."""
    world = first(cls, worlds)
    made = call(cls(**_ungated(cls)), world.evidence)
    one = _answers(made, world)
    _answers(made, world)
    made(world.truth.batches[0][0] * 1e6)
    made.reset()
    assert _same(one, _answers(made, world)), "the model does not come back"
    assert any(event.what == "reset" for event in made.log), "the log does not say that it was reset"


def callers_modes_do_not_matter(cls: type[Method], worlds: Worlds) -> None:
    """Training mode of the model given in or made, with or without gradients: the same answers."""
    import torch

    world = first(cls, worlds)
    one = _answers(call(cls(), world.evidence), world)
    training = copy.deepcopy(world.evidence["model"]).train()
    made = call(cls(), {**world.evidence, "model": training})
    assert _same(one, _answers(made.train(), world)), "training mode changes the answers"
    with torch.inference_mode():
        assert _same(one, _answers(call(cls(), world.evidence), world)), "inference mode changes the answers"
    assert not call(cls(), world.evidence)(world.truth.batches[0][0]).requires_grad, "answers carry a gradient"


def every_setting_changes_something(cls: type[Method], worlds: Worlds) -> None:
    """Every setting that is not declared `silent` changes the answers in some world."""
    from typing import get_type_hints

    hints = get_type_hints(cls)
    homes = [worlds[name](0) for name in dict.fromkeys((*cls.claims[:2], "sorted_by_class"))]
    usual = [_answers(call(cls(), world.evidence), world) for world in homes]
    for name, default in cls.settings().items():
        if name in getattr(cls, "silent", ()):
            continue
        tried = _other_values(hints[name], default)
        changed = any(
            not _same(answers, _tried(cls, {name: value}, world))
            for value in tried
            for world, answers in zip(homes, usual, strict=True)
        )
        assert changed, f"setting {name!r} changes nothing (tried {tried})"


def bad_batches_pass(cls: type[Method], worlds: Worlds) -> None:
    """After a batch of NaN and one of enormous numbers, the next ordinary batch is answered, and finite."""
    import torch

    world = first(cls, worlds)
    made = call(cls(), world.evidence)
    _answers(made, world)
    ordinary = world.truth.batches[0][0]
    for spoiled in (torch.full_like(ordinary, float("nan")), ordinary * 1e30):
        made(spoiled)
        assert bool(made(ordinary).isfinite().all()), "an ordinary batch is not finite after a spoiled one"


def one_row_is_enough(cls: type[Method], worlds: Worlds) -> None:
    """A batch of one row is answered at once; a batch of none is refused."""
    world = first(cls, worlds)
    for settings in ({}, _ungated(cls)):
        made = call(cls(**settings), world.evidence)
        answer = made(world.truth.batches[0][0][:1])
        assert answer.shape[0] == 1 and bool(answer.isfinite().all()), "one row is not answered"
    try:
        made(world.truth.batches[0][0][:0])
    except ValueError:
        return
    raise AssertionError("a batch without rows is accepted")


def half_precision_runs(cls: type[Method], worlds: Worlds) -> None:
    """A model in bfloat16 on a CPU adapts and answers finite numbers in bfloat16."""
    import torch

    world = first(cls, worlds)
    half = copy.deepcopy(world.evidence["model"]).to(torch.bfloat16)
    made = call(cls(**_ungated(cls)), {**world.evidence, "model": half})
    for inputs, _ in world.truth.batches[:2]:
        answer = made(inputs.to(torch.bfloat16))
        assert answer.dtype == torch.bfloat16 and bool(answer.isfinite().all()), "bfloat16 fails"


def what_cannot_adapt_is_refused(cls: type[Method], worlds: Worlds) -> None:
    """No module, or one in which there is nothing to adapt: one clear `ValueError`, or it works."""
    from torch import nn

    world = first(cls, worlds)
    bare = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    frozen = copy.deepcopy(world.evidence["model"]).requires_grad_(False)
    for model in ("a model", bare, frozen):
        try:
            made = call(cls(**_ungated(cls)), {**world.evidence, "model": model})
            made(world.truth.batches[0][0])
        except ValueError as problem:
            assert len(str(problem)) > 40, f"the error says too little: {problem!r}"
        else:
            assert isinstance(model, nn.Module), "a string is taken for a model"


def never_below_the_frozen_model(cls: type[Method], worlds: Worlds) -> None:
    """On no stream more than a point below the frozen model: shuffled, sorted, small, single, mixed, repeated, none."""
    for name in worlds:
        found = _outcome(cls, name)
        if found is not None:
            gain, log = found
            assert gain >= -HARM, f"{gain:+.3f} against the frozen model in {name!r}; the log: {log[-3:]}"


def gains_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """At least two points more right answers than the frozen model in every claimed world."""
    for name in cls.claims:
        found = _outcome(cls, name)
        assert found is not None and found[0] > 0.02, f"{found and found[0]} above the frozen model in {name!r}"
        assert worlds[name] is not None


def the_log_says_why(cls: type[Method], worlds: Worlds) -> None:  # noqa: ARG001
    """What an adapting model did is in its log, with rows and reasons, and every row is counted once."""
    world = worlds_of("adaptation")[cls.claims[0]](0)
    made = call(cls(), world.evidence)
    world.truth.accuracy(made)
    rows = sum(len(y) for _, y in world.truth.batches)
    assert made.adapted_rows + made.frozen_rows == rows, "rows are lost or counted twice"
    assert made.log and all(event.why for event in made.log), "nothing is logged"


def _outcome(cls: type[Method], name: str) -> tuple[float, list[Any]] | None:
    if (cls, name) not in _OUTCOMES:
        _OUTCOMES[cls, name] = _met(cls, name)
    return _OUTCOMES[cls, name]


def _met(cls: type[Method], name: str) -> tuple[float, list[Any]] | None:
    """Accuracy above the frozen model's and the log, None where there is no stream or the model is refused."""
    world = worlds_of("adaptation")[name](0)
    if not hasattr(world.truth, "batches"):
        return None
    try:
        made = call(cls(), world.evidence)
    except ValueError:
        return None
    return world.truth.accuracy(made) - world.truth.bar, made.log


def _answers(made: Any, world: World) -> list[Any]:
    return [made(inputs) for inputs, _ in world.truth.batches[:FEW]]


def _same(left: list[Any], right: list[Any]) -> bool:
    return all(bool((a == b).all()) for a, b in zip(left, right, strict=True))


def _tried(cls: type[Method], settings: dict[str, Any], world: World) -> list[Any]:
    try:
        return _answers(call(cls(**settings), world.evidence), world)
    except ValueError:  # refusing a value is a change too
        return [np.array([np.nan])] * min(FEW, len(world.truth.batches))


def _ungated(cls: type[Method]) -> dict[str, Any]:
    return {"gate": False} if "gate" in cls.settings() else {}


def _everything(model: Any) -> list[Any]:
    parts: list[Any] = [value.numpy().copy() for value in model.state_dict().values()]
    parts += [parameter.requires_grad for parameter in model.parameters()]
    for module in model.modules():
        parts += [module.training, len(module._forward_hooks), len(module._forward_pre_hooks)]
    return parts


def _equal(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one, other))


LAWS: tuple[Law, ...] = (
    clones_and_pickles,
    same_seed_same_bits,
    models_given_in_are_left_alone,
    reset_is_exact,
    callers_modes_do_not_matter,
    every_setting_changes_something,
    bad_batches_pass,
    one_row_is_enough,
    half_precision_runs,
    what_cannot_adapt_is_refused,
    never_below_the_frozen_model,
    gains_where_it_claims_to,
    the_log_says_why,
    *DOCUMENTED,
    claims_name_worlds,
)
