"""Small reference networks: real architectures at a size that trains in seconds on two cores."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

Norm = Literal["batch", "group", "layer"]


class MLP(nn.Module):
    """(n, d) -> (n, k): `depth` hidden layers of `width` with ReLU; `head` is the last linear layer."""

    def __init__(self, d: int, k: int, width: int = 64, depth: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        sizes = [d] + [width] * depth
        parts = [(nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)) for a, b in pairwise(sizes)]
        self.body = nn.Sequential(*(layer for part in parts for layer in part))
        self.head = nn.Linear(sizes[-1], k)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of flattened inputs."""
        return self.head(self.body(x.flatten(1)))


def _norm(kind: Norm, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(1 if kind == "layer" else min(4, channels), channels)


class Residual(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm_first, self.norm_second = _norm(norm, outside), _norm(norm, outside)
        plain = stride == 1 and inside == outside
        self.shortcut = nn.Identity() if plain else nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same height and width divided by the stride."""
        y = functional.relu(self.norm_first(self.first(x)))
        return functional.relu(self.norm_second(self.second(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """(n, channels, h, w) -> (n, k): residual stages of `width`, 2 `width`, 4 `width`; average pooling, `head`."""

    def __init__(self, channels: int, k: int, width: int = 8, norm: Norm = "batch") -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, 1, 1, bias=False), _norm(norm, width), nn.ReLU())
        self.stages = nn.Sequential(
            Residual(width, width, 1, norm),
            Residual(width, 2 * width, 2, norm),
            Residual(2 * width, 4 * width, 2, norm),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4 * width, k)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.pool(self.stages(self.stem(x))).flatten(1))


class TinyViT(nn.Module):
    """(n, channels, size, size) -> (n, k): patches, a class token, `depth` transformer blocks, LayerNorm, `head`."""

    def __init__(
        self, channels: int, size: int, k: int, patch: int = 4, width: int = 32, depth: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        if size % patch:
            raise ValueError(f"size {size} is not a multiple of patch {patch}.")
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2 + 1, width))
        block = nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, k)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the class token."""
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1) + self.position
        return self.head(self.norm(self.blocks(tokens))[:, 0])


class TextCNN(nn.Module):
    """(n, length) token codes, 0 = padding -> (n, k): embeddings, convolutions of width 2 to 4, maximum, `head`."""

    def __init__(self, vocabulary: int, k: int, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, size, padding=size - 1) for size in (2, 3, 4))
        self.head = nn.Linear(3 * width, k)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        embedded = self.embedding(x).transpose(1, 2)
        return self.head(torch.cat([functional.relu(c(embedded)).amax(2) for c in self.convolutions], dim=1))
