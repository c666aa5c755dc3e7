"""Adapters by the protocol of "On Pitfalls of Test-Time Adaptation": every stream, settings, continual and episodic.

    python benchmarks/test_time_adaptation.py [--bed B] [--seeds N] [--methods A,B] [--norms batch,group] [--grid]
        [--write]

A small residual network with BatchNorm (and one with GroupNorm) learns 900 of scikit-learn's digits and meets
the other 897 under noise, low contrast, blur, light and inversion, one domain after the other. Streams:
shuffled in batches of 64, 16 and 1; sorted by class in batches of 64 and 16; every image in a domain of its own; three
passes; no shift, shuffled and sorted. "gated" and "bare" are at the method's own rate of learning. With `--grid`, on
some streams rates are a grid, of which "oracle" is the best and "worst" the worst, picked with labels, and "episodic"
goes back before every batch. CPU is relative to the frozen network on the same stream: for the default the median of
pairs of runs, one after the other. One thread. `--write` appends to records/test_time_adaptation.json.

The bars: under the gate no method on any stream loses more than a point, and on the shuffled stream it keeps 95 % of
its own bare gain. What a method gains there beside Tent is said too, bare and gated; LAME rests on it by design, for it
moves answers of neighbours only. `--bed mnist` (in the folder HOLDFAST_DATA) is another data set under other
corruptions: settings are chosen there, never by what this file reports of digits.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits
from torch import nn

from holdfast import adaptation
from holdfast.nets import Batches, fit
from holdfast.nets.calling import seeded
from holdfast.nets.reference import ResNet
from holdfast.nets.streams import Stream, accuracy_on, stream

RECORDS = Path(__file__).parent / "records" / "test_time_adaptation.json"
DOMAINS = {
    "digits": ("noise", "contrast", "blur", "light", "inverted"),
    "mnist": ("pepper", "shade", "coarse", "bright", "fog"),
}
MET = 1800  # rows of a bed at most, of which 900 are learnt
RATES = (1e-4, 1e-3, 1e-2)
PAIRS = {"BatchNormAdaptation": 7}  # of runs, a frozen and an adapting one, whose CPU is compared; of others 1
GRID = ("shuffled 64", "by class 64")
STREAMS: dict[str, dict[str, Any]] = {
    "shuffled 64": {}, "shuffled 16": {"size": 16}, "shuffled 1": {"size": 1},
    "by class 64": {"order": "by class"}, "by class 16": {"order": "by class", "size": 16},
    "mixed 64": {"order": "mixed"}, "three passes 64": {"passes": 3},
    "no shift 64": {"domains": ("clean",)}, "no shift, by class 64": {"domains": ("clean",), "order": "by class"},
}  # fmt: skip


class CrossEntropy:
    """What networks are trained by."""

    def loss(self, model: nn.Module, inputs: torch.Tensor, y: torch.Tensor, **_: Any) -> torch.Tensor:
        return nn.functional.cross_entropy(model(inputs), y)


class Episodic(nn.Module):
    """Goes back before every batch."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The first answer of a fresh model."""
        self.model.reset()
        return self.model(inputs)


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images between 0 and 1, (n, 1, 8, 8), and their labels."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).reshape(-1, 1, 8, 8).astype("float32"), y[order]


@cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """The middle of MNIST's images at the same size."""
    folder = Path(os.environ["HOLDFAST_DATA"]) / "mnist"
    images, labels = (
        np.frombuffer(gzip.decompress((folder / f"train10k-{name}-ubyte.gz").read_bytes())[skip:], np.uint8)
        for name, skip in (("images-idx3", 16), ("labels-idx1", 8))
    )
    small = images.reshape(-1, 28, 28)[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)) / 255
    order = np.random.default_rng(0).permutation(len(labels))[:MET]
    return small[order].reshape(-1, 1, 8, 8).astype("float32"), labels[order].astype(np.int64)


