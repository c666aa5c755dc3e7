"""The laws of objectives: what comes out is a finite loss with gradients, and training by it helps where it says so."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, get_type_hints

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.common import DOCUMENTED, _other_values, asks_to_be_fitted
from holdfast.testing.laws.running import SEEDS, Law, Worlds, call, chosen, first, fits

LEAST = 0.01  # mean gain over plain training in a claimed world
HARM = 0.02  # most that may be lost where nothing is wrong
ROWS = 128  # rows of a short training


def clones_and_pickles(cls: type[Method], worlds: Worlds) -> None:
    """`get_params`, scikit-learn's `clone` and pickle keep the settings and the result."""
    from sklearn.base import clone

    world = first(cls, worlds)
    method = ready(cls(), world)
    assert clone(cls()).get_params() == cls().get_params(), "clone changes the settings"
    again = pickle.loads(pickle.dumps(method))
    assert _loss(method, world) == _loss(again, world), "pickling changes the loss"


def same_seed_same_bits(cls: type[Method], worlds: Worlds) -> None:
    """Two trainings agree to the bit and leave the global generators alone."""
    import torch

    world = first(cls, worlds)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    assert np.array_equal(_briefly(cls(), world), _briefly(cls(), world)), "two trainings differ"
    assert torch.equal(before, torch.get_rng_state()), "torch's global generator was used"
    assert (numpy_before == np.random.get_state()[1]).all(), "numpy's global generator was used"  # type: ignore[index]  # noqa: NPY002


def model_and_batch_are_left_alone(cls: type[Method], worlds: Worlds) -> None:
    """Asking for the loss changes no weight, mode or hook of the model and nothing in the batch."""
    world = first(cls, worlds)
    model, batch = world.evidence["model"], world.evidence
    label = _label(batch)
    before = [_weights(model), batch["inputs"].numpy().copy(), batch[label].numpy().copy()]
    modes = [module.training for module in model.modules()]
    _loss(ready(cls(), world), world)
    after = [_weights(model), batch["inputs"].numpy(), batch[label].numpy()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), "the model or the batch was changed"
    assert modes == [module.training for module in model.modules()], "a mode was changed"
    hooks = [m for m in model.modules() if m._forward_hooks or m._forward_pre_hooks]
    assert not hooks, "a hook stays on the model"


def every_setting_changes_something(cls: type[Method], worlds: Worlds) -> None:
    """Every setting that is not declared `silent` changes what a short training learns in some world."""
    hints = get_type_hints(cls)
    homes = [worlds[name](0) for name in _homes(cls, worlds)]
    usual = [_briefly(cls(), world) for world in homes]
    for name, default in cls.settings().items():
        if name in getattr(cls, "silent", ()):
            continue
        tried = _other_values(hints[name], default)
        changed = any(
            not np.array_equal(weights, _tried(cls, {name: value}, world))
            for value in tried
            for weights, world in zip(usual, homes, strict=True)
        )
        assert changed, f"setting {name!r} changes nothing (tried {tried})"


def loss_is_a_finite_scalar_with_gradients(cls: type[Method], worlds: Worlds) -> None:
    """In every world the loss is one finite number, and every layer that learns gets a finite gradient."""
    for name in _homes(cls, worlds):
        world = worlds[name](0)
        model, loss = world.evidence["model"], call(ready(cls(), world), world.evidence)
        assert loss.ndim == 0 and bool(loss.isfinite()), f"the loss is {loss} in {name!r}"
        import torch

        gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
        assert all(g is not None and bool(g.isfinite().all()) for g in gradients), (
            f"a gradient is not finite in {name!r}"
        )
        assert any(bool(g.abs().max() > 0) for g in gradients if g is not None), f"all gradients are 0 in {name!r}"


def training_lowers_it(cls: Any, worlds: Worlds) -> None:
    """The mean loss of the last epoch is below that of the first, in claimed worlds and where nothing is wrong."""
    for name in dict.fromkeys([*cls.claims, _quiet(cls)]):
        losses = learnt(cls, worlds[name], 0)[1]
        assert losses[-1] < losses[0], f"the loss goes from {losses[0]:.4g} to {losses[-1]:.4g} in {name!r}"


