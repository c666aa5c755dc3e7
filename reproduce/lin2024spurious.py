"""Many spurious features rather than few: averages of models that rest on different ones hold where each of them fails.

Handwritten digits come with 32 coloured patches. In training, half of the patches tell the class most of the time;
which half depends on the model. In use every patch shows the colour of a class drawn at random in nine rows of ten.

Ensembles: the mean of the probabilities of two models that rest on different halves, beside two that rest on the same
half; how far each is above its better member, and the share of rows that the pair has right and both members wrong.

Averaged weights: a model that rests on one half is fine-tuned where the other half tells the class, plainly and with
mixup and smoothed labels (BANG); the model half-way, by accuracy in use and in fine-tuning's own distribution, and how
sure the fine-tuned model is in use.
"""

from __future__ import annotations

import gzip
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from common import data, over_seeds, write
from torch.distributions import Beta
from torch.nn.functional import cross_entropy

from holdfast.merging import WiseFt
from holdfast.nets import Batches, fit, predict
from holdfast.nets.calling import seeded
from holdfast.nets.reference import MLP

SEEDS = 5
PATCHES, HALF = 32, 16
OFTEN, RARELY, NEVER = 0.3, 0.9, 1.0  # how often a patch shows a colour at random: where it tells, in use, where not
ROWS, TEST = 2500, 3000


class Rows(NamedTuple):
    """Pixels and colours side by side, and the digit."""

    X: np.ndarray
    y: np.ndarray


class Loss:
    """Cross-entropy; with `mixing` on mixtures of two rows (one Beta share a batch), with `smoothing` of labels."""

    def __init__(self, mixing: float = 0.0, smoothing: float = 0.0) -> None:
        self.mixing = mixing
        self.measured = partial(cross_entropy, label_smoothing=smoothing)

    def loss(self, model: torch.nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        if not self.mixing:
            return self.measured(model(inputs), y)
        share, other = float(Beta(self.mixing, self.mixing).sample()), torch.randperm(len(y))
        logits = model(share * inputs + (1 - share) * inputs[other])
        return share * self.measured(logits, y) + (1 - share) * self.measured(logits, y[other])


def results() -> dict[str, Any]:
    """Every number with its 90 % interval over seeds."""
    pixels, y = digits()
    runs = [one(pixels, y, seed) for seed in range(SEEDS)]
    return {part: {name: over_seeds([run[part][name] for run in runs]) for name in runs[0][part]} for part in runs[0]}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images of 14 x 14 pixels and their labels."""
    images = np.frombuffer(gzip.decompress(data("mnist", "train10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress(data("mnist", "train10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(labels), -1) / 255
    return small.astype(np.float32), labels.astype(np.int64)


def one(pixels: np.ndarray, y: np.ndarray, seed: int) -> dict[str, dict[str, float]]:
    """Both experiments on one draw of rows and colours."""
    rng = np.random.default_rng(seed)
    order, colours = rng.permutation(len(y)), rng.random((PATCHES, 10, 3)) - 0.5

    def rows(part: int, first: float, second: float, count: int = ROWS) -> Rows:
        chosen = order[part * ROWS : part * ROWS + count]
        return coloured(pixels[chosen], y[chosen], colours, first, second, rng)

    left, left_again, right = rows(0, OFTEN, NEVER), rows(1, OFTEN, NEVER), rows(1, NEVER, OFTEN)
    use, tuned_on = rows(2, RARELY, RARELY, TEST), rows(2, NEVER, OFTEN, TEST)
    base = trained(start(left, seed), left, Loss(), 6, seed)
    pairs = {
        "different patches": trained(start(left, seed + 100), right, Loss(), 6, seed),
        "the same patches": trained(start(left, seed + 100), left_again, Loss(), 6, seed),
    }
    losses = {"plain": Loss(), "mixup and smoothing": Loss(mixing=0.2, smoothing=0.1)}
    tuned = {name: trained(base, right, loss, 6, seed) for name, loss in losses.items()}
    return {
        **{f"ensemble, {name}": pair(base, other, use) for name, other in pairs.items()},
        **{f"fine-tuned, {name}": halfway(base, model, use, tuned_on) for name, model in tuned.items()},
        "what mixup and smoothing add": gained(base, tuned, use, tuned_on),
    }


def coloured(
    pixels: np.ndarray, y: np.ndarray, colours: np.ndarray, first: float, second: float, rng: np.random.Generator
) -> Rows:
    """Rows whose patches show the colour of their class, or of one drawn at random at the rate of their half."""
    rate = np.repeat([first, second], HALF)
    shown = np.where(rng.random((len(y), PATCHES)) < rate, rng.integers(0, 10, (len(y), PATCHES)), y[:, None])
    patches = colours[np.arange(PATCHES), shown].reshape(len(y), -1)
    return Rows(np.concatenate([pixels, patches], axis=1).astype(np.float32), y)


def start(rows: Rows, seed: int) -> torch.nn.Module:
    """An untrained network."""
    with seeded(seed):
        return MLP(rows.X.shape[1], 10, width=128, depth=2)


def trained(model: torch.nn.Module, rows: Rows, loss: Loss, epochs: int, seed: int) -> torch.nn.Module:
    """A copy, trained on the rows."""
    loader = Batches(rows.X, rows.y, shuffle=True, seed=seed)
    adam = partial(torch.optim.AdamW, lr=1e-3)
    return fit(model, loss, loader, epochs=epochs, optimizer=adam, seed=seed, device="cpu").model


def probabilities(model: torch.nn.Module, rows: Rows) -> np.ndarray:
    """(n, 10) probabilities."""
    logits = predict(model, Batches(rows.X, batch_size=4096)).astype(np.float64)
    found = np.exp(logits - logits.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def pair(one: torch.nn.Module, other: torch.nn.Module, use: Rows) -> dict[str, float]:
    """Two models by themselves and their mean."""
    ours, theirs = probabilities(one, use), probabilities(other, use)
    right = [(p.argmax(axis=1) == use.y) for p in (ours, theirs, ours + theirs)]
    better = max(right[0].mean(), right[1].mean())
    return {
        "better member": float(better),
        "mean of both": float(right[2].mean()),
        "above the better member": float(right[2].mean() - better),
        "right where both are wrong": float((right[2] & ~right[0] & ~right[1]).mean()),
    }


def halfway(base: torch.nn.Module, tuned: torch.nn.Module, use: Rows, tuned_on: Rows) -> dict[str, float]:
    """A fine-tuned model and the one half-way to its base."""
    found = {"fine-tuned": tuned, "half-way": WiseFt(share=0.5).edit([base, tuned])}
    said = {name: probabilities(model, use) for name, model in found.items()}
    return {
        "base, in use": accuracy(probabilities(base, use), use),
        **{f"{name}, in use": accuracy(p, use) for name, p in said.items()},
        "half-way, on what it was tuned for": accuracy(probabilities(found["half-way"], tuned_on), tuned_on),
        "how sure the fine-tuned model is, in use": float(said["fine-tuned"].max(axis=1).mean()),
    }


def gained(base: torch.nn.Module, tuned: dict[str, torch.nn.Module], use: Rows, tuned_on: Rows) -> dict[str, float]:
    """Half-way after mixup and smoothing, minus half-way after plain fine-tuning."""
    plain, mixed = (halfway(base, model, use, tuned_on) for model in tuned.values())
    return {name: mixed[name] - plain[name] for name in plain if not name.startswith("base")}


def accuracy(probs: np.ndarray, rows: Rows) -> float:
    """Share of rows that are right."""
    return float((probs.argmax(axis=1) == rows.y).mean())


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results)
