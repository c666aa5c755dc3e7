"""Adapters by the protocol of "On Pitfalls of Test-Time Adaptation": every stream, settings, continual and episodic.

    python benchmarks/test_time_adaptation.py [--seeds N] [--methods A,B] [--norms batch,group] [--grid] [--write]

A small residual network with BatchNorm (and one with GroupNorm) learns 900 of scikit-learn's digits and meets
the other 897 under noise, low contrast, blur, light and inversion, one domain after the other. Streams:
shuffled in batches of 64, 16 and 1; sorted by class in batches of 64 and 16; every image in a domain of its own; three
passes; no shift, shuffled and sorted. "gated" and "bare" are at the method's own rate of learning. With `--grid`, on
some streams rates are a grid, of which "oracle" is the best and "worst" the worst, picked with labels, and "episodic"
goes back before every batch. CPU is relative to the frozen network on the same stream: for the default the median of
pairs of runs, one after the other. One thread. `--write` appends to records/test_time_adaptation.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from datetime import UTC, datetime
from functools import partial
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
DOMAINS = ("noise", "contrast", "blur", "light", "inverted")
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


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).reshape(-1, 1, 8, 8).astype("float32"), y[order]


def seen(X: np.ndarray, domain: str, rng: np.random.Generator) -> np.ndarray:
    change = {
        "clean": X, "noise": X + 0.5 * rng.normal(size=X.shape), "contrast": 0.15 * X + 0.5,
        "blur": gaussian_filter(X, (0, 0, 0.9, 0.9)), "light": X + 0.6, "inverted": 1 - X,
    }  # fmt: skip
    return change[domain]


def network(seed: int, norm: Any) -> nn.Module:
    X, y = digits()
    with seeded(seed):
        model = ResNet(1, 10, width=8, norm=norm)
    loader = Batches(X[:900], y[:900], batch_size=64, shuffle=True, seed=seed)
    optimizer = partial(torch.optim.AdamW, lr=5e-3)
    return fit(model, CrossEntropy(), loader, epochs=8, optimizer=optimizer, seed=seed, device="cpu").model


def streams(seed: int) -> dict[str, Stream]:
    X, y = digits()
    rng = np.random.default_rng([seed, 1])
    made = {}
    for name, how in STREAMS.items():
        options = {key: value for key, value in how.items() if key != "domains"}
        rows = slice(900, 1100) if how.get("size") == 1 else slice(900, None)
        shown = [seen(X[rows], domain, rng) for domain in how.get("domains", DOMAINS)]
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


def judge(name: str, model: nn.Module, batches: Stream, frozen: float, grid: bool) -> dict[str, float]:
    """One method on one stream: gains over the frozen network in points, and CPU in forward passes."""
    cls = getattr(adaptation, name)
    X, y = digits()
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
    """The bars: each method's worst stream, its share of Tent's gain without a gate, and its largest CPU."""
    said: dict[str, Any] = {}
    tent = found.get("batch: shuffled 64", {}).get("Tent", {}).get("bare")
    for method in sorted({name for met in found.values() for name in met} - {"frozen"}):
        rows = {name: met[method] for name, met in found.items() if method in met}
        worst = min(rows, key=lambda name: min(rows[name]["gated"]))
        costs = {name: statistics.median(row["cpu"]) for name, row in rows.items()}
        dear = max(costs, key=lambda name: costs[name])
        said[method] = {"worst": [min(rows[worst]["gated"]), worst], "cpu": [round(costs[dear], 2), dear]}
        if tent and "batch: shuffled 64" in rows:
            shares = (a / b for a, b in zip(rows["batch: shuffled 64"]["gated"], tent, strict=True))
            said[method]["share of Tent's gain"] = round(statistics.mean(shares), 3)
    return said


def main() -> None:
    parser = argparse.ArgumentParser()
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
            model = network(seed, norm)
            for name, batches in streams(seed).items():
                frozen = accuracy_on(model, batches)
                here = found.setdefault(f"{norm}: {name}", {"frozen": []})
                here["frozen"].append(round(100 * frozen, 2))
                for method in asked.methods.split(","):
                    try:
                        row = judge(method, model, batches, frozen, asked.grid and name in GRID)
                    except ValueError:
                        continue
                    for key, value in row.items():
                        here.setdefault(method, {}).setdefault(key, []).append(round(value, 2))
                print(seed, norm, name, {m: v["gated"][-1] for m, v in here.items() if m != "frozen"}, flush=True)
    record = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
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
