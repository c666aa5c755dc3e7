"""The training loop of the house: any model, objective, optimiser and schedule; seeded, resumable, and it stops when
training diverges."""

from __future__ import annotations

import copy
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from holdfast.nets.batches import as_batch
from holdfast.nets.calling import best_device, evaluating, forward, move, repeatable, seeded, tensor_of
from holdfast.nets.processes import process_count, process_rank
from holdfast.nets.training_log import Recorder, TrainingLog

Precision = Literal["float32", "bfloat16", "float16"]
CHECKPOINT = "holdfast/checkpoint/1"
ADAMW = partial(torch.optim.AdamW, lr=1e-3)


class DivergedWarning(RuntimeWarning):
    """The loss was no longer finite; the last good state was kept."""


@dataclass(frozen=True)
class Run:
    """A finished training: the model in evaluation mode, the mean loss of every epoch, the log if one was asked for.

    `diverged` says where the loss stopped being finite; the model is then as it was at the end of the epoch before.
    """

    model: nn.Module
    losses: tuple[float, ...]
    log: TrainingLog | None = None
    diverged: str = ""


def fit(
    model: nn.Module,
    objective: Any,
    loader: Iterable[Any],
    *,
    epochs: int = 1,
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] = ADAMW,
    schedule: Callable[[Optimizer, int], LRScheduler] | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: Precision = "float32",
    compile: bool | str = False,
    clip: float | None = None,
    log: Literal["training", "evaluation"] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    in_place: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Run:
    """Train a copy of the model by an objective.

    Parameters
    ----------
    model
        Any `nn.Module`. A copy is trained unless `in_place`. Frozen parameters (`requires_grad=False`) stay frozen.
    objective
        Has `loss(model, **batch) -> scalar`; may have `start_epoch(epoch)`, `after_step(model)`, parameters of its own
        (`parameters()`), and state in attributes that end in an underscore, which a checkpoint keeps.
    loader
        Can be iterated once an epoch: `Batches`, or a `DataLoader` that yields `(inputs, y)` or mappings.
    epochs, optimizer, schedule
        `optimizer(parameters)` and `schedule(optimizer, steps)` make them; the schedule advances at every step. An
        optimiser with `needs_closure` (SAM) gets one.
    seed
        Of dropout, shuffling by torch's generators and whatever the objective draws with torch. Global generators are
        left as they were.
    device
        Where to train; without it where `HOLDFAST_DEVICE` says, else on a CUDA device if there is one, else on the CPU.
    precision
        bfloat16 and float16 by autocast; float16 needs a CUDA device.
    compile
        True or the name of a backend of `torch.compile`.
    clip
        Largest norm of all gradients together.
    log
        Keep the logits of every row and epoch: "training" as they pass by in training mode (AUM), "evaluation" in one
        more pass after each epoch. Batches must have `row` and `y`, and the loader `rows` or a `dataset` with a length.
    checkpoint
        A file written after every epoch; where it exists, training goes on from it and ends with the same bits as an
        uninterrupted one.
    progress
        Called with ("training", steps done, steps in all).

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For an empty loader, no trainable parameter, float16 on a CPU, a checkpoint of another training.

    Warns
    -----
    DivergedWarning
        When the loss is not finite: training stops and the last good state is kept.

    Examples
    --------
    >>> class SquaredError:
    ...     def loss(self, model, inputs, y, **rest):
    ...         return (model(inputs)[:, 0] - y).square().mean()
    >>> from holdfast.nets import Batches
    >>> line = nn.Linear(1, 1)
    >>> run = fit(line, SquaredError(), Batches([[0.0], [1.0]], [1.0, 3.0]), epochs=400,
    ...           optimizer=partial(torch.optim.SGD, lr=0.3), seed=1)
    >>> round(run.model.weight.item(), 2), round(run.model.bias.item(), 2)
    (2.0, 1.0)
    """
    trainer = _Trainer(
        model=model if in_place else copy.deepcopy(model),
        objective=objective, loader=loader, epochs=epochs, seed=seed, precision=precision, clip=clip,
        device=torch.device(device) if device is not None else best_device(), mode=log,
        file=None if checkpoint is None else Path(checkpoint), tell=progress or (lambda stage, done, total: None),
    )  # fmt: skip
    trainer.prepare(optimizer, schedule, compile)
    return trainer.run()


