"""Write tests/parity/ood_reference.json: features of a network and the scores that pytorch-ood gives to them.

    python benchmarks/ood_reference.py

Needs the peer: pip install pytorch-ood==0.4.0 (with torch 2.13.0 for the CPU). The network is one hidden layer of 64
units on scikit-learn's digits 0 to 6; digits 7 to 9 are unknown. Every tenth score is kept, and every AUROC.
"""

from __future__ import annotations

import json
import resource
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

_SHIM = torch.library.Library("torchvision", "DEF")  # the peer imports torchvision, whose operators a CPU torch lacks
for _name in ("nms", "qnms"):
    _SHIM.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
TARGET = Path(__file__).parents[1] / "tests" / "parity" / "ood_reference.json"


def bed() -> dict[str, np.ndarray]:
    """Training and test features of the network, its last layer, and which test rows are unknown."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order] / 16, y[order]
    known = np.flatnonzero(y < 7)
    learnt, kept, rest = known[:700], known[700:1000], known[1000:1160]
    test = np.r_[rest, np.flatnonzero(y >= 7)[:120]]
    network = MLPClassifier((64,), learning_rate_init=0.01, batch_size=64, max_iter=15, random_state=0)
    network.fit(X[learnt], y[learnt])

    def features(rows: np.ndarray) -> np.ndarray:
        return np.maximum(X[rows] @ network.coefs_[0] + network.intercepts_[0], 0).round(2)

    return {
        "train": features(kept), "y": y[kept], "test": features(test), "unknown": y[test] >= 7,
        "weights": network.coefs_[1].T.round(3), "bias": network.intercepts_[1].round(3),
    }  # fmt: skip


def scores(data: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Every shared detector of the peer on the test rows."""
    from pytorch_ood import detector as peer

    train, test, w, b = (torch.tensor(data[name]).float() for name in ("train", "test", "weights", "bias"))
    y = torch.tensor(data["y"])

    def head(z: torch.Tensor) -> torch.Tensor:
        return z.reshape(len(z), -1) @ w.T + b

    maps = test[:, :, None, None]
    logits = head(test)
    react = peer.ReAct(None, head, percentile=0.9)
    react.fit_feature_maps(train, y)
    return {
        "ViM": peer.ViM(None, 32, w, b).fit_features(train, y).predict_features(test),
        "SHE": peer.SHE(None, head).fit_features(train, y).predict_features(test),
        "KLMatching": peer.KLMatching(None).fit_logits(head(train), y).predict_logits(logits),
        "DICE": peer.DICE(None, w, b, p=0.7).fit_features(train, y).predict_features(test),
        "ReAct": react.predict_feature_maps(test),
        **{f"ASH-{form}": peer.ASH(None, head, f"ash-{form}", 0.65).predict_feature_maps(maps) for form in "spb"},
        "SCALE": peer.SCALE(None, head, 0.65).predict_feature_maps(maps),
        "Energy": peer.EnergyBased(None).predict_logits(logits),
        "MaxLogit": peer.MaxLogit(None).predict_logits(logits),
        "MaxSoftmax": peer.MaxSoftmax(None).predict_logits(logits),
        "GeneralizedEntropy": peer.GEN(None).predict_logits(logits),
        "Mahalanobis": peer.Mahalanobis(None).fit_features(train, y).predict_features(test),
        "RelativeMahalanobis": peer.RMD(None).fit_features(train, y).predict_features(test),
        "NearestNeighbourDistance": _neighbours(peer, train, y, test),
    }  # fmt: skip


def _neighbours(peer: Any, train: torch.Tensor, y: torch.Tensor, test: torch.Tensor) -> torch.Tensor:
    return peer.KNN(None, k=10).fit_features(train, y).predict_features(test)


def large(*names: str, seed: int = 0) -> dict[str, float]:
    """CPU seconds of the peer's detectors, the least of the runs, and megabytes that its process grew by.

    Mahalanobis: the distance of 5,000 rows of 512 features to 1,000 classes. DICE: its head on 256 rows.
    """
    from pytorch_ood import detector as peer

    rng = torch.Generator().manual_seed(seed)
    means = torch.randn(1000, 512, generator=rng)
    train = means.repeat(5, 1) + torch.randn(5000, 512, generator=rng)
    y = torch.arange(1000).repeat(5)
    wide = torch.randn(256, 2048, generator=rng).relu()
    weights = torch.randn(1000, 2048, generator=rng)
    before, taken = _megabytes(), {}
    for name in names:
        if name == "DICE":
            found, rows, times = peer.DICE(None, weights, torch.zeros(1000), p=0.7), wide, 3
            found.fit_features(wide, y[:256])
        else:
            found, rows, times = peer.Mahalanobis(None).fit_features(train, y), train, 1
        taken[name] = min(_seconds(lambda: found.predict_features(rows)) for _ in range(times))  # noqa: B023
    return {**taken, "megabytes": _megabytes() - before}


def _seconds(work: Any) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    torch.set_num_threads(1)
    data = bed()
    found = {name: score.detach().numpy().astype(float) for name, score in scores(data).items()}
    record = {
        "peer": f"pytorch-ood {version('pytorch-ood')}, torch {version('torch')}",
        "hundredths": {name: np.rint(100 * data[name]).astype(int).tolist() for name in ("train", "test")},
        **{name: data[name].tolist() for name in ("y", "unknown", "weights", "bias")},
        "auroc": {name: float(roc_auc_score(data["unknown"], score)) for name, score in found.items()},
        "scores": {name: score[::10].round(5).tolist() for name, score in found.items()},
    }
    TARGET.write_text(json.dumps(record) + "\n", encoding="utf-8")
    print(json.dumps(record["auroc"], indent=1), large("Mahalanobis"), large("DICE"))


if __name__ == "__main__":
    main()
