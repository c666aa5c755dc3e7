"""Accuracy without labels and without the source: how often an adapted copy agrees, on rows moved a little."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.adaptation._learning import entropy
from holdfast.adaptation._source_free import adapted_to
from holdfast.core import Estimate, Measure
from holdfast.nets.batches import as_tensor
from holdfast.nets.calling import evaluating, forward, seeded


class SFDAP(Measure):
    r"""How often a model agrees with a copy adapted to the rows, each row moved to where the copy wavers.

    .. math:: \widehat A = \frac1n \sum_i 1\big[\arg\max h(x_i) = \arg\max h_T(x_i + r_i)\big], \quad
              r_i = \epsilon\, \frac{H(h_T(x_i))}{\ln K}\, \frac{g_i}{\lVert g_i \rVert}, \quad
              g_i = \nabla_r\, \mathrm{KL}\big(h_T(x_i) \,\Vert\, h_T(x_i + r)\big)

    h_T is the model after `epochs` of Adam at `rate` in which all but its head learn to be sure of single rows and
    diverse over all, and to keep to the nearest centre of the answers (information maximisation with pseudo-labels).
    :math:`\epsilon` is `radius` in units of the length of a typical row's deviation. The 90 % interval holds the
    chance of the rows, and how much moving them changed the answer.

    Use it when a network meets shifted rows and neither labels nor the rows that it learnt from are at hand. It fails
    where the relation changed, and where the shift is so strong that the copy adapts to wrong answers.

    >>> net, rows = nn.Linear(2, 2), torch.tensor([[3.0, -3.0], [-3.0, 3.0]]).repeat(20, 1)
    >>> _ = net.weight.data.copy_(torch.eye(2)), net.bias.data.zero_()
    >>> SFDAP(epochs=1, rate=0.01, radius=0.1, seed=1).measure(nn.Sequential(nn.LayerNorm(2), net), rows).value
    1.0
    """

    source = "lee2023unsupervised"
    claims = ("noisy_without_labels",)
    blind = ("relabelled_without_labels",)
    epochs: int = 5
    rate: float = 1e-3
    radius: float = 0.3
    seed: int = 0

    def measure(self, model: nn.Module, cur_inputs: Any) -> Estimate:
        """The accuracy of the model on the rows."""
        if not isinstance(model, nn.Module):
            raise ValueError(f"model is {type(model).__name__}; expected a torch module.")
        weight = next(model.parameters())
        rows = as_tensor("cur_inputs", cur_inputs).to(device=weight.device, dtype=weight.dtype)
        if len(rows) < 2:
            raise ValueError(f"cur_inputs holds {len(rows)} row(s); expected at least 2 to adapt to.")
        with torch.inference_mode(False), torch.enable_grad(), seeded(self.seed):
            made = adapted_to(model, rows, self.epochs, self.rate, self.seed)
            moved = self._moved(made, rows)
            with torch.no_grad(), evaluating(model):
                answers = [forward(*pair).argmax(1) for pair in ((model, rows), (made, rows), (made, moved))]
        still, value = (float((answers[0] == other).double().mean()) for other in answers[1:])
        chance = math.sqrt((value * (1 - value) + 1 / len(rows)) / len(rows))
        reach = math.hypot(1.645 * chance, still - value)
        return Estimate(value, max(0.0, value - reach), min(1.0, value + reach), len(rows))

    def _moved(self, model: nn.Module, rows: torch.Tensor) -> torch.Tensor:
        """Every row a step towards where the model's answer changes most, the longer the less sure it is."""
        with evaluating(model):
            probs = forward(model, rows).float().softmax(1).detach()
            spread = float(rows.std()) or 1.0
            step = (1e-2 * spread * torch.randn_like(rows)).requires_grad_(True)
            logs = forward(model, rows + step).float().log_softmax(1)
            (slope,) = torch.autograd.grad(functional.kl_div(logs, probs, reduction="sum"), [step])
        flat = slope.flatten(1)
        unit = (flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-12)).reshape(rows.shape)
        unsure = entropy(probs.clamp_min(1e-12).log()) / math.log(max(2, probs.shape[1]))
        length = self.radius * spread * flat.shape[1] ** 0.5 * unsure
        return rows + length.reshape(-1, *[1] * (rows.ndim - 1)).to(rows) * unit
