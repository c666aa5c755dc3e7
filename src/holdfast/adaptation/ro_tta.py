"""A balanced memory of the stream teaches a student; its running mean answers."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._learning import learn, optimized
from holdfast.adaptation._norms import RobustNorm, norm_parameters, with_norms
from holdfast.nets.calling import forward


class RoTTA(Adapter):
    r"""A student learns from what a memory holds of every class; the teacher, its running mean, answers.

    .. math:: \min_{\gamma, \beta} \frac1N \sum_i \frac{e^{-a_i}}{1 + e^{-a_i}}
              \Big(-\sum_c p^\text{teacher}_{ic} \log p^\text{student}_{ic}\Big), \quad
              a_i = \text{age}_i / N

    The memory holds at most `capacity` rows, N, as many of each answered class as fit; the row with the largest
    :math:`1 / (1 + e^{-a}) + H / \log k` of its class, or of the largest, makes room. Every N rows the normalisation
    statistics move by `momentum` towards the memory's, the student takes one step of Adam with `rate` on rows seen
    with noise (`noise` times their spread), and the teacher moves by `teacher`.

    Use it where classes come in runs and domains change slowly. It fails on short streams, since it learns once every
    N rows, and where a new domain makes answers doubtful: the memory keeps the rows of the last one, of which it was
    surer; without BatchNorm it is left with the weights of other norms.

    >>> net = nn.Sequential(nn.LayerNorm(2))
    >>> made = RoTTA(capacity=2, momentum=0.5, rate=0.5, teacher=0.9, noise=0.1, seed=3, gate=False).edit(net)
    >>> first, again = (made(torch.tensor([[3.0, 1.0], [0.0, 1.0]])) for _ in range(2))
    >>> bool((first != again).any())
    True
    """

    source = "yuan2023rotta"
    claims = ("sorted_by_class", "sorted_in_small_batches", "corrupted")
    silent = ("seed",)
    wants = "any"
    capacity: int = 64
    momentum: float = 0.3
    rate: float = 1e-3
    teacher: float = 0.1
    noise: float = 0.1
    seed: int = 0

    def start(self, model: nn.Module) -> SimpleNamespace:
        """Student, teacher and an empty memory."""
        if any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules()):
            model = with_norms(model, lambda norm: RobustNorm(norm, self.momentum), type(self).__name__)
        state = optimized(model, norm_parameters(model, type(self).__name__), self.rate, 1)
        state.teacher = copy.deepcopy(model)
        state.rows, state.met = [], 0
        state.rng = torch.Generator().manual_seed(self.seed)
        return state

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Answer, remember, and learn where so many rows were met."""
        if not isinstance(batch.inputs, torch.Tensor):
            raise ValueError("RoTTA keeps rows in a memory; expected one tensor of inputs, not several.")
        logits = forward(state.teacher, batch.inputs)
        logs = logits.float().log_softmax(1)
        unsure = -(logs.exp() * logs).sum(1) / math.log(max(2, logs.shape[1]))
        for row, code, doubt in zip(batch.inputs, logs.argmax(1).tolist(), unsure.tolist(), strict=True):
            if math.isfinite(doubt):
                self._remember(state.rows, row, code, doubt, logs.shape[1])
            state.met += 1
            if state.met % self.capacity == 0 and len(state.rows) > 1:
                self._learn(state)
        return logits

    def _remember(self, rows: list[Any], row: torch.Tensor, code: int, doubt: float, k: int) -> None:
        """A row is [row, class, doubt, age]; the worst of its class, or of the largest, makes room."""
        counts = [0] * k
        for kept in rows:
            counts[kept[1]] += 1
        crowded = counts[code] >= self.capacity / k
        if crowded or len(rows) >= self.capacity:
            most = max(counts)
            among = [kept for kept in rows if kept[1] == code] if crowded else [r for r in rows if counts[r[1]] == most]
            worst = max(among, key=self._poor)
            if self._poor(worst) > self._poor([row, code, doubt, 0]):
                rows[:] = [kept for kept in rows if kept is not worst] + [[row, code, doubt, 0]]
        else:
            rows.append([row, code, doubt, 0])
        for kept in rows:
            kept[3] += 1

    def _poor(self, kept: list[Any]) -> float:
        return 1 / (1 + math.exp(-kept[3] / self.capacity)) + kept[2]

    def _learn(self, state: SimpleNamespace) -> None:
        rows = torch.stack([kept[0] for kept in state.rows])
        ages = torch.tensor([kept[3] / self.capacity for kept in state.rows], device=rows.device)
        weight = ages.neg().sigmoid()
        seen = rows + self.noise * rows.std() * torch.randn(rows.shape, generator=state.rng).to(rows)
        for network in (state.model, state.teacher):
            network.train()
        wanted = forward(state.teacher, rows).float().softmax(1)
        learn(state, seen, lambda logits: -((wanted * logits.float().log_softmax(1)).sum(1) * weight).mean())
        for network in (state.model, state.teacher):
            network.eval()
        for kept, new in zip(state.teacher.parameters(), state.model.parameters(), strict=True):
            kept.lerp_(new.detach(), self.teacher)
