"""Entropy minimisation on rows whose answer depends on the shape of things."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
from torch import nn

from holdfast.adaptation._adapter import NormLearner
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._learning import entropy
from holdfast.nets.calling import forward


class DeYO(NormLearner):
    r"""TENT on certain rows whose answer loses probability when the patches of the image are shuffled.

    .. math:: \text{PLPD}(x) = p_{\hat y}(x) - p_{\hat y}(x'), \quad
              \frac{1}{|S|} \sum_{i \in S} \big(e^{E_0 - H_i} + e^{\text{PLPD}_i}\big) H_i

    x' is the image with its `patches` x `patches` tiles in random order; S holds rows with entropy below `certain`
    times the log of the number of classes and PLPD above `shape`. :math:`E_0` is 0.4 times that log.

    Use it where background or texture may mislead: an answer that survives shuffling does not come from a shape. It
    needs images (refused else). It fails where classes are textures, and on sorted streams with BatchNorm.

    >>> net = nn.Sequential(nn.GroupNorm(1, 1), nn.Flatten())
    >>> made = DeYO(rate=0.01, certain=0.9, shape=0.1, patches=2, span=8, seed=3, gate=False).edit(net)
    >>> made(torch.tensor([[[[5.0, 1.0], [0.0, 0.0]]]])).shape
    torch.Size([1, 4])
    """

    source = "lee2024deyo"
    claims = ("corrupted", "small_batches", "repeated")
    silent = ("shape", "seed", "certain")  # they show on streams longer than those of the laws
    certain: float = 0.5
    shape: float = 0.2
    patches: int = 4
    seed: int = 0

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model, its optimiser and a stream of random numbers."""
        state = super().start(model)
        state.rng = torch.Generator().manual_seed(self.seed)
        return state

    def loss(self, state: SimpleNamespace, batch: Batch, logits: torch.Tensor) -> torch.Tensor | None:
        """The entropy of rows whose answer rests on shape."""
        images = batch.inputs
        if not isinstance(images, torch.Tensor) or images.ndim != 4:
            raise ValueError("DeYO shuffles the patches of images; expected one tensor (n, channels, height, width).")
        unsure, scale = entropy(logits), math.log(logits.shape[1])
        with torch.no_grad():
            sure = unsure < self.certain * scale
            if not bool(sure.any()):
                return None
            probs = logits.float().softmax(1)
            answer = probs.argmax(1, keepdim=True)
            shuffled = forward(state.model, _shuffled(images, self.patches, state.rng)).float().softmax(1)
            lost = (probs.gather(1, answer) - shuffled.gather(1, answer))[:, 0]
            chosen = sure & (lost > self.shape)
            weight = (0.4 * scale - unsure).exp() + lost.exp()
        return (weight * unsure)[chosen].mean() if bool(chosen.any()) else None


def _shuffled(images: torch.Tensor, patches: int, rng: torch.Generator) -> torch.Tensor:
    """The images with their tiles in one random order; rows and columns that fill no tile stay."""
    high, wide = (max(1, size // patches) for size in images.shape[2:])
    down, across = images.shape[2] // high, images.shape[3] // wide
    part = images[..., : down * high, : across * wide]
    tiles = part.reshape(*images.shape[:2], down, high, across, wide).transpose(3, 4).flatten(2, 3)
    tiles = tiles[:, :, torch.randperm(down * across, generator=rng)]
    made = images.clone()
    made[..., : down * high, : across * wide] = tiles.unflatten(2, (down, across)).transpose(3, 4).reshape(part.shape)
    return made
