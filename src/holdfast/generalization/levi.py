"""LEVI: layers of a pre-trained network, each beside a small network that begins from nothing."""

from __future__ import annotations

import copy
from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from holdfast.core import Objective
from holdfast.nets.calling import device_of, evaluating, forward, seeded, tensor_of
from holdfast.nets.objectives import class_logits
from holdfast.nets.reference import MLP


class LEVI(Objective):
    r"""The mean answer of several heads: each sees one layer of a pre-trained network and a small, fresh one.

    .. math:: f(x) = \frac1L \sum_{l=1}^{L} h_l\big([g_l(x), s(x)]\big), \qquad \ell = -\log p_y(x; f)

    :math:`g_l` are the outputs of `views` layers, evenly spaced up to the last, averaged over pixels or tokens; s is
    the small network and :math:`h_l` are heads, all with one hidden layer of `width` and learnt together. The
    pre-trained network takes the share `tuned` of its gradient, 0 = frozen. `assembled(model)` is the whole. Inputs
    are one tensor.

    Use it to fine-tune a network that has learnt something else, where rows to come differ from those to learn from:
    what only the fine-tuning rows suggest and what only the old task needed weigh less. It fails, by some two points,
    where the network is to learn from nothing anyway.

    >>> net = MLP(3, 2, width=4, depth=1)
    >>> objective = LEVI(width=2, views=1, tuned=0.5, seed=1).fit(net, torch.zeros(4, 3))
    >>> _ = [p.data.zero_() for p in objective.parameters()]
    >>> round(objective.loss(net, torch.zeros(4, 3), torch.tensor([0, 1, 0, 1])).item(), 4)
    0.6931
    """

    source = "roh2024levi"
    claims = ("pretrained",)
    quiet = "none_pretrained"
    width: int = 16
    views: int = 3
    tuned: float = 0.1
    seed: int = 0

    def fit(self, model: nn.Module, inputs: torch.Tensor) -> Self:
        """Make the small network and the heads for this model and inputs of this shape."""
        named = [name for name, layer in model.named_modules() if layer._parameters]
        count = min(self.views, len(named))
        layers = [named[round((place + 1) * len(named) / count) - 1] for place in range(count)]
        with torch.no_grad(), evaluating(model), seeded(self.seed):
            logits, seen = _seen(model, layers, inputs[:2].to(device_of(model)))
            sizes = [part.shape[1] for part in seen]
            self.parts_ = _Parts(layers, sizes, inputs[0].numel(), self.width, logits.shape[1])
        return self

    def parameters(self) -> list[nn.Parameter]:
        """Those of the small network and of the heads."""
        return list(self.parts_.parameters())

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        self.parts_.to(inputs.device)
        return functional.cross_entropy(class_logits(_Whole(model, self.parts_, self.tuned), inputs, y), y)

    def assembled(self, model: nn.Module) -> nn.Module:
        """Both networks and the heads as one module."""
        return copy.deepcopy(_Whole(model, self.parts_.to(device_of(model)), self.tuned)).eval()


class _Parts(nn.Module):
    def __init__(self, layers: list[str], sizes: list[int], d: int, width: int, k: int) -> None:
        super().__init__()
        self.layers = layers
        self.small = MLP(d, width, width=width, depth=1)
        self.heads = nn.ModuleList(MLP(size + width, k, width=width, depth=1) for size in sizes)


class _Whole(nn.Module):
    def __init__(self, model: nn.Module, parts: _Parts, tuned: float) -> None:
        super().__init__()
        self.model, self.parts, self.tuned = model, parts, tuned

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The mean of the heads' logits."""
        _, seen = _seen(self.model, self.parts.layers, inputs)
        own = self.parts.small(inputs)
        kept = [self.tuned * part + (1 - self.tuned) * part.detach() for part in seen]
        pairs = zip(self.parts.heads, kept, strict=True)
        return torch.stack([head(torch.cat([part, own], dim=1)) for head, part in pairs]).mean(0)


def _seen(model: nn.Module, layers: list[str], inputs: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The model's logits, and what these layers put out, one vector a row."""
    kept: list[torch.Tensor] = []
    handles = [
        model.get_submodule(name).register_forward_hook(lambda _m, _i, output: kept.append(tensor_of(output)))
        for name in layers
    ]
    try:
        logits = forward(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return logits, [_vector(part) for part in kept]


def _vector(output: torch.Tensor) -> torch.Tensor:
    """(n, c) mean over pixels of (n, c, h, w) and over tokens of (n, t, c)."""
    if output.ndim == 3:
        return output.mean(1)
    return output.flatten(2).mean(2) if output.ndim > 3 else output