BEDS = {"digits": digits, "mnist": mnist}


def seen(X: np.ndarray, domain: str, rng: np.random.Generator) -> np.ndarray:
    """The images in a domain; every call draws as much, so that one domain's noise does not hang on the others."""
    noise = rng.normal(size=X.shape)
    changes: dict[str, Callable[[], np.ndarray]] = {
        "clean": lambda: X, "noise": lambda: X + 0.5 * noise, "contrast": lambda: 0.15 * X + 0.5,
        "blur": lambda: gaussian_filter(X, (0, 0, 0.9, 0.9)), "light": lambda: X + 0.6, "inverted": lambda: 1 - X,
        "pepper": lambda: peppered(X, noise), "shade": lambda: X + np.linspace(-0.6, 0.6, X.shape[-1]),
        "coarse": lambda: coarse(X), "bright": lambda: 1.5 * np.sqrt(X),
        "fog": lambda: 0.5 * X + 0.5 + 0.3 * clouds(noise),
    }  # fmt: skip
    return changes[domain]()


def peppered(X: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """One pixel in eight black, one in eight white."""
    return np.where(noise < -1.15, 0, np.where(noise > 1.15, 1, X))


def coarse(X: np.ndarray) -> np.ndarray:
    """Four pixels are one."""
    n, channels, height, width = X.shape
    small = X.reshape(n, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5))
    return small.repeat(2, axis=2).repeat(2, axis=3)


def clouds(noise: np.ndarray) -> np.ndarray:
    """Smooth noise of unit variance."""
    smooth = gaussian_filter(noise, (0, 0, 1.5, 1.5))
    return smooth / smooth.std()


def network(seed: int, norm: Any, bed: str = "digits") -> nn.Module:
    X, y = BEDS[bed]()
    with seeded(seed):
        model = ResNet(1, 10, width=8, norm=norm)
    loader = Batches(X[:900], y[:900], batch_size=64, shuffle=True, seed=seed)
    optimizer = partial(torch.optim.AdamW, lr=5e-3)
    return fit(model, CrossEntropy(), loader, epochs=8, optimizer=optimizer, seed=seed, device="cpu").model


def streams(seed: int, bed: str = "digits") -> dict[str, Stream]:
    X, y = BEDS[bed]()
    rng = np.random.default_rng([seed, 1])
    made = {}
    for name, how in STREAMS.items():
        options = {key: value for key, value in how.items() if key != "domains"}
        rows = slice(900, 1100) if how.get("size") == 1 else slice(900, None)
        shown = [seen(X[rows], domain, rng) for domain in how.get("domains", DOMAINS[bed])]
        made[name] = stream(shown, y[rows], seed=seed, **options)
    return made


def timed(model: Any, batches: Stream) -> tuple[float, float]:
    """Accuracy and CPU seconds of one run from the start."""
    if hasattr(model, "reset"):
        model.reset()
    start = time.process_time()
    return accuracy_on(model, batches), time.process_time() - start


def paired(adapting: Any, frozen: nn.Module, batches: Stream, pairs: int) -> tuple[float, float]:
    """Accuracy of the adapting network, and its CPU in forward passes."""
    ratios = []
    for _ in range(pairs):
        accuracy, seconds = timed(adapting, batches)
        ratios.append(seconds / timed(frozen, batches)[1])
    return accuracy, statistics.median(ratios)


