"""On Pitfalls of Test-Time Adaptation: what settings, the kind of shift and the source model do to adapters.

Small residual networks learn handwritten digits, and adapters without a gate go with them through streams of shifted
ones. Gains are points of accuracy above the frozen network, with their 90 % interval over seeds. "oracle" and "worst"
are the best and the worst of a grid of learning rates and batch sizes, picked with labels for every seed; "default" is
the library's setting in batches of 64; "continual" adapts on and on, "episodic" goes back before every batch, learns
from it and answers. Small batches are taken as the published methods do, each with statistics of its own and a whole
step (`span`), where the library by default lets several stand for a large one.

Kinds of shift: corruption (noise, low contrast, blur, one after the other, shuffled), the same with a long tail of
classes (label shift) and sorted by class (label correlation), digits of another collection (domain), and a bar whose
side goes with the answer in training and against it in use (spurious correlation). Source models: two epochs; eight;
eight with as many again on moved, brightened and partly covered images.
"""

from __future__ import annotations

import gzip
from functools import partial
from inspect import signature
from itertools import combinations
from typing import Any

import numpy as np
import torch
from common import data, over_seeds, write
from scipy.ndimage import gaussian_filter
from scipy.stats import kendalltau
from sklearn.datasets import load_digits
from torch import nn

from holdfast import adaptation
from holdfast.nets import Batches, fit
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import CrossEntropy
from holdfast.nets.reference import ResNet
from holdfast.nets.streams import Stream, accuracy_on, stream

SEEDS = 4
SOURCE_SEEDS = 12  # of source models: they differ much from seed to seed
LEARNT, MET = 900, 400  # rows that networks learn from, and meet in every domain
LEARNERS = ("Tent", "EATA", "SAR", "Core", "ActMAD", "RoTTA")
ADAPTERS = (*LEARNERS, "BatchNormAdaptation", "AlphaBN", "UnMixTNS", "LAME")
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
SIZES = (64, 8)
DEFAULT = (1e-3, 64)
KINDS = ("corruption", "label shift", "label correlation", "domain", "spurious correlation")
SOURCES = ("few epochs", "plain", "augmented")


def results() -> dict[str, Any]:
    """The three claims, one after the other, and whether each held."""
    found = {
        "settings": settings([sensitivity(seed) for seed in range(SEEDS)]),
        "kinds of shift": kinds_of_shift([by_kind(seed) for seed in range(SEEDS)]),
        "source models": source_models([by_source(seed) for seed in range(SOURCE_SEEDS)]),
    }
    return {**found, "held": {name: part.pop("held") for name, part in found.items()}}


def sample() -> dict[str, Any]:
    """The first seed: gains of all adapters on corrupted digits at their defaults."""
    X, y = digits()
    model = trained(X[:LEARNT], y[:LEARNT], 0)
    met = stream(corrupted(X[LEARNT:][:MET], 0), y[LEARNT:][:MET], size=64, seed=0)
    return {name: gain(name, model, met) for name in ADAPTERS}


def sensitivity(seed: int) -> dict[str, dict[Any, float]]:
    """By adapter: the gain at every rate and batch size, and episodic ones by rate."""
    X, y = digits()
    model = trained(X[:LEARNT], y[:LEARNT], seed)
    met = {size: stream(corrupted(X[LEARNT:][:MET], seed), y[LEARNT:][:MET], size=size, seed=seed) for size in SIZES}
    found: dict[str, dict[Any, float]] = {}
    for name in LEARNERS:
        found[name] = {(rate, size): gain(name, model, met[size], rate=rate) for rate in RATES for size in SIZES}
        found[name] |= {("episodic", rate): gain(name, model, met[64], episodic=True, rate=rate) for rate in RATES}
    return found


def settings(runs: list[dict[str, dict[Any, float]]]) -> dict[str, Any]:
    """What the choice of settings is worth, and whether it changes which adapter is best."""
    grid = [(rate, size) for rate in RATES for size in SIZES]
    found: dict[str, Any] = {}
    for name in LEARNERS:
        tried = [[run[name][place] for place in grid] for run in runs]
        alone = [[run[name]["episodic", rate] for rate in RATES] for run in runs]
        found[name] = {
            "default": over_seeds([run[name][DEFAULT] for run in runs]),
            "oracle": over_seeds([max(row) for row in tried]),
            "worst": over_seeds([min(row) for row in tried]),
            "oracle above worst": over_seeds([max(row) - min(row) for row in tried]),
            "episodic, default": over_seeds([run[name]["episodic", DEFAULT[0]] for run in runs]),
            "episodic, oracle": over_seeds([max(row) for row in alone]),
            "continual above episodic, default": over_seeds(
                [run[name][DEFAULT] - run[name]["episodic", DEFAULT[0]] for run in runs]
            ),
        }
    ranks = {f"rate {rate:g}, batches of {size}": agreement(runs, (rate, size)) for rate, size in grid}
    first = {place: best(runs, place) for place in grid}
    spread = [found[name]["oracle above worst"].low for name in LEARNERS]
    return {
        **found,
        "agreement of ranks with the default's": {name: value for name, value in ranks.items() if value is not None},
        "best adapter": {f"rate {rate:g}, batches of {size}": name for (rate, size), name in first.items()},
        "adapters whose settings matter by 5 points": sum(low > 5 for low in spread),
        "held": sum(low > 5 for low in spread) > len(spread) / 2 and len(set(first.values())) > 1,
    }


