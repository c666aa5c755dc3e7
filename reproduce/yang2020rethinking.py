"""Rethinking the value of labels for class-imbalanced learning: pseudo-labels of a pool, pretraining without labels.

Japanese characters of ten classes, the commonest a hundred times as frequent as the rarest (745 in all), a small
residual network, and mean recall on as many new rows of every class; `tail` is that of the three rarest. Every way of
training (cross-entropy, weights inverse to frequency, logit adjustment) begins from the same start.

Pseudo-labels: the network trained on the labelled rows labels a pool, and a fresh one learns both. The pool has
all classes equally, or the same long tail.

Without labels: the network first learns, from the long-tailed pictures alone, by how many quarters of a turn they are
turned, to paint them again from its last map, or to tell two distorted views of one picture from those of others; then
it is trained as before. Beside it: as many steps in all on labels alone, and the same distortions while training.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from common import data, over_seeds, write
from torch import nn
from torch.nn import functional

from holdfast.nets import Batches, fit, predict
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import CrossEntropy
from holdfast.nets.reference import ResNet
from holdfast.training import LogitAdjustment, SelfSupervisedPretraining
from holdfast.training.self_supervised_pretraining import distorted

SEEDS, CLASSES, TAIL = 5, 10, 3
MOST, IMBALANCE, TEST, POOL = (
    300,
    100,
    200,
    400,
)  # rows: of the commonest class, and of each class to judge and to label
STEPS, WIDTH, BATCH, RATE = 220, 8, 64, 0.05


class Rows(NamedTuple):
    """Pictures (n, 1, h, w) and classes by rank, 0 the commonest."""

    X: np.ndarray
    y: np.ndarray


class Draw(NamedTuple):
    """Rows to learn from, to judge by, and pools without labels."""

    seen: Rows
    new: Rows
    pools: dict[str, np.ndarray]


def results() -> dict[str, Any]:
    """Mean recalls, and paired gains over what they are to beat, with 90 % intervals over seeds."""
    runs = [one(draw(seed), seed) for seed in range(SEEDS)]
    return {name: {part: compared(runs, name, part) for part in ("mean recall", "tail")} for name in runs[0]}


def sample() -> dict[str, Any]:
    """The first seed: logit adjustment from the start, and after quarter turns."""
    rows = draw(0)
    with seeded(0):
        start = ResNet(1, CLASSES, width=WIDTH)
        task = pretexts(start, 0)["quarter turns"]
    learnt, loss = partial(trained, rows=rows.seen, seed=0), losses(rows.seen.y)["logit adjustment"]
    models = {"logit adjustment": learnt(start, loss), "after quarter turns": learnt(learnt(start, task), loss)}
    return {name: judged(model, rows.new)["mean recall"] for name, model in models.items()}


def compared(runs: list[dict[str, Any]], name: str, part: str) -> Any:
    """The mean over seeds, and the gain over each bar of this setting."""
    bars = runs[0][name]["bars"]
    ours = [run[name][part] for run in runs]
    gains = {
        f"above {bar}": over_seeds([a - run[bar][part] for a, run in zip(ours, runs, strict=True)]) for bar in bars
    }
    return {"mean": round(float(np.mean(ours)), 4), **gains}


def draw(seed: int) -> Draw:
    """A long tail whose order of classes is drawn too."""
    images = np.load(data("kmnist", "kmnist-test-imgs.npz"))["arr_0"]
    labels = np.load(data("kmnist", "kmnist-test-labels.npz"))["arr_0"]
    pictures = (images.reshape(-1, 1, 14, 2, 14, 2).mean(axis=(3, 5)) / 255).astype(np.float32)
    rng = np.random.default_rng(seed)
    parts: dict[str, list[np.ndarray]] = {"new": [], "seen": [], "equal": [], "long-tailed": []}
    for rank, label in enumerate(rng.permutation(CLASSES)):
        rows, share = rng.permutation(np.flatnonzero(labels == label)), IMBALANCE ** (-rank / (CLASSES - 1))
        sizes = {"new": TEST, "seen": round(MOST * share)}
        new, seen, rest = np.split(rows, np.cumsum(list(sizes.values())))
        chosen = {"new": new, "seen": seen, "equal": rest[:POOL], "long-tailed": rest[: round(len(rest) * share)]}
        for name, found in chosen.items():
            parts[name].append(found)
    center = pictures[np.concatenate(parts["seen"])]
    scaled = (pictures - center.mean()) / center.std()
    pools = {name: scaled[np.concatenate(parts[name])] for name in ("equal", "long-tailed")}
    return Draw(gathered(scaled, parts["seen"]), gathered(scaled, parts["new"]), pools)


def gathered(pictures: np.ndarray, parts: list[np.ndarray]) -> Rows:
    """The rows of all ranks."""
    return Rows(pictures[np.concatenate(parts)], np.repeat(np.arange(CLASSES), [len(part) for part in parts]))


# --- losses ---------------------------------------------------------------------------------------------------
class Weighted:
    """Cross-entropy with rows weighted by how rare their class is."""

    def __init__(self, y: np.ndarray) -> None:
        shares = np.bincount(y, minlength=CLASSES).clip(1) / len(y)
        self.weights = torch.from_numpy(1 / (CLASSES * shares)).float()

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        return (self.weights[y] * functional.cross_entropy(model(inputs), y, reduction="none")).mean()


class Distorted:
    """Another loss, on pictures distorted anew at every step."""

    def __init__(self, other: Any) -> None:
        self.other = other

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        return self.other.loss(model, inputs=distorted(inputs, 1.0), y=y)


class Painting:
    """The picture again, from the last map of a noisy copy."""

    def __init__(self) -> None:
        up = (nn.ConvTranspose2d(4 * WIDTH, 2 * WIDTH, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(2 * WIDTH, 1, 4, 2, 1))
        self.painter = nn.Sequential(*up)

    def parameters(self) -> list[nn.Parameter]:
        """Those of the network that paints."""
        return list(self.painter.parameters())

    def loss(self, model: ResNet, inputs: torch.Tensor, **_: Any) -> torch.Tensor:
        """The mean over the batch."""
        noisy, size = inputs + 0.2 * torch.randn_like(inputs), inputs.shape[-1]
        made = self.painter(model.stages(model.stem(noisy)))[..., :size, :size]
        return 10 * functional.mse_loss(made, inputs)


def pretexts(model: nn.Module, seed: int) -> dict[str, Any]:
    """All that is tried."""
    return {
        "quarter turns": SelfSupervisedPretraining(pretext="rotation", seed=seed).fit(model),
        "painting again": Painting(),
        "contrast": SelfSupervisedPretraining(pretext="contrast", seed=seed).fit(model),
    }


def losses(y: np.ndarray) -> dict[str, Any]:
    """The ways of training on these labels."""
    return {"cross-entropy": CrossEntropy(), "weights": Weighted(y), "logit adjustment": LogitAdjustment().fit(y=y)}


# --- one draw -------------------------------------------------------------------------------------------------
def one(rows: Draw, seed: int) -> dict[str, dict[str, Any]]:
    """Every setting: its recalls, and what it is to beat."""
    with seeded(seed):
        start = ResNet(1, CLASSES, width=WIDTH)
        tasks = pretexts(start, seed)
    ways = losses(rows.seen.y)
    learnt = partial(trained, rows=rows.seen, seed=seed)
    begun = {name: learnt(start, task) for name, task in tasks.items()}
    found = {}
    for name, loss in ways.items():
        plain, longer = learnt(start, loss), learnt(start, loss, steps=2 * STEPS)
        found[name] = judged(plain, rows.new)
        found[f"{name}, twice the steps"] = judged(longer, rows.new, name)
        for task, model in begun.items():
            bars = (name, f"{name}, twice the steps")
            found[f"{name} after {task}"] = judged(learnt(model, loss), rows.new, *bars)
        if name != "weights":
            found |= with_pools(name, start, plain, rows, seed)
    return found | with_distortions("logit adjustment", ways["logit adjustment"], start, begun, rows, seed)


def with_pools(name: str, start: nn.Module, plain: nn.Module, rows: Draw, seed: int) -> dict[str, dict[str, Any]]:
    """Trained on labelled rows and on a pool as the plain network labels it; classes are counted in both."""
    found = {}
    for pool, pictures in rows.pools.items():
        said = predict(plain, Batches(pictures, batch_size=1024)).argmax(axis=1)
        both = Rows(np.concatenate([rows.seen.X, pictures]), np.concatenate([rows.seen.y, said]))
        made = trained(start, losses(both.y)[name], rows=both, seed=seed, steps=2 * STEPS)
        found[f"{name} and pseudo-labels, {pool} pool"] = judged(made, rows.new, name, f"{name}, twice the steps")
    return found


def with_distortions(
    name: str, loss: Any, start: nn.Module, begun: dict[str, nn.Module], rows: Draw, seed: int
) -> dict[str, dict[str, Any]]:
    """Trained on distorted pictures, from the start or after a pretext; as long, and as long in all."""
    learnt = partial(trained, loss=Distorted(loss), rows=rows.seen, seed=seed)
    as_long, in_all = f"{name} on distorted pictures", f"{name} on distorted pictures, half as many steps more"
    found = {
        as_long: judged(learnt(start, steps=2 * STEPS), rows.new, f"{name}, twice the steps"),
        in_all: judged(learnt(start, steps=3 * STEPS), rows.new),
    }
    for task in ("quarter turns", "contrast"):
        made = learnt(begun[task], steps=2 * STEPS)
        found[f"{as_long} after {task}"] = judged(made, rows.new, as_long, in_all)
    return found


def trained(model: nn.Module, loss: Any, rows: Rows, seed: int, steps: int = STEPS) -> nn.Module:
    """A copy after so many steps, or a few more to end an epoch."""
    loader = Batches(rows.X, rows.y, batch_size=BATCH, shuffle=True, seed=seed)
    momentum = partial(torch.optim.SGD, lr=RATE, momentum=0.9, weight_decay=5e-4, foreach=True)
    falling = lambda made, count: torch.optim.lr_scheduler.OneCycleLR(  # noqa: E731
        made, RATE, total_steps=count, cycle_momentum=False
    )
    epochs = -(-steps // len(loader))
    return fit(model, loss, loader, epochs=epochs, optimizer=momentum, schedule=falling, seed=seed, device="cpu").model


def judged(model: nn.Module, new: Rows, *bars: str) -> dict[str, Any]:
    """Recalls, and the names of the settings to beat."""
    said = predict(model, Batches(new.X, batch_size=1024)).argmax(axis=1)
    recalls = [float((said[new.y == rank] == rank).mean()) for rank in range(CLASSES)]
    return {"mean recall": float(np.mean(recalls)), "tail": float(np.mean(recalls[-TAIL:])), "bars": bars}


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results, sample)
