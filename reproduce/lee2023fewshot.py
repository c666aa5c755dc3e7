"""Few-shot Fine-tuning is All You Need for Source-free Domain Adaptation.

A network learns digits and meets them a pixel further to the right, and noisy. Without labels it minimises the
entropy of its answers and keeps them diverse (information maximisation, what most source-free methods stand on); with
one or three labels a class its head learns first, then all of it, gently. Targets: as in training; with a long tail
of classes; and with half of the classes unknown to the network, though among the unlabelled rows. Accuracy on other
target rows of the same mix (known classes), over seeds. Double precision, so that a rerun gives the same answers.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from common import write
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from holdfast.nets.calling import seeded
from holdfast.nets.reference import MLP

SEEDS = 2
TARGETS = ("as in training", "long tail", "open set")


def results() -> dict[str, Any]:
    """Mean accuracy, and the worst seed's gain over the frozen network, by target and method."""
    found: dict[str, Any] = {}
    for target in TARGETS:
        rows = [_accuracies(target, seed) for seed in range(SEEDS)]
        found[target] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        for name in ("information maximisation", "1 label a class", "3 labels a class"):
            found[target][f"least gain of {name}"] = float(min(row[name] - row["frozen"] for row in rows))
    return found


def _accuracies(target: str, seed: int) -> dict[str, float]:
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    X, y = torch.from_numpy(X[order] / 16), torch.from_numpy(y[order])
    classes = 5 if target == "open set" else 10
    moved = X.reshape(-1, 8, 8).roll(1, dims=2).flatten(1) + 0.1 * torch.from_numpy(rng.normal(size=X.shape))
    with seeded(seed):
        model = MLP(64, classes, width=32, depth=1).double()
    learnt = torch.arange(700)[y[:700] < classes]
    _descend(model, lambda m: cross_entropy(m(X[learnt]), y[learnt]), list(model.parameters()), 60, 1e-2)
    new, judged = _drawn(target, y, 700, 1300, rng), _drawn(target, y, 1300, len(y), rng)
    judged = judged[y[judged] < classes]

    def accuracy(network: nn.Module) -> float:
        with torch.no_grad():
            return float((network(moved[judged]).argmax(1) == y[judged]).double().mean())

    made = {"frozen": accuracy(model), "information maximisation": accuracy(_unlabelled(model, moved[new]))}
    for shots in (1, 3):
        few = torch.cat([torch.nonzero(y[700:1300] == c)[:shots, 0] + 700 for c in range(classes)])
        made[f"{shots} label{'s' * (shots > 1)} a class"] = accuracy(_taught(model, moved[few], y[few]))
    return made


def _drawn(target: str, y: torch.Tensor, first: int, last: int, rng: np.random.Generator) -> torch.Tensor:
    """Rows of the target: all of them, or of a long tail of classes."""
    rows = torch.arange(first, last)
    if target != "long tail":
        return rows
    kept = torch.from_numpy(rng.random(len(rows))) < 0.6 ** y[rows].double()
    return rows[kept]


def _unlabelled(model: nn.Module, rows: torch.Tensor) -> nn.Module:
    """A copy that is sure of every row and diverse over all of them, its head kept."""

    def loss(network: nn.Module) -> torch.Tensor:
        probs = network(rows).softmax(1)
        mean = probs.mean(0)
        return -(probs * probs.clamp_min(1e-12).log()).sum(1).mean() + (mean * mean.clamp_min(1e-12).log()).sum()

    made = copy.deepcopy(model)
    return _descend(made, loss, [p for n, p in made.named_parameters() if "head" not in n], 60, 2e-3)


def _taught(model: nn.Module, rows: torch.Tensor, y: torch.Tensor) -> nn.Module:
    """A copy whose head learns first, then all of it at a third of the rate."""
    made = copy.deepcopy(model)
    head = [p for n, p in made.named_parameters() if "head" in n]
    _descend(made, lambda m: cross_entropy(m(rows), y), head, 50, 3e-3)
    return _descend(made, lambda m: cross_entropy(m(rows), y), list(made.parameters()), 50, 1e-3)


def _descend(model: nn.Module, loss: Any, weights: list[nn.Parameter], steps: int, rate: float) -> nn.Module:
    optimizer = torch.optim.Adam(weights, lr=rate, foreach=False)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
    return model


if __name__ == "__main__":
    write(__file__, results)
