"""Influence: the linear datamodelling score, the finding of wrong labels, and what it costs.

    python benchmarks/influence.py [--write] [--seed N] [--peer PYTHON]

The bed: a network with 4,810 weights on 1,000 digits, a tenth of whose labels are wrong, and 200 test rows. The truth
is measured: 120 random halves of the training rows, three networks on each. The score of an influence is, for every
test row, the rank correlation over halves between its measured loss and the sum of the influences of the rows in the
half; the mean over test rows. Damping stays at its default: nothing is tuned on the truth. For comparison, with what it
costs from the trained network to the influences: the explicit Hessian of the mean loss, formed by a pass back for every
weight and solved, and that of dattri 0.3.0 (PYTHON is an interpreter that has it and torch 2.13.0), both with the
damping of 0.3 that was best for dattri. One thread. `--write` appends to records/influence.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from holdfast.nets import Batches, fit, gradient_products, per_example_gradients
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import CrossEntropy
from holdfast.nets.reference import MLP
from holdfast.selection import DualFisherInfluence, KNNShapley, TracIn

RECORD = Path(__file__).parent / "records" / "influence.json"
DAMPING = 0.3  # of the explicit Hessians
TRAIN, TEST, HALVES, REPEATS, STEPS, BATCH = 1000, 200, 120, 3, 300, 64


def main() -> None:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peer")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    head = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.platform(), "seed": asked.seed}
    record = {**head, **run(asked.seed, asked.peer)}
    print(json.dumps(record, indent=1))
    if asked.write:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def run(seed: int, peer: str | None) -> dict[str, Any]:
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    X, y = (X[order] / 16).astype(np.float32), y[order]
    wrong = rng.random(TRAIN) < 0.1
    given = np.where(wrong, (y[:TRAIN] + rng.integers(1, 10, TRAIN)) % 10, y[:TRAIN])
    new, y_new = X[TRAIN : TRAIN + TEST], y[TRAIN : TRAIN + TEST]
    halves = np.stack([rng.permutation(TRAIN)[: TRAIN // 2] for _ in range(HALVES)])
    losses = measured(X[:TRAIN], given, new, y_new, halves, seed)
    nets = [trained(X[:TRAIN], given, 10 * seed + start) for start in range(5)]
    ours, theirs = (
        [per_example_gradients(net, Batches(*rows, batch_size=256), chunk=128) for net in nets]
        for rows in ((X[:TRAIN], given), (new, y_new))
    )
    found: dict[str, Any] = {}
    single, seconds = timed(lambda: dual(nets[0], X[:TRAIN], given, new, y_new))
    hessian, hessian_seconds = timed(lambda: explicit(nets[0], X[:TRAIN], given, new, y_new))
    costs = {"dual Fisher": seconds, "explicit Hessian": hessian_seconds}
    others = {"explicit Hessian, one network": hessian}
    if peer:
        others["dattri, one network"], costs["dattri, explicit Hessian"] = dattri(
            peer, nets[0], X[:TRAIN], given, new, y_new
        )
    found["cpu seconds"] = {name: round(value, 2) for name, value in costs.items()}
    found["times less CPU"] = {name: round(value / seconds, 1) for name, value in costs.items() if value != seconds}
    every = DualFisherInfluence().influences(ours, theirs)
    found["largest difference from formed gradients"] = round(float(np.abs(single[0] - every[0]).max()), 8)
    found["LDS"] = {
        "dual Fisher, one network": [round(score(one, halves, losses), 3) for one in every],
        "dual Fisher, five networks": round(score(every.mean(axis=0), halves, losses), 3),
        "gradient products, one network": round(score(TracIn.influences(ours[:1], theirs[:1]), halves, losses), 3),
        **{name: round(score(values, halves, losses), 3) for name, values in others.items()},
    }
    found["LDS by damping, one network"] = {
        str(d): round(score(DualFisherInfluence(damping=d).influences(ours[:1], theirs[:1])[0], halves, losses), 3)
        for d in (0.001, 0.1, 0.3, 1.0, 3.0, 10.0)
    }
    found["AUROC of wrong labels"] = {
        "dual Fisher, one network": auroc(DualFisherInfluence().score_rows(np.stack(ours[:1])), wrong),
        "dual Fisher, effect on the test rows": auroc(-single[0].sum(axis=1), wrong),
        "five networks, effect on the test rows": auroc(-every.mean(axis=0).sum(axis=1), wrong),
        "KNNShapley": auroc(KNNShapley().fit(ref_X=new, ref_y=y_new).score_rows(X[:TRAIN], given), wrong),
    }
    return found


def trained(X: np.ndarray, y: np.ndarray, seed: int) -> Any:
    with seeded(seed):
        net = MLP(64, 10, width=64, depth=1)
    loader = Batches(X, y, batch_size=BATCH, shuffle=True, seed=seed)
    optimizer = partial(torch.optim.SGD, lr=0.05, momentum=0.9, foreach=True)
    return fit(
        net, CrossEntropy(), loader, epochs=STEPS * BATCH // len(y), optimizer=optimizer, seed=seed, device="cpu"
    ).model


def measured(
    X: np.ndarray, y: np.ndarray, new: np.ndarray, y_new: np.ndarray, halves: np.ndarray, seed: int
) -> np.ndarray:
    """(halves, test) mean loss of the networks trained on each half: all of one repeat are trained side by side."""
    total = np.zeros((len(halves), len(y_new)))
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
    for repeat in range(REPEATS):
        with seeded(1000 * seed + repeat):
            nets = [MLP(64, 10, width=64, depth=1) for _ in halves]
        weights = {
            k: torch.stack([dict(n.named_parameters())[k].detach() for n in nets])
            for k in dict(nets[0].named_parameters())
        }
        speed = {k: torch.zeros_like(v) for k, v in weights.items()}

        def loss(parameters: dict[str, torch.Tensor], x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            return cross_entropy(functional_call(nets[0], parameters, (x,)), t)  # noqa: B023

        slope = vmap(grad(loss))
        rng = np.random.default_rng([seed, repeat])
        for _ in range(STEPS):
            rows = torch.from_numpy(np.stack([rng.choice(half, BATCH, replace=False) for half in halves]))
            gradients = slope(weights, inputs[rows], labels[rows])
            for name, gradient in gradients.items():
                speed[name].mul_(0.9).add_(gradient)
                weights[name].sub_(0.05 * speed[name])
        with torch.no_grad():
            logits = vmap(lambda p: functional_call(nets[0], p, (torch.from_numpy(new),)))(weights)  # noqa: B023
            flat = cross_entropy(logits.flatten(0, 1), torch.from_numpy(np.tile(y_new, len(halves))), reduction="none")
        total += flat.reshape(len(halves), -1).numpy() / REPEATS
    return total


def score(influences: np.ndarray, halves: np.ndarray, losses: np.ndarray) -> float:
    """The mean over test rows of the rank correlation over halves; a half that helps lowers the loss."""
    from scipy.stats import rankdata

    predicted = -np.stack([influences[half].sum(axis=0) for half in halves])
    a, b = (rankdata(values, axis=0) for values in (predicted, losses))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(((a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0) + 1e-12)).mean())


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the least CPU seconds of two runs."""
    seconds = []
    for _ in range(2):
        start = time.process_time()
        made = work()
        seconds.append(time.process_time() - start)
    return made, min(seconds)


