"""Test-time training: a second head that tells how far an image is turned goes on learning where the model is used."""

from __future__ import annotations

import copy
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Adapting, Batch
from holdfast.adaptation._learning import descend, fitted_on, optimized
from holdfast.adaptation._norms import following
from holdfast.adaptation._turning import TURNS, Pair, Turns, squares
from holdfast.nets import Batches, fit
from holdfast.nets.batches import as_tensor
from holdfast.nets.calling import device_of, forward, seeded


class TTT(Adapter):
    r"""Layers shared with a head that tells how far an image is turned follow that head's loss on the rows met.

    .. math:: \min_{\theta_e, \theta_m, \theta_s} \ell_m(x, y; \theta_e, \theta_m) + \ell_s(x; \theta_e, \theta_s),
              \qquad \text{then at test time} \quad \min_{\theta_e, \theta_s} \ell_s(x; \theta_e, \theta_s)

    :math:`\theta_e` are the first layers, a share `shared` of them, :math:`\theta_m` the other layers of the model and
    :math:`\theta_s` a copy of those with a head of its own. `edit` first trains :math:`\theta_s` on turned images of
    the source (`ref_inputs`, `ref_y`) for `epochs` by AdamW with `learning_rate`; with `joint` all three, as in the
    paper, else the model begins as it came. A batch is then turned in all four ways, takes `steps` of Adam with `rate`
    and is answered; batches whose copies are fewer than `span` move the weights by their share. Without `online` the
    weights go back before every batch. BatchNorm layers follow the stream.

    Use it for images that have an upright, with any normalisation, where rows of the source are at hand. It fails where
    turned images look alike (a 0, an 8), where the change leaves the turn as easy to tell as before, and at large
    rates; the `gate` watches. With BatchNorm nearly all of its gain is that of the statistics. It needs square images
    (refused else).

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 2))
    >>> source = {"ref_inputs": torch.eye(4).reshape(4, 1, 2, 2), "ref_y": [0, 0, 1, 1]}
    >>> learns = TTT(epochs=1, joint=True, learning_rate=0.1, shared=0.5, seed=1, rate=0.1, steps=2, online=False,
    ...              span=4, gate=False)
    >>> [learns.edit(net, **source)(torch.ones(n, 1, 2, 2)).shape for n in (1, 3)]
    [torch.Size([1, 2]), torch.Size([3, 2])]
    """

    source = "sun2020ttt"
    claims = ("corrupted", "repeated", "single_images")
    joint: bool = False
    epochs: int = 2
    learning_rate: float = 5e-3
    rate: float = 1e-3
    steps: int = 1
    shared: float = 0.35
    online: bool = True
    span: int = 64
    seed: int = 0

    def edit(self, model: nn.Module, ref_inputs: Any, ref_y: Any) -> Adapting:  # type: ignore[override]
        """A copy that adapts whenever it is called."""
        with torch.inference_mode(False), torch.enable_grad():
            return Adapting(model, fitted_on(self, pair_=self._learnt(model, ref_inputs, ref_y)), self.gate)

    def _learnt(self, model: nn.Module, ref_inputs: Any, ref_y: Any) -> Pair:
        """The model and its side, trained on the source."""
        with seeded(self.seed):
            pair = Pair(model, self.shared)
        if not self.joint:
            pair.main.requires_grad_(False)
        images = squares(as_tensor("ref_inputs", ref_inputs)).float()  # half precision is slow to learn in on a CPU
        loader = Batches(images, ref_y, batch_size=64, shuffle=True, seed=self.seed)
        optimizer = partial(torch.optim.AdamW, lr=self.learning_rate)
        return fit(  # type: ignore[return-value]
            pair.float(), Turns(self.joint), loader, epochs=self.epochs, optimizer=optimizer, seed=self.seed,
            device=device_of(model), in_place=True,
        ).model.to(next(model.parameters()).dtype)  # fmt: skip

    def start(self, model: nn.Module) -> SimpleNamespace:  # noqa: ARG002 - what was trained together stands for it
        """The pair as it was trained, its normalisation following the stream, and an optimiser of the side."""
        pair = following(copy.deepcopy(self.pair_), self.span).requires_grad_(True)  # type: ignore[attr-defined]
        state = optimized(pair, list(pair.side.parameters()), self.rate, self.span)  # type: ignore[union-attr]
        state.begin = [weight.detach().clone() for weight in state.weights]
        return state

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """Learn from the batch's own turns, then answer."""
        images = squares(batch.inputs)
        if not self.online:
            state.optimizer.state.clear()
            for weight, begin in zip(state.weights, state.begin, strict=True):
                weight.data.copy_(begin)
        turned = torch.cat([images.rot90(k, (2, 3)) for k in range(TURNS)])
        turns = torch.arange(TURNS, device=images.device).repeat_interleave(len(images))
        for _ in range(self.steps):
            with torch.enable_grad():
                loss = functional.cross_entropy(forward(state.model.side, turned).float(), turns)
                if bool(loss.isfinite()):
                    descend(state, loss, len(turned))
        return forward(state.model.main, images)