def agreement(runs: list[dict[str, dict[Any, float]]], place: tuple[float, int]) -> Any:
    """Kendall's tau of the adapters' order here and at the default; None for the default itself."""
    if place == DEFAULT:
        return None
    return over_seeds(
        [
            float(kendalltau([run[name][place] for name in LEARNERS], [run[name][DEFAULT] for name in LEARNERS])[0])
            for run in runs
        ]
    )


def best(runs: list[dict[str, dict[Any, float]]], place: tuple[float, int]) -> str:
    """The adapter with the largest mean gain at a setting."""
    return max(LEARNERS, key=lambda name: float(np.mean([run[name][place] for run in runs])))


def by_kind(seed: int) -> dict[str, dict[str, tuple[float, float]]]:
    """By kind of shift and adapter: the gains at the default and at the best of the rates."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for kind in KINDS:
        model, met, source = shifted(kind, seed)
        found[kind] = {}
        for name in ADAPTERS:
            plain = gain(name, model, met, source)
            tried = [gain(name, model, met, source, rate=rate) for rate in RATES] if name in LEARNERS else [plain]
            found[kind][name] = plain, max(tried)
    return found


def kinds_of_shift(runs: list[dict[str, dict[str, tuple[float, float]]]]) -> dict[str, Any]:
    """Which adapter gains surely on which kind, even at the best rate of every seed."""
    found: dict[str, Any] = {}
    for name in ADAPTERS:
        found[name] = {
            kind: {
                "default": over_seeds([run[kind][name][0] for run in runs]),
                "oracle": over_seeds([run[kind][name][1] for run in runs]),
            }
            for kind in KINDS
        }
    fails = {
        how: {name: [kind for kind in KINDS if not found[name][kind][how].low > 0] for name in ADAPTERS}
        for how in ("default", "oracle")
    }
    return {
        **found,
        "does not surely gain on": fails,
        "held": {how: all(kinds.values()) for how, kinds in fails.items()},
    }


def by_source(seed: int) -> dict[str, dict[str, float]]:
    """By source model: its own accuracy, clean and corrupted, and each adapter's gain at the default."""
    X, y = digits()
    rows = corrupted(X[LEARNT:][:MET], seed)
    met = stream(rows, y[LEARNT:][:MET], seed=seed)
    clean = stream([X[LEARNT:][:MET]], y[LEARNT:][:MET], seed=seed)
    found = {}
    for source in SOURCES:
        model = trained(X[:LEARNT], y[:LEARNT], seed, source)
        found[source] = {
            "frozen, clean": 100 * accuracy_on(model, clean),
            "frozen, corrupted": 100 * accuracy_on(model, met),
            **{name: gain(name, model, met) for name in ADAPTERS},
        }
    return found


