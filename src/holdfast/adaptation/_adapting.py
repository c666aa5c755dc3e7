"""A network that adapts itself whenever it is called, under a gate, and can always go back."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn

from holdfast.adaptation._gate import BLOCK, Gate, Wants
from holdfast.nets.calling import eager, forward
from holdfast.nets.features import head_name

WARM_UP = 64  # rows kept to begin with once a stream is trusted
RUN = 2 * BLOCK  # rows of small batches that are looked at, or passed over, together
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

    Beside the adapted network runs a frozen copy. Once the gate trusts the stream, the one whose answer is given sees
    all rows and the other one a part of them, a quarter while nothing moves (both all, where the rule `watches`). Where
    the gate does not trust, or sees no gain, the answer is the frozen network's; after harm the adapted one starts
    again from the state it came in. `log` says when and why; `adapted_rows` and `frozen_rows` count whose answer was
    given. `reset()` undoes everything, exactly.

    Training mode and gradients of the caller have no effect; answers carry no gradient.
    """

    gate: Gate
    passing: bool
    _recent: list[tuple[int, Batch]]
    _shared: list[tuple[torch.Tensor, torch.Tensor]]  # both networks' logits that no verdict has counted
    _unseen: list[tuple[Any, torch.Tensor]]  # inputs and adapted answers that the frozen network will look back on
    _run: int  # rows since the run of small batches began
    _turn: int  # and how many runs there were

    def __init__(
        self, model: nn.Module, rule: Rule, gate: bool = True, watches: bool = False, wants: Wants = "samples"
    ) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise ValueError(f"the model to adapt is {type(model).__name__}; expected a torch module.")
        with torch.inference_mode(False):
            self.frozen = copy.deepcopy(eager(model)).eval()
        self.rule, self.gated, self.watches, self.wants = rule, gate, watches, wants
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
        part = self._part(rows)
        if self.passing and rows < RUN and not self.watches:
            return self._answer_first(inputs, rows, part)
        if not part and not self.passing:
            self.gate.skip(rows)
            return self._frozen(_NOTHING, inputs, rows)
        looked, met = (part, rows) if self.passing else (rows, part)
        seen = self._look(_cut(inputs, 0, looked, rows)) if looked else Batch(None, _NOTHING, _NOTHING)
        if not self._trusts(seen, inputs, rows):
            return self._frozen(seen.logits, inputs, rows)
        answer = self._adapted(seen._replace(inputs=_cut(inputs, 0, met, rows))) if met else _NOTHING
        self._judge(seen.logits[:met], answer)
        if not self.passing:
            return self._frozen(seen.logits, inputs, rows)
        self.adapted_rows += rows
        rest = _cut(inputs, met, rows, rows)
        return answer if met == rows else torch.cat([answer, self._adapted(seen._replace(inputs=rest))])

    def _answer_first(self, inputs: Any, rows: int, part: int) -> torch.Tensor:
        """The adapted answer to a few rows: the frozen network looks back on a run of them in one pass."""
        answer = self._adapted(Batch(inputs, _NOTHING, _NOTHING))
        self._judge(_NOTHING, answer)
        if self.passing:
            self.adapted_rows += rows
            if part:
                self._unseen.append((inputs, answer))
            if not part or sum(len(given) for _, given in self._unseen) >= RUN:
                self._look_back()
        if not part:
            self.gate.skip(rows)
        return answer if _finite(answer) else self._frozen(_NOTHING, inputs, rows)

    def _look_back(self) -> None:
        """Show the frozen network, and then the gate, what was answered without them."""
        unseen, self._unseen = self._unseen, []
        for inputs, answer in _joined(unseen):
            seen = self._look(inputs)
            if self._trusts(seen, inputs, len(answer)):
                self._judge(seen.logits, answer)

    def _part(self, rows: int) -> int:
        """How many rows both networks see: all, or of a stream that is trusted one in so many as the gate asks for.

        A pass over a part of a small batch costs nearly as much as one over all of it: then it is every so-manieth run.
        """
        every = 1 if self.watches else self.gate.every
        if rows >= BLOCK * every**2:
            return rows // every
        self._run += rows
        if self._run >= RUN:
            self._run, self._turn = 0, self._turn + 1
        return 0 if self._turn % every else rows

    def _trusts(self, seen: Batch, inputs: Any, rows: int) -> bool:
        """Show the gate what the frozen network saw; begin, or go back, where its trust changes."""
        trusted = self.gate.trusted
        if not len(seen.logits):
            self.gate.skip(rows)
            return trusted
        problem = self.gate.look(_flat(seen.features).float().cpu().numpy(), rows)
        if problem and trusted:
            self._step_back(problem)
        if problem:
            self._remember(seen._replace(inputs=inputs), rows)
        elif not trusted:
            self._warm_up()
        return not problem

    def _judge(self, frozen: torch.Tensor, adapted: torch.Tensor) -> None:
        """Begin to give the adapted answers, stop, or go back, by the gate's verdict on rows that both answered."""
        shared = min(len(frozen), len(adapted))
        if not _finite(adapted):
            self._harm("answers are not finite")
        elif shared:
            self._shared.append((frozen, adapted[:shared]))
            if sum(len(part) for part, _ in self._shared) >= BLOCK:
                self._weigh()

    def _weigh(self) -> None:
        """What the answers since the last verdict say: at least a block of them, so that single rows cost little."""
        frozen, adapted = (torch.cat(parts) for parts in zip(*self._shared, strict=True))
        self._shared = []
        verdict, why = self.gate.judge(_probs(frozen), _probs(adapted))
        if verdict == "harm":
            self._harm(why)
        elif (verdict == "gain") != self.passing:
            self.passing = not self.passing
            self._note("adapts" if self.passing else "waits", why)

    def _harm(self, why: str) -> None:
        self.gate.step_back()
        self._step_back(why)

    def _frozen(self, known: torch.Tensor, inputs: Any, rows: int) -> torch.Tensor:
        """The frozen network's answer, of which the first rows may be known."""
        self.frozen_rows += rows
        if len(known) == rows:
            return known
        rest = self._look(_cut(inputs, len(known), rows, rows)).logits
        return torch.cat([known, rest]) if len(known) else rest

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
        self.gate = Gate(wants=self.wants)
        self._recent = []
        self._run = self._turn = 0
        self._start()

    def _start(self) -> None:
        """The adapted network as it was made: a copy of the frozen one, so that nothing can be left behind."""
        self.passing, self._shared, self._unseen = False, [], []
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


