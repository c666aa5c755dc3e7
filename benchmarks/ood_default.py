"""The default detector beside single ones, on a network that is good and on one that is poor.

    python benchmarks/ood_default.py

Scikit-learn's digits, three classes unknown. Easy: a convolutional network with BatchNorm learns 60 % of the known rows
for 30 epochs. Hard: one without, 35 % for 12 epochs. Other draws and other triples of classes than those by which
`PooledDetectors` was put together (seeds 0 to 2; 789, 012, 356). Every detector is fitted on the rows learnt and 20 %
more, and judged on the rest and all unknown rows. AUROC and the share of known rows flagged where 95 % of the unknown
are. One thread. Appends to records/ood_default.json.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import nn

from holdfast import ood
from holdfast.nets import Batches, extract, fit
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import CrossEntropy

RECORDS = Path(__file__).parent / "records" / "ood_default.json"
SEEDS, TRIPLES = (10, 11, 12), ((1, 4, 8), (2, 5, 9), (0, 6, 7))


class Network(nn.Module):
    """Convolutions, with BatchNorm or without; `head`."""

    def __init__(self, easy: bool) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for inside, outside, stride in ((1, 16, 1), (16, 32, 2), (32, 64, 2))[: 3 if easy else 2]:
            parts += [nn.Conv2d(inside, outside, 3, stride, 1), nn.BatchNorm2d(outside) if easy else nn.Identity()]
            parts += [nn.ReLU()]
        end = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if easy else [nn.Flatten(), nn.Linear(512, 64), nn.ReLU()]
        self.body, self.head = nn.Sequential(*parts, *end), nn.Linear(64, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.body(x))


def bed(easy: bool, seed: int, novel: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, Any], np.ndarray, float]:
    """What detectors are fitted on, what they judge, which rows are unknown, and the network's accuracy."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).reshape(-1, 1, 8, 8).astype("float32")
    known = np.random.default_rng([seed, 5]).permutation(np.flatnonzero(~np.isin(y, novel)))
    code = np.searchsorted(np.setdiff1d(np.arange(10), novel), y)
    learnt, more = int((0.6 if easy else 0.35) * len(known)), int(0.2 * len(known))
    rows = known[:learnt]
    with seeded(seed):
        model: nn.Module = Network(easy)
    loader = Batches(X[rows], code[rows], shuffle=True, seed=seed)
    optimizer = partial(torch.optim.AdamW, lr=3e-3 if easy else 1e-3)
    epochs = 30 if easy else 12
    model = fit(model, CrossEntropy(), loader, epochs=epochs, optimizer=optimizer, seed=seed, device="cpu").model

    def seen(part: np.ndarray) -> dict[str, Any]:
        found = extract(model, Batches(X[part], batch_size=512), ["head:input", ""])
        logits = found[""].astype(float)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs = odds / odds.sum(axis=1, keepdims=True)
        return {"X": found["head:input"].astype(float), "logits": logits, "probs": probs, "y": code[part]}

    judged = np.r_[known[learnt + more :], np.flatnonzero(np.isin(y, novel))]
    new = seen(judged)
    unknown = np.isin(y[judged], novel)
    head = {"class_weights": model.head.weight.detach().numpy().astype(float)}  # type: ignore[union-attr]
    head["class_bias"] = model.head.bias.detach().numpy().astype(float)  # type: ignore[union-attr]
    right = float((new["logits"].argmax(axis=1) == new["y"])[~unknown].mean())
    return {**seen(known[: learnt + more]), **head}, {**new, **head}, unknown, right


def detectors() -> dict[str, Any]:
    nearest = partial(ood.NearestNeighbourDistance, normalise=True)
    return {
        "MaxSoftmax": ood.MaxSoftmax(), "GeneralizedEntropy": ood.GeneralizedEntropy(), "Energy": ood.Energy(),
        "MaxLogit": ood.MaxLogit(), "KLMatching": ood.KLMatching(), "Mahalanobis": ood.Mahalanobis(),
        "RelativeMahalanobis": ood.RelativeMahalanobis(), "ViM": ood.ViM(), "SHE": ood.SHE(), "ReAct": ood.ReAct(),
        "SCALE": ood.SCALE(), "DICE": ood.DICE(), "neighbour 1": nearest(k=1), "neighbour 5": nearest(k=5),
        "PooledDetectors": ood.PooledDetectors(),
    }  # fmt: skip


def asked(verb: Callable[..., Any], given: dict[str, Any]) -> Any:
    """The verb called with the arguments that it names."""
    from inspect import signature

    return verb(**{name: given[name] for name in signature(verb).parameters if name in given})


def main() -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for kind in ("easy", "hard"):
        here = found.setdefault(kind, {"accuracy": []})
        for seed in SEEDS:
            for novel in TRIPLES:
                known, new, unknown, right = bed(kind == "easy", seed, novel)
                here["accuracy"].append(round(right, 3))
                for name, detector in detectors().items():
                    if hasattr(detector, "fit"):
                        asked(detector.fit, known)
                    score = asked(detector.score_rows, new)
                    flagged = float((score[~unknown] >= np.quantile(score[unknown], 0.05)).mean())
                    row = here.setdefault(name, {"auroc": [], "flagged": []})
                    row["auroc"].append(round(float(roc_auc_score(unknown, score)), 4))
                    row["flagged"].append(round(flagged, 4))
        names = [name for name in here if name != "accuracy"]
        for name in sorted(names, key=lambda name: -np.mean(here[name]["auroc"])):
            row = here[name]
            print(f"{kind} {name:20s} {np.mean(row['auroc']):.4f} {np.mean(row['flagged']):.4f}", flush=True)
    record = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
        "unit": "AUROC and false alarms where 95 % are found, one a seed and triple", "beds": found,
    }  # fmt: skip
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*records, record], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