@dataclass
class _Trainer:
    """One training: what it was given, and what moves while it runs."""

    model: nn.Module
    objective: Any
    loader: Iterable[Any]
    epochs: int
    seed: int
    precision: Precision
    clip: float | None
    device: torch.device
    mode: str | None
    file: Path | None
    tell: Callable[[str, int, int], None]
    losses: list[float] = field(default_factory=list)
    diverged: str = ""
    finite: bool = True

    def prepare(self, optimizer: Any, schedule: Any, compile: bool | str) -> None:
        """Check what can be checked before the first step, and build what the steps need."""
        self.steps = _length(self.loader)
        if self.precision == "float16" and self.device.type != "cuda":
            raise ValueError("float16 needs a CUDA device; on a CPU take bfloat16 or float32.")
        self.model.to(self.device)
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not trainable:
            raise ValueError("the model has no trainable parameter: requires_grad is False everywhere.")
        own = list(self.objective.parameters()) if hasattr(self.objective, "parameters") else []
        self.optimizer = optimizer([*trainable, *own])
        self.scheduler = schedule(self.optimizer, self.steps * self.epochs) if schedule else None
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")
        self.recorder = Recorder(_rows(self.loader)) if self.mode else None
        self.called = _called(self.model, self.device, compile)
        self.parameters = [*trainable, *own]

    def run(self) -> Run:
        """Every epoch that a checkpoint does not hold yet."""
        self._resume()
        good = self._snapshot()
        for epoch in range(len(self.losses), self.epochs):
            with seeded(_stream(self.seed, epoch)), repeatable():
                self._epoch(epoch)
            if self.diverged:
                self.model.load_state_dict(good)
                warnings.warn(f"{self.diverged}; the state before that epoch was kept.", DivergedWarning, stacklevel=3)
                break
            good = self._snapshot()
            self._save()
        self.model.eval()
        log = self.recorder.log() if self.recorder and self.recorder.epochs else None
        return Run(self.model, tuple(self.losses), log, self.diverged)

    def _epoch(self, epoch: int) -> None:
        _tell_epoch(self.loader, self.objective, epoch)
        self.model.train()
        total, seen = 0.0, 0
        for step, batch in enumerate(self.loader):
            loss = self._step(move(as_batch(batch), self.device))
            if not self.finite:
                self.diverged = f"the loss was {loss:.3g} at step {step} of epoch {epoch}"
                return
            total, seen = total + loss, seen + 1
            self.tell("training", epoch * self.steps + step + 1, self.epochs * self.steps)
        self.losses.append(total / max(seen, 1))
        if self.recorder:
            if self.mode == "evaluation":
                self._evaluate()
            self.recorder.end_epoch()

    def _step(self, batch: dict[str, Any]) -> float:
        """One step; the loss before it. A loss that is not finite changes nothing."""

        def closure() -> torch.Tensor:
            self.optimizer.zero_grad(set_to_none=True)
            with self._autocast(), self._recording(batch):
                loss = self.objective.loss(self.called, **batch)
            self.finite = _finite_everywhere(float(loss.detach()))
            if self.finite:
                self.scaler.scale(loss).backward()
            return loss.detach()

        if getattr(self.optimizer, "needs_closure", False):
            loss = self.optimizer.step(closure)
        else:
            loss = closure()
            self._move()
        if not self.finite:
            return float(loss)
        if self.scheduler:
            self.scheduler.step()
        if hasattr(self.objective, "after_step"):
            self.objective.after_step(self.model)
        return float(loss)

    def _move(self) -> None:
        if not self.finite:
            return
        if self.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.precision))

    def _recording(self, batch: dict[str, Any]) -> AbstractContextManager[Any]:
        """While inside, the first output of the model is what the log keeps: later calls may see altered inputs."""
        if self.mode != "training" or self.recorder is None:
            return nullcontext()
        recorder = self.recorder
        seen: list[bool] = []

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if not seen:
                seen.append(True)
                recorder.observe(batch["row"], tensor_of(output), batch["y"])

        return _Hook(self.model.register_forward_hook(keep))

    def _evaluate(self) -> None:
        assert self.recorder is not None
        with torch.no_grad(), evaluating(self.model):
            for given in self.loader:
                batch = move(as_batch(given), self.device)
                self.recorder.observe(batch["row"], forward(self.model, batch["inputs"]), batch["y"])

    # --- what is kept ------------------------------------------------------------------------------------------
    def _snapshot(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _state(self) -> dict[str, Any]:
        return {
            "kind": CHECKPOINT, "key": self._key(), "losses": self.losses, "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict(),
            "schedule": self.scheduler.state_dict() if self.scheduler else {},
            "objective": _objective_state(self.objective),
            "log": self.recorder.state_dict() if self.recorder else {},
        }  # fmt: skip

    def _key(self) -> str:
        """What a checkpoint must agree on; the number of epochs may grow."""
        shapes = [(name, tuple(value.shape)) for name, value in self.model.state_dict().items()]
        parts = (shapes, type(self.objective).__name__, type(self.optimizer).__name__, self.seed, self.steps, self.mode)
        return repr(parts)

    def _save(self) -> None:
        if self.file is None or process_rank():
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=self.file.parent, prefix=f".{self.file.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                torch.save(self._state(), out)
            os.replace(aside, self.file)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise

    def _resume(self) -> None:
        if self.file is None or not self.file.exists():
            return
        try:
            state = torch.load(self.file, map_location=self.device, weights_only=True)
            known = state["kind"] == CHECKPOINT
        except Exception as problem:
            raise ValueError(
                f"{self.file} is not a checkpoint of holdfast ({type(problem).__name__}); give another file."
            ) from None
        if not known or state["key"] != self._key():
            raise ValueError(
                f"{self.file} is a checkpoint of another training (model, objective, optimiser, seed, batches or log "
                "differ); give another file or delete it."
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["schedule"])
        for name, value in state["objective"].items():
            setattr(self.objective, name, value)
        if self.recorder:
            self.recorder.load_state_dict(state["log"])
        self.losses = list(state["losses"])


class _Hook:
    """A forward hook as a context."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        self.handle.remove()


def _called(model: nn.Module, device: torch.device, compile: bool | str) -> nn.Module:
    """What the objective calls: the model, compiled and distributed where asked for."""
    called = model
    if process_count() > 1:
        called = nn.parallel.DistributedDataParallel(called, [device.index] if device.type == "cuda" else None)
    if compile:
        called = torch.compile(called, backend=compile if isinstance(compile, str) else "inductor")  # type: ignore
    return called


def _objective_state(objective: Any) -> dict[str, Any]:
    """Fitted state of an objective: what ends in one underscore."""
    return {
        name: value
        for name, value in getattr(objective, "__dict__", {}).items()
        if name.endswith("_") and not name.startswith("_") and name != "fitted_sizes_"
    }


def _tell_epoch(loader: Any, objective: Any, epoch: int) -> None:
    if hasattr(loader, "epoch"):
        loader.epoch = epoch
    sampler = getattr(loader, "sampler", None)
    if hasattr(sampler, "set_epoch"):
        sampler.set_epoch(epoch)  # type: ignore[union-attr]
    if hasattr(objective, "start_epoch"):
        objective.start_epoch(epoch)


def _length(loader: Any) -> int:
    try:
        steps = len(loader)
    except TypeError:
        raise ValueError("the loader has no length; give Batches or a DataLoader over a sized data set.") from None
    if steps == 0:
        raise ValueError("the loader is empty: it yields no batch.")
    return steps


def _rows(loader: Any) -> int:
    rows = getattr(loader, "rows", None)
    if rows is None and hasattr(loader, "dataset"):
        rows = len(loader.dataset)
    if rows is None:
        raise ValueError("a training log needs a loader with `rows` or a `dataset` with a length.")
    return int(rows)


def _stream(seed: int, epoch: int) -> int:
    """A seed of its own for every epoch, so that a resumed training draws what an uninterrupted one would."""
    import numpy as np

    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


def _finite_everywhere(loss: float) -> bool:
    """Whether the loss is finite, in every process: all must stop together."""
    finite = loss == loss and abs(loss) != float("inf")
    if process_count() == 1:
        return finite
    flag = torch.tensor(float(finite))
    torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MIN)
    return bool(flag.item())