def source_models(runs: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """What the source model does to gains; whether the order of adapted networks is that of frozen ones."""
    found: dict[str, Any] = {
        source: {name: over_seeds([run[source][name] for run in runs]) for name in runs[0][source]}
        for source in SOURCES
    }
    differ = {
        name: {
            f"{one} above {other}": over_seeds([run[one][name] - run[other][name] for run in runs])
            for one, other in combinations(("augmented", "plain", "few epochs"), 2)
        }
        for name in ADAPTERS
    }
    matters = [any(part.low > 2 or part.high < -2 for part in differ[name].values()) for name in ADAPTERS]
    return {
        **found,
        "gains differ": differ,
        "adapted networks keep the order of frozen ones": order_kept(runs),
        "adapters whose gain hangs on the source by 2 points": sum(matters),
        "held": sum(matters) > len(matters) / 2,
    }


def order_kept(runs: list[dict[str, dict[str, float]]]) -> Any:
    """Correlation over source models of frozen and adapted accuracy under corruption, mean of the adapters."""
    values = []
    for run in runs:
        frozen = np.array([run[source]["frozen, corrupted"] for source in SOURCES])
        adapted = [frozen + [run[source][name] for source in SOURCES] for name in ADAPTERS]
        values.append(float(np.mean([np.corrcoef(frozen, after)[0, 1] for after in adapted])))
    return over_seeds(values)


def gain(
    name: str,
    model: nn.Module,
    met: Stream,
    source: tuple[np.ndarray, np.ndarray] | None = None,
    episodic: bool = False,
    **how: Any,
) -> float:
    """Points of accuracy above the frozen network."""
    cls = getattr(adaptation, name)
    X, y = source or digits()
    given = {"ref_inputs": X[:300], "ref_y": y[:300]}
    extra = {key: value for key, value in given.items() if key in signature(cls.edit).parameters}
    if "span" in cls.settings():
        how["span"] = len(met[0][1])
    adapting = cls(gate=False, **how).edit(model, **extra)
    return 100 * (accuracy_on(Episodic(adapting) if episodic else adapting, met) - accuracy_on(model, met))


class Episodic(nn.Module):
    """Goes back before every batch, and answers after one step on it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The second answer of a fresh model: the first one has not learnt yet."""
        self.model.reset()
        self.model(inputs)
        return self.model(inputs)


def shifted(kind: str, seed: int) -> tuple[nn.Module, Stream, tuple[np.ndarray, np.ndarray]]:
    """A network, the stream that it meets, and what it learnt from."""
    X, y = digits()
    if kind == "spurious correlation":
        return barred(X, y, seed)
    learnt, (met, answers) = (X[:LEARNT], y[:LEARNT]), (X[LEARNT:][:MET], y[LEARNT:][:MET])
    model = trained(*learnt, seed)
    if kind == "domain":
        others, labels = mnist()
        return model, stream([others[:MET]], labels[:MET], seed=seed), learnt
    if kind == "label shift":
        kept = np.random.default_rng([seed, 2]).random(MET) < 0.6**answers
        met, answers = met[kept], answers[kept]
    order = "by class" if kind == "label correlation" else "shuffled"
    return model, stream(corrupted(met, seed), answers, order, seed=seed), learnt  # type: ignore[arg-type]


def barred(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[nn.Module, Stream, tuple[np.ndarray, np.ndarray]]:
    """High digits against low ones; a bar on the left or right agrees in 95 % of training and 10 % of use."""
    rng = np.random.default_rng([seed, 3])
    high = (y >= 5).astype(np.int64)
    agrees = rng.random(len(y)) < np.where(np.arange(len(y)) < LEARNT, 0.95, 0.1)
    bar = np.zeros((len(y), 1, 8, 8), np.float32)
    bar[np.arange(len(y)), 0, :, np.where(np.where(agrees, high, 1 - high) == 1, 7, 0)] = 1.0
    seen = np.maximum(X, bar)
    learnt = seen[:LEARNT], high[:LEARNT]
    met = stream([seen[LEARNT:][:MET]], high[LEARNT:][:MET], seed=seed)
    return trained(*learnt, seed), met, learnt


def corrupted(X: np.ndarray, seed: int) -> list[np.ndarray]:
    """The images under noise, low contrast and blur."""
    noise = np.random.default_rng([seed, 1]).normal(size=X.shape)
    return [X + 0.4 * noise, 0.25 * X + 0.4, gaussian_filter(X, (0, 0, 0.9, 0.9))]


def trained(X: np.ndarray, y: np.ndarray, seed: int, source: str = "plain") -> nn.Module:
    """A network with BatchNorm; augmented images are drawn anew for every epoch."""
    epochs = 2 if source == "few epochs" else 8
    with seeded(seed):
        start = ResNet(1, int(y.max()) + 1, width=8)
    if source == "augmented":
        rng = np.random.default_rng([seed, 4])
        X = np.concatenate([X] * epochs + [augmented(X, rng) for _ in range(epochs)])
        y, epochs = np.tile(y, 2 * epochs), 1
    loader = Batches(X, y, batch_size=64, shuffle=True, seed=seed)
    adam = partial(torch.optim.AdamW, lr=5e-3)
    return fit(start, CrossEntropy(), loader, epochs=epochs, optimizer=adam, seed=seed, device="cpu").model


def augmented(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every image moved by a pixel at most, brighter or darker by a third at most, and a corner of it covered."""
    edged = np.pad(X * rng.uniform(0.67, 1.33, (len(X), 1, 1, 1)).astype(np.float32), ((0, 0), (0, 0), (1, 1), (1, 1)))
    made = np.empty_like(X)
    for number, (down, right, top, left) in enumerate(rng.integers(0, [3, 3, 6, 6], (len(X), 4))):
        made[number] = edged[number, :, down : down + 8, right : right + 8]
        made[number, :, top : top + 3, left : left + 3] = 0.0
    return made


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images between 0 and 1, (n, 1, 8, 8), in a fixed random order, and their labels."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).reshape(-1, 1, 8, 8).astype(np.float32), y[order]


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """The middle of another collection's images, at the same size."""
    images, labels = (
        np.frombuffer(gzip.decompress(data("mnist", f"train10k-{name}-ubyte.gz").read_bytes())[skip:], np.uint8)
        for name, skip in (("images-idx3", 16), ("labels-idx1", 8))
    )
    small = images.reshape(-1, 28, 28)[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)) / 255
    order = np.random.default_rng(0).permutation(len(labels))
    return small[order].reshape(-1, 1, 8, 8).astype(np.float32), labels[order].astype(np.int64)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results, sample)
