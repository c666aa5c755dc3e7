"""Detectors of unknown rows against pytorch-ood: CPU, memory, AUROC; and the cost of twelve on one forward pass.

    python benchmarks/ood.py [--peer PYTHON] [--write]

PYTHON is an interpreter that has pytorch-ood 0.4.0 and torch 2.13.0. One thread, the least of three runs (of the peer's
Mahalanobis, which takes most of a minute, one). Mahalanobis distance of 5,000 rows of 512 features to 1,000 classes;
DICE's head on 256 rows of 2,048 features and 1,000 classes. The peer runs each in a process of its own, and both in
one: its DICE makes an array of two gigabytes, and most of its time is the system's, finding the memory, which the
second process already has. Memory is the peak above what was there before. AUROC on the bed of `ood_reference`, every
shared detector at the peer's settings. Twelve detectors on features and logits of one pass of a residual network over
1,000 images of 32 x 32 pixels, their time over that of the pass.
`--write` appends to records/ood.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import ood_reference
import torch
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from holdfast import nets, ood
from holdfast.nets.reference import ResNet

HERE = Path(__file__).parent
RECORDS = HERE / "records" / "ood.json"


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def large() -> dict[str, Any]:
    """The sizes of `ood_reference.large`, which runs the peer."""
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(1000), 5)
    train = (rng.normal(size=(1000, 512))[y] + rng.normal(size=(5000, 512))).astype(np.float32)
    wide = np.maximum(rng.normal(size=(256, 2048)), 0).astype(np.float32)
    head = {"class_weights": rng.normal(size=(1000, 2048)).astype(np.float32), "class_bias": np.zeros(1000, np.float32)}
    found: dict[str, tuple[Any, np.ndarray]] = {
        "Mahalanobis": (ood.Mahalanobis().fit(X=train, y=y), train),
        "DICE": (ood.DICE().fit(X=wide, **head), wide),
    }
    taken = {name: min(seconds(partial(d.score_rows, X=rows)) for _ in range(10)) for name, (d, rows) in found.items()}
    return {
        **taken,
        "megabytes": {name: round(megabytes(partial(d.score_rows, X=X)), 1) for name, (d, X) in found.items()},
    }


def megabytes(work: Callable[[], Any]) -> float:
    """The peak of arrays that the work makes."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


OURS: dict[str, Any] = {  # at the peer's settings
    "ViM": ood.ViM(components=32), "SHE": ood.SHE(), "KLMatching": ood.KLMatching(), "DICE": ood.DICE(sparsity=0.7),
    "ReAct": ood.ReAct(quantile=0.9), "ASH-s": ood.ASH(form="s"), "ASH-p": ood.ASH(form="p"),
    "ASH-b": ood.ASH(form="b"), "SCALE": ood.SCALE(), "Energy": ood.Energy(), "MaxLogit": ood.MaxLogit(),
    "MaxSoftmax": ood.MaxSoftmax(), "GeneralizedEntropy": ood.GeneralizedEntropy(),
    "Mahalanobis": ood.Mahalanobis(shrinkage=0.0), "RelativeMahalanobis": ood.RelativeMahalanobis(shrinkage=0.0),
    "NearestNeighbourDistance": ood.NearestNeighbourDistance(k=10, normalise=True),
}  # fmt: skip


def aurocs(theirs: dict[str, float]) -> dict[str, dict[str, float]]:
    """Of every shared detector, ours beside theirs on the same features."""
    data = ood_reference.bed()
    head = {"class_weights": data["weights"], "class_bias": data["bias"]}

    def rows(part: str) -> dict[str, Any]:
        logits = data[part] @ data["weights"].T + data["bias"]
        return {"X": data[part], "logits": logits, "probs": softmax(logits, axis=1), "y": data["y"], **head}

    def taken(verb: Callable[..., Any], part: str) -> Any:
        return verb(**{name: value for name, value in rows(part).items() if name in signature(verb).parameters})

    found = {}
    for name, detector in OURS.items():
        if hasattr(detector, "fit"):
            taken(detector.fit, "train")
        auroc = float(roc_auc_score(data["unknown"], taken(detector.score_rows, "test")))
        found[name] = {"ours": round(auroc, 5), "theirs": round(theirs[name], 5)}
    return found