def _cut(inputs: Any, start: int, end: int, rows: int) -> Any:
    """These rows of every tensor that has a row for each."""
    if end - start == rows:
        return inputs
    if isinstance(inputs, torch.Tensor):
        return inputs[start:end] if inputs.ndim and len(inputs) == rows else inputs
    if isinstance(inputs, dict):
        return {name: _cut(value, start, end, rows) for name, value in inputs.items()}
    if isinstance(inputs, (tuple, list)):
        return type(inputs)(_cut(value, start, end, rows) for value in inputs)
    return inputs


def _joined(batches: list[tuple[Any, torch.Tensor]]) -> list[tuple[Any, torch.Tensor]]:
    """One batch of several, where their tensors have the same shape but for the number of rows."""
    if len({tuple(part.shape[1:] for part in _tensors(inputs) if part.ndim) for inputs, _ in batches}) != 1:
        return batches
    parts, answers = zip(*batches, strict=True)
    return [(_stacked(list(parts)), torch.cat(answers))]


def _stacked(parts: list[Any]) -> Any:
    first = parts[0]
    if isinstance(first, torch.Tensor) and first.ndim:
        return torch.cat(parts)
    if isinstance(first, dict):
        return {name: _stacked([part[name] for part in parts]) for name in first}
    if isinstance(first, (tuple, list)):
        return type(first)(_stacked(list(column)) for column in zip(*parts, strict=True))
    return first


def _finite(logits: torch.Tensor) -> bool:
    return math.isfinite(logits.sum()) or bool(logits.isfinite().all())


def _flat(features: torch.Tensor) -> torch.Tensor:
    return features if features.ndim == 2 else features.reshape(len(features), -1, features.shape[-1]).mean(1)


def _probs(logits: torch.Tensor) -> Any:
    return logits.float().softmax(1).cpu().numpy()
