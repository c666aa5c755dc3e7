"""A network that adapts itself whenever it is called, under a gate, and can always go back."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn

from holdfast.adaptation._gate import BLOCK, Gate
from holdfast.nets.calling import forward
from holdfast.nets.features import head_name

WARM_UP = 64  # rows kept to begin with once a stream is trusted
_NOTHING = torch.empty(0)


class Event(NamedTuple):
    """Something that an adapting network did: after so many rows, what, and why."""

    row: int
    what: str
    why: str


class Batch(NamedTuple):
    """What a rule is given: the inputs, and the frozen network's logits and features of them where it asks for them."""

    inputs: Any
    logits: torch.Tensor
    features: torch.Tensor


class Rule(Protocol):
    """How a method adapts. `start` gives the state to begin with; `step` answers a batch and may change the state."""

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The state of a network that has not adapted yet; `model` is a copy of its own."""

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """(n, k) logits of the batch."""


class Adapting(nn.Module):
    """The module that an adapter returns: call it like the model that it was made from.

    Beside the adapted network runs a frozen copy, on all rows until the gate trusts the stream and on half of them
    afterwards (on all, where the rule `watches` it). Where the gate does not trust, or sees no gain, the answer is the
    frozen network's; after harm the adapted one starts again from the state it came in. `log` says when and why;
    `adapted_rows` and `frozen_rows` count whose answer was given. `reset()` undoes everything, exactly.

    Training mode and gradients of the caller have no effect; answers carry no gradient.
    """

    gate: Gate
    passing: bool
    _recent: list[tuple[int, Batch]]

    def __init__(self, model: nn.Module, rule: Rule, gate: bool = True, watches: bool = False) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise ValueError(f"the model to adapt is {type(model).__name__}; expected a torch module.")
        with torch.inference_mode(False):
            self.frozen = copy.deepcopy(model).eval()
        self.rule, self.gated, self.watches = rule, gate, watches
        self.head = _head(self.frozen)
        self.log: list[Event] = []
        self.adapted_rows = self.frozen_rows = 0
        self._begin()
        super().train(False)

    def reset(self) -> None:
        """Back to the network as it was made; the log is kept."""
        self._note("reset", "asked for")
        self.adapted_rows = self.frozen_rows = 0
        self._begin()

    def train(self, mode: bool = True) -> Adapting:
        """Sets the flag alone: which layers follow the stream is the method's matter."""
        self.training = mode
        return self

    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """(n, k) logits: the adapted network's where the gate lets them pass, else the frozen one's."""
        with torch.inference_mode(False), torch.no_grad():
            inputs = _own(kwargs or (args[0] if len(args) == 1 else args))
            return self._answer(inputs)

    def _answer(self, inputs: Any) -> torch.Tensor:
        rows = _rows(inputs)
        if not self.gated:
            self.adapted_rows += rows
            return self._adapted(self._look(inputs) if self.watches else Batch(inputs, _NOTHING, _NOTHING))
        trusted = self.gate.trusted
        part = rows // 2 if trusted and not self.watches and rows >= 4 * BLOCK else rows
        seen = self._look(_first(inputs, part, rows))
        problem = self.gate.look(_flat(seen.features).float().cpu().numpy(), rows)
        if problem:
            if trusted:
                self._step_back(problem)
            self._remember(seen._replace(inputs=inputs), rows)
        else:
            if not trusted:
                self._warm_up()
            answer = self._adapted(seen._replace(inputs=inputs))
            verdict, why = self.gate.judge(_probs(seen.logits), _probs(answer[:part]))
            if verdict == "harm":
                self.gate.step_back()
                self._step_back(why)
            elif (verdict == "gain") != self.passing:
                self.passing = not self.passing
                self._note("adapts" if self.passing else "waits", why)
            if verdict == "gain":
                self.adapted_rows += rows
                return answer
        self.frozen_rows += rows
        return seen.logits if part == rows else self._look(inputs).logits

    def _step_back(self, why: str) -> None:
        self._note("steps back", why)
        self._start()

    def _remember(self, batch: Batch, rows: int) -> None:
        """Keep the last rows met while the stream is not trusted."""
        self._recent.append((rows, batch))
        while len(self._recent) > 1 and sum(count for count, _ in self._recent[1:]) >= WARM_UP:
            self._recent.pop(0)

    def _warm_up(self) -> None:
        """Once the stream is trusted: adapt to the last rows at once, so that statistics do not start from nothing."""
        for _, batch in self._recent:
            self._adapted(batch)
        self._recent = []

    def _adapted(self, batch: Batch) -> torch.Tensor:
        return self.rule.step(self.state, batch).detach()

    def _look(self, inputs: Any) -> Batch:
        """The frozen network's logits and features, in one pass."""
        kept: list[torch.Tensor] = []
        module = self.frozen.get_submodule(self.head) if self.head else None
        handle = module.register_forward_pre_hook(lambda _, given: kept.append(given[0])) if module else None
        try:
            logits = forward(self.frozen, inputs)
        finally:
            if handle is not None:
                handle.remove()
        return Batch(inputs, logits, kept[0] if kept else logits)

    def _begin(self) -> None:
        self.gate = Gate()
        self._recent = []
        self._start()

    def _start(self) -> None:
        """The adapted network as it was made: a copy of the frozen one, so that nothing can be left behind."""
        self.passing = False
        self.gate.forget_answers()
        with torch.inference_mode(False), torch.enable_grad():
            self.state = self.rule.start(copy.deepcopy(self.frozen))

    def _note(self, what: str, why: str) -> None:
        self.log.append(Event(self.adapted_rows + self.frozen_rows, what, why))


def _head(model: nn.Module) -> str:
    """The last linear layer, or nothing: then logits stand for features."""
    try:
        return head_name(model)
    except ValueError:
        return ""


def _own(value: Any) -> Any:
    """Copies outside inference mode, so that gradients can flow through what is made from them."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {name: _own(part) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_own(part) for part in value)
    return value


def _tensors(inputs: Any) -> list[torch.Tensor]:
    parts = inputs.values() if isinstance(inputs, dict) else inputs if isinstance(inputs, (tuple, list)) else [inputs]
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _rows(inputs: Any) -> int:
    tensors = _tensors(inputs)
    if not tensors or tensors[0].ndim == 0 or len(tensors[0]) == 0:
        raise ValueError("the batch has no rows; expected a tensor, or a tuple or mapping of tensors, with at least 1.")
    return len(tensors[0])


def _first(inputs: Any, part: int, rows: int) -> Any:
    """The first rows of every tensor that has a row for each."""
    if part == rows:
        return inputs
    if isinstance(inputs, torch.Tensor):
        return inputs[:part]
    if isinstance(inputs, dict):
        return {name: _cut(value, part, rows) for name, value in inputs.items()}
    return type(inputs)(_cut(value, part, rows) for value in inputs)


def _cut(value: Any, part: int, rows: int) -> Any:
    return value[:part] if isinstance(value, torch.Tensor) and value.ndim and len(value) == rows else value


def _flat(features: torch.Tensor) -> torch.Tensor:
    return features if features.ndim == 2 else features.reshape(len(features), -1, features.shape[-1]).mean(1)


def _probs(logits: torch.Tensor) -> Any:
    return logits.float().softmax(1).cpu().numpy()