PEER = """
import json, ood_reference as r, torch
from sklearn.metrics import roc_auc_score
torch.set_num_threads(1)
"""


def asked_of_peer(python: str, what: str) -> Any:
    """What the peer's interpreter says."""
    said = subprocess.run(
        [python, "-c", f"{PEER}print(json.dumps({what}))"], cwd=HERE, capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout.splitlines()[-1])


def beside(python: str, ours: dict[str, Any]) -> dict[str, Any]:
    """The peer's figures and how many times ours are faster."""
    alone = {name: asked_of_peer(python, f"r.large({name!r})") for name in ("Mahalanobis", "DICE")}
    both = asked_of_peer(python, "r.large('Mahalanobis', 'DICE')")
    auroc = "{k: float(roc_auc_score(d['unknown'], v)) for d in [r.bed()] for k, v in r.scores(d).items()}"
    compared = aurocs(asked_of_peer(python, auroc))
    return {
        "pytorch-ood 0.4.0": {
            **{name: one[name] for name, one in alone.items()},
            "DICE after Mahalanobis": both["DICE"],
            "megabytes": {name: round(one["megabytes"], 1) for name, one in alone.items()},
        },
        "times faster": {
            **{name: round(one[name] / ours[name], 1) for name, one in alone.items()},
            "DICE after Mahalanobis": round(both["DICE"] / ours["DICE"], 1),
        },
        "AUROC": compared,
        "largest difference of AUROC": round(max(abs(one["ours"] - one["theirs"]) for one in compared.values()), 5),
    }


def one_pass() -> dict[str, float]:
    """Twelve detectors on what one pass gives, over the time of a pass that only predicts."""
    rng = np.random.default_rng(1)
    images, y = rng.normal(size=(1000, 3, 32, 32)).astype(np.float32), rng.integers(10, size=1000)
    model = ResNet(3, 10, width=32).eval()
    batches = nets.Batches(images, batch_size=256)
    plain = min(seconds(lambda: nets.predict(model, batches)) for _ in range(2))

    def look() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        seen = nets.extract(model, batches, ["", "head:input"])
        raised = np.exp(seen[""] - seen[""].max(axis=1, keepdims=True))
        return seen["head:input"], seen[""], raised / raised.sum(axis=1, keepdims=True)

    X, logits, probs = look()
    head = {
        "class_weights": model.head.weight.detach().numpy(), "class_bias": model.head.bias.detach().numpy(),
    }  # fmt: skip
    on_logits = [ood.Energy(), ood.MaxLogit()]
    on_probs = [ood.MaxSoftmax(), ood.GeneralizedEntropy(), ood.KLMatching().fit(probs=probs)]
    on_features = [
        ood.ViM().fit(X=X, **head), ood.DICE().fit(X=X, **head), ood.ReAct().fit(X=X, **head),
        ood.Mahalanobis().fit(X=X, y=y), ood.RelativeMahalanobis().fit(X=X, y=y),
    ]  # fmt: skip
    she = ood.SHE().fit(X=X, y=y, logits=logits)

    def all_twelve() -> None:
        X, logits, probs = look()
        for detector in on_logits:
            detector.score_rows(logits=logits)
        for detector in on_probs:
            detector.score_rows(probs=probs)
        for detector in on_features:
            detector.score_rows(X=X)
        she.score_rows(X=X, logits=logits)
        ood.SCALE().score_rows(X=X, **head)

    together = min(seconds(all_twelve) for _ in range(2))
    return {"pass": plain, "twelve detectors": together, "ratio": together / plain}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    record: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
        "unit": "CPU seconds, one thread", "ours": large(), "one pass": one_pass(),
    }  # fmt: skip
    if asked.peer:
        record |= beside(asked.peer, record["ours"])
    print(json.dumps(record, indent=1))
    if not asked.write:
        return
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*records, record], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