def judge(
    name: str, model: nn.Module, batches: Stream, frozen: float, grid: bool, bed: str = "digits"
) -> dict[str, float]:
    """One method on one stream: gains over the frozen network in points, and CPU in forward passes."""
    cls = getattr(adaptation, name)
    X, y = BEDS[bed]()
    source = {"ref_inputs": X[:300], "ref_y": y[:300]}
    extra = {key: value for key, value in source.items() if key in signature(cls.edit).parameters}

    def gain(gate: bool, **settings: Any) -> float:
        return 100 * (accuracy_on(cls(gate=gate, **settings).edit(model, **extra), batches) - frozen)

    accuracy, cost = paired(cls().edit(model, **extra), model, batches, PAIRS.get(name, 1))
    row = {"gated": 100 * (accuracy - frozen), "bare": gain(False), "cpu": cost}
    if "rate" in cls.settings() and grid:
        tried = [gain(True, rate=rate) for rate in RATES]
        row |= {"oracle": max(tried), "worst": min(tried)}
        row |= {"bare worst": min(gain(False, rate=rate) for rate in RATES)}
        row["episodic"] = 100 * (accuracy_on(Episodic(cls(gate=False).edit(model, **extra)), batches) - frozen)
    return row


def judged(found: dict[str, Any]) -> dict[str, Any]:
    """The bars: each method's worst stream, its largest CPU, and its shares on the shuffled stream."""
    said: dict[str, Any] = {}
    for method in sorted({name for met in found.values() for name in met} - {"frozen"}):
        rows = {name: met[method] for name, met in found.items() if method in met}
        worst = min(rows, key=lambda name: min(rows[name]["gated"]))
        costs = {name: statistics.median(row["cpu"]) for name, row in rows.items()}
        dear = max(costs, key=lambda name: costs[name])
        said[method] = {"worst": [min(rows[worst]["gated"]), worst], "cpu": [round(costs[dear], 2), dear]}
        said[method] |= shares(method, found.get("batch: shuffled 64", {}))
    return said


def shares(method: str, found: dict[str, Any]) -> dict[str, float | None]:
    """What the gate leaves of a method's own bare gain, the least over seeds too, and its gain beside Tent's.

    None where a method gains nothing bare: there the gate has nothing to keep.
    """
    said: dict[str, float | None] = {}
    if method in found:
        gated, bare = found[method]["gated"], found[method]["bare"]
        own = [one / all_ for one, all_ in zip(gated, bare, strict=True)] if min(bare) > 0 else []
        said["share of own bare gain"] = round(statistics.mean(own), 3) if own else None
        said["share of own bare gain, least"] = round(min(own), 3) if own else None
    if method in found and "Tent" in found:
        for name, gains in (("share of Tent's gain", gated), ("bare share of Tent's gain", bare)):
            beside = [one / other for one, other in zip(gains, found["Tent"]["bare"], strict=True)]
            said[name] = round(statistics.mean(beside), 3)
    return said


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bed", choices=BEDS, default="digits")
    parser.add_argument("--seeds", type=int, default=2)
    adapters = [name for name in dir(adaptation) if hasattr(getattr(adaptation, name), "edit")]
    parser.add_argument("--methods", default=",".join(adapters))
    parser.add_argument("--norms", default="batch,group")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for norm in asked.norms.split(","):
        for seed in range(asked.seeds if norm == "batch" else 1):
            model = network(seed, norm, asked.bed)
            for name, batches in streams(seed, asked.bed).items():
                frozen = accuracy_on(model, batches)
                here = found.setdefault(f"{norm}: {name}", {"frozen": []})
                here["frozen"].append(round(100 * frozen, 2))
                for method in asked.methods.split(","):
                    try:
                        row = judge(method, model, batches, frozen, asked.grid and name in GRID, asked.bed)
                    except ValueError:
                        continue
                    for key, value in row.items():
                        here.setdefault(method, {}).setdefault(key, []).append(round(value, 2))
                print(seed, norm, name, {m: v["gated"][-1] for m, v in here.items() if m != "frozen"}, flush=True)
    record = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
        "bed": asked.bed,
        "unit": "points of accuracy above the frozen network, one a seed; cpu in forward passes",
        "bars": judged(found), "streams": found,
    }  # fmt: skip
    print(json.dumps(record["bars"], indent=1))
    if not asked.write:
        return
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*records, record], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
