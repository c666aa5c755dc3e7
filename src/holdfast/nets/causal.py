"""A tiny causal transformer and its objective: a real language model whose training data are known."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from holdfast.nets.calling import forward
from holdfast.nets.tokens import START


class CausalBlock(nn.Module):
    """Attention to what came before and a feed-forward layer, each after a LayerNorm and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_first, self.norm_second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, t, width), the same shape out; position t sees positions 0..t."""
        n, length, width = x.shape
        parts = self.queries_keys_values(self.norm_first(x)).view(n, length, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(n, length, width))
        return x + self.feed(self.norm_second(x))


class CausalTransformer(nn.Module):
    """(n, t) token codes -> (n, t, vocabulary) logits of the next code; t is at most `context`.

    Learnt positions, pre-norm blocks, the embedding is the output layer too. `config` is what makes another like it.
    """

    def __init__(self, vocabulary: int, width: int = 64, depth: int = 2, heads: int = 4, context: int = 128) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}.")
        self.config = {"vocabulary": vocabulary, "width": width, "depth": depth, "heads": heads, "context": context}
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(0.02 * torch.randn(context, width))
        self.blocks = nn.Sequential(*(CausalBlock(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.embedding.weight, std=0.05)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of the next code at every position."""
        hidden = self.norm(self.blocks(self.embedding(x) + self.position[: x.shape[1]]))
        return hidden @ self.embedding.weight.T


class NextToken:
    """The objective of language models: cross-entropy of every next code; padding (code 0) is no target.

    >>> even = lambda codes: torch.zeros(*codes.shape, 4)
    >>> NextToken().loss(even, torch.tensor([[0, 1, 2, 0]])).exp().item()   # a guess among four, twice
    4.0
    """

    def loss(self, model: nn.Module, inputs: torch.Tensor, **rest: object) -> torch.Tensor:  # noqa: ARG002
        """The mean over all codes of the batch but the start."""
        longest = int((inputs != START).any(dim=0).nonzero().max()) + 1
        logits = forward(model, inputs[:, : longest - 1])
        return functional.cross_entropy(logits.flatten(0, 1), inputs[:, 1:longest].flatten(), ignore_index=START)