def neutral_settings_are_plain_training(cls: type[Method], worlds: Worlds) -> None:
    """At its neutral settings, where it has any, the gradients are those of cross-entropy or squared error."""
    import torch

    neutral = getattr(cls, "neutral", None)
    if neutral is None:
        return
    world = first(cls, worlds)
    model, batch = world.evidence["model"], world.evidence
    weights = list(model.parameters())
    ours = torch.autograd.grad(call(ready(cls(**neutral), world), batch), weights)
    plain = torch.autograd.grad(world.truth.simple().loss(**batch), weights)
    worst = max(float((a - b).abs().max()) for a, b in zip(ours, plain, strict=True))
    assert worst < 1e-5, f"gradients differ from those of plain training by {worst:.2g} at {neutral}"


def beats_plain_training_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """Over seeds the score is above that of plain training in claimed worlds, and not where it says it is blind."""
    for name in (*cls.claims, *cls.blind):
        gains = [gain(cls, worlds[name], seed) for seed in SEEDS]
        said = f"scores {np.round(gains, 3).tolist()} above plain training in {name!r}"
        if name in cls.claims:
            assert np.mean(gains) >= LEAST and min(gains) > -LEAST, f"{said}, which it claims"
        else:
            assert np.mean(gains) < LEAST, f"{said}, where it says it is blind"


def does_no_harm_where_nothing_is_wrong(cls: type[Method], worlds: Worlds) -> None:
    """On data without a fault, as good as plain training."""
    gains = [gain(cls, worlds[_quiet(cls)], seed) for seed in SEEDS[:2]]
    assert np.mean(gains) > -HARM, f"scores {np.round(gains, 3).tolist()} above plain training where nothing is wrong"


def bad_batches_give_one_clear_error(cls: type[Method], worlds: Worlds) -> None:
    """Labels of a class that the model lacks, too few labels: a `ValueError`. One class or row: finite, or an error."""
    world = first(cls, worlds)
    for label, batch in _spoiled(world.evidence):
        try:
            call(ready(cls(), world), batch)
        except ValueError as problem:
            assert len(str(problem)) > 20, f"{label}: the error says too little: {problem!r}"
            continue
        raise AssertionError(f"{label} is accepted")
    for label, batch in _poor(world.evidence):
        try:
            loss = call(ready(cls(), world), batch)
        except ValueError as problem:
            assert len(str(problem)) > 20, f"{label}: the error says too little: {problem!r}"
            continue
        assert bool(loss.isfinite()), f"the loss of {label} is {loss}"


def missing_numbers_stop_training(cls: type[Method], worlds: Worlds) -> None:
    """NaN among the inputs: one clear error, or the loop stops and keeps the state before."""
    from holdfast.nets.training import DivergedWarning

    world = first(cls, worlds)
    spoiled = world.truth.loader.take(_first_rows(world))
    spoiled["inputs"] = spoiled["inputs"].clone()
    spoiled["inputs"][3, 0] = float("nan")
    lesson = world.truth._replace(loader=[spoiled])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergedWarning)
        try:
            run = lesson.train(ready(cls(), world), epochs=1)
        except ValueError as problem:
            assert len(str(problem)) > 20, f"the error says too little: {problem!r}"
            return
    assert run.diverged, "a loss over missing numbers passes for a loss"
    assert np.isfinite(_weights(run.model)).all(), "the state that was kept is not finite"


def half_precision_works(cls: type[Method], worlds: Worlds) -> None:
    """Under bfloat16 autocast a short training stays finite and moves the weights."""
    world = first(cls, worlds)
    made = _briefly(cls(), world, precision="bfloat16")
    assert np.isfinite(made).all() and not np.array_equal(made, _weights(world.evidence["model"])), "nothing was learnt"


def something_is_said_of_a_world(cls: type[Method], worlds: Worlds) -> None:
    """The worlds where it helps, or where it was found not to, are named and exist."""
    assert cls.claims or cls.blind, "neither claims a world nor says where it is blind"
    for name in (*cls.claims, *cls.blind):
        assert name in worlds, f"no world {name!r}; there are: {', '.join(worlds)}"