def gradients(net: Any, *sets: Any) -> list[np.ndarray]:
    return [per_example_gradients(net, Batches(X, y, batch_size=256), chunk=128) for X, y in sets]


def dual(net: Any, X: np.ndarray, y: np.ndarray, new: np.ndarray, y_new: np.ndarray) -> np.ndarray:
    """(1, n, n_new) influences from one network, by inner products: no gradient is formed."""
    loader, other = Batches(X, y, batch_size=256), Batches(new, y_new, batch_size=256)
    ours, across = gradient_products(net, loader), gradient_products(net, loader, other)
    return DualFisherInfluence().influences_from_products(ours[None], across[None])


def explicit(net: Any, X: np.ndarray, y: np.ndarray, new: np.ndarray, y_new: np.ndarray) -> np.ndarray:
    """(n, n_new) influences through the Hessian of the mean loss, a pass back for every weight."""
    ours, theirs = gradients(net, (X, y), (new, y_new))
    weights = list(net.parameters())
    loss = cross_entropy(net(torch.from_numpy(X)), torch.from_numpy(y))
    slope = torch.cat([part.flatten() for part in torch.autograd.grad(loss, weights, create_graph=True)])
    rows = (torch.autograd.grad(slope[place], weights, retain_graph=True) for place in range(len(slope)))
    matrix = torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])
    matrix.diagonal().add_(DAMPING)
    return ours @ torch.linalg.solve(matrix, torch.from_numpy(theirs.T)).numpy()


PEER = """
import sys, time
import numpy as np, torch
from dattri.algorithm.influence_function import IFAttributorExplicit
from dattri.task import AttributionTask
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(1)
file, damping, out = sys.argv[1:]
data = {name: torch.from_numpy(value) for name, value in np.load(file).items()}
net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
net.load_state_dict(dict(zip(net.state_dict(), (data[f"w{place}"] for place in range(4)))))
def loss(params, batch):
    x, y = batch
    return nn.functional.cross_entropy(torch.func.functional_call(net, params, x.reshape(-1, 64)), y.reshape(-1))
train, test = (DataLoader(TensorDataset(data[x], data[y]), batch_size=1000) for x, y in (("X", "y"), ("new", "y_new")))
start = time.process_time()
task = AttributionTask(loss_func=loss, model=net, checkpoints=net.state_dict())
attributor = IFAttributorExplicit(task=task, regularization=float(damping))
attributor.cache(train)
with torch.no_grad():
    found = attributor.attribute(train, test)
print(time.process_time() - start)
np.save(out, found.numpy())
"""


def dattri(
    python: str, net: Any, X: np.ndarray, y: np.ndarray, new: np.ndarray, y_new: np.ndarray
) -> tuple[Any, float]:
    """The peer's influences and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "in.npz", Path(folder) / "out.npy"
        weights = {f"w{place}": part.numpy() for place, part in enumerate(net.state_dict().values())}
        np.savez(file, X=X, y=y, new=new, y_new=y_new, **weights)
        said = subprocess.run(
            [python, "-c", PEER, str(file), str(DAMPING), str(out)], capture_output=True, text=True, check=True
        )
        return np.load(out), float(said.stdout.splitlines()[-1])


def auroc(scores: np.ndarray, wrong: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return round(float(roc_auc_score(wrong, scores)), 3)


if __name__ == "__main__":
    main()
