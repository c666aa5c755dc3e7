"""Repeating a small part of the training data costs a model as much as if it were smaller, most when middling often.

A small neural model of the next byte of Shakespeare's plays (its context is eight bytes) sees the same number of
examples in every run. A share of them comes from a small part that is repeated so often; the rest is unique. Losses on
a held-out part are turned into the width of a model without repeats that would do as well.
"""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import torch
from common import data, write

CONTEXT, EMBEDDING, BATCH = 8, 8, 256
EXAMPLES = 50_000
WIDTHS = (16, 32, 64)
WIDTH = 64  # of the models that see repeats
REPEATS = (3, 50, 200, 5000)
SHARES = (0.3,)


def results() -> dict[str, Any]:
    """Held-out loss by width without repeats, and by share and number of repeats with the width that it amounts to."""
    text = np.frombuffer(gzip.decompress(data("tinyshakespeare", "input.txt.gz").read_bytes()), dtype=np.uint8)
    codes = np.unique(text, return_inverse=True)[1]
    train, held = codes[:900_000], codes[900_000:960_000]
    torch.set_num_threads(1)
    plain = {width: _loss(train, held, width, share=0.0, repeats=1) for width in WIDTHS}
    found: dict[str, Any] = {"without repeats": {f"width {width}": loss for width, loss in plain.items()}}
    for share in SHARES:
        rows = {}
        for repeats in REPEATS:
            loss = _loss(train, held, WIDTH, share, repeats)
            rows[f"{repeats} times"] = {"loss": loss, "amounts to width": _width(loss, plain)}
        worst = max(rows, key=lambda name: rows[name]["loss"])
        found[f"share {share}"] = {**rows, "worst": worst}
    return found


def _loss(train: np.ndarray, held: np.ndarray, width: int, share: float, repeats: int) -> float:
    """Mean loss in nats a byte on the held-out part after one pass over the mixed examples."""
    rng, symbols = np.random.default_rng(0), int(train.max()) + 1
    places = rng.permutation(len(train) - CONTEXT)[:EXAMPLES]
    again = round(share * EXAMPLES)
    subset = places[: max(1, again // repeats)]
    order = rng.permutation(np.concatenate([np.resize(subset, again), places[again:]]))
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        weights = torch.randn(*shape, generator=generator, dtype=torch.float64) / np.sqrt(shape[0])
        return weights.requires_grad_()

    parts = [drawn(symbols, EMBEDDING), drawn(CONTEXT * EMBEDDING, width), drawn(width, symbols)]
    optimizer = torch.optim.Adam(parts, lr=4e-3)
    windows = np.lib.stride_tricks.sliding_window_view(train, CONTEXT + 1)
    for first in range(0, len(order), BATCH):
        batch = torch.from_numpy(windows[order[first : first + BATCH]].copy())
        loss = _cross_entropy(parts, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        rows = np.lib.stride_tricks.sliding_window_view(held, CONTEXT + 1)[::4]
        return float(_cross_entropy(parts, torch.from_numpy(rows.copy())))


def _cross_entropy(parts: list[torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
    embedding, hidden, out = parts
    inside = torch.relu(embedding[batch[:, :CONTEXT]].flatten(1) @ hidden)
    return torch.nn.functional.cross_entropy(inside @ out, batch[:, CONTEXT])


def _width(loss: float, plain: dict[int, float]) -> float:
    """Where a line between the logarithms of widths reaches a loss; no wider or narrower than was tried."""
    widths = sorted(plain, key=plain.__getitem__)
    return float(np.exp(np.interp(loss, [plain[width] for width in widths], np.log(widths))))


if __name__ == "__main__":
    write(__file__, results)