# --- training -------------------------------------------------------------------------------------------------
def ready(method: Any, world: World) -> Any:
    """The objective, fitted on what the world has to learn from where it asks to be."""
    if "fit" in type(method).__dict__:
        method.fit(**chosen(type(method).fit, {**world.evidence, **world.train}))
    return method


@cache
def learnt(cls: Any, make: Callable[[int], World], seed: int) -> tuple[float, tuple[float, ...]]:
    """The score after training by the objective, and the mean loss of every epoch."""
    world = make(seed)
    method = ready(cls(), world)
    run = world.truth.train(method)
    assert not run.diverged, f"training diverged: {run.diverged}"
    return world.truth.score(assembled(method, run.model)), run.losses


def assembled(method: Any, model: Any) -> Any:
    """The network to use after training."""
    return method.assembled(model) if hasattr(method, "assembled") else model


def gain(cls: Any, make: Callable[[int], World], seed: int) -> float:
    """How far the score is above that of plain training."""
    return learnt(cls, make, seed)[0] - make(seed).truth.plain()


def _quiet(cls: Any) -> str:
    return str(cls.quiet)


def _homes(cls: type[Method], worlds: Worlds) -> list[str]:
    """The worlds that the objective speaks of, and the quiet one."""
    spoken = dict.fromkeys([*cls.claims, *cls.blind, _quiet(cls)])
    return [name for name in spoken if fits(cls, worlds[name])]


def _loss(method: Any, world: World) -> float:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return float(call(method, world.evidence).detach())


def _briefly(method: Any, world: World, **settings: Any) -> np.ndarray:
    """The weights to be used after three epochs on a few rows, twice the same ones where a batch needs company."""
    batch = world.truth.loader.take(_first_rows(world))
    halves = [{name: value[part] for name, value in batch.items()} for part in (slice(0, 64), slice(64, ROWS))]
    loader = _Sized(halves, world.truth.loader.rows)
    run = world.truth._replace(loader=loader).train(ready(method, world), epochs=3, **settings)
    return _weights(assembled(method, run.model))


class _Sized(list[Any]):
    def __init__(self, batches: list[Any], rows: int) -> None:
        super().__init__(batches)
        self.rows = rows


def _first_rows(world: World) -> Any:
    import torch

    return torch.from_numpy(np.random.default_rng(0).permutation(world.truth.loader.rows)[:ROWS])


def _tried(cls: type[Method], settings: dict[str, Any], world: World) -> np.ndarray:
    try:
        return _briefly(cls(**settings), world)
    except ValueError:  # refusing a value is a change too
        return np.array([np.nan])


def _label(batch: Any) -> str:
    return "y" if "y" in batch else "target"


def _spoiled(batch: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if "y" not in batch:
        yield "half the targets", {**batch, "target": batch["target"][:32]}
        yield "targets of two columns", {**batch, "target": batch["target"][:, None].repeat(1, 2)}
        yield "class codes for targets", {**batch, "target": batch["target"].long()}
        return
    yield "a class that the model lacks", {**batch, "y": batch["y"] + 90}
    yield "a negative class", {**batch, "y": batch["y"] - 90}
    yield "half the labels", {**batch, "y": batch["y"][:32]}
    yield "no class codes", {**batch, "y": batch["y"] + 0.5}


def _poor(batch: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    import torch

    tensors = {name: value for name, value in batch.items() if isinstance(value, torch.Tensor)}
    label = _label(batch)
    yield "one class", {**batch, label: torch.zeros_like(batch[label])}
    yield "one row", {**batch, **{name: value[:1] for name, value in tensors.items()}}


def _weights(model: Any) -> np.ndarray:
    return np.concatenate([p.detach().float().numpy().ravel() for p in model.parameters()])


LAWS: tuple[Law, ...] = (
    clones_and_pickles,
    same_seed_same_bits,
    model_and_batch_are_left_alone,
    asks_to_be_fitted,
    every_setting_changes_something,
    loss_is_a_finite_scalar_with_gradients,
    training_lowers_it,
    neutral_settings_are_plain_training,
    beats_plain_training_where_it_claims_to,
    does_no_harm_where_nothing_is_wrong,
    bad_batches_give_one_clear_error,
    missing_numbers_stop_training,
    half_precision_works,
    *DOCUMENTED,
    something_is_said_of_a_world,
)
