"""Detectors of unknown rows: CPU seconds against pytorch-ood, and of many detectors on one forward pass.

    python benchmarks/ood.py [--peer PYTHON]     PYTHON: an interpreter that has pytorch-ood 0.4.0 and torch 2.13.0

One thread. Mahalanobis distance of 5,000 rows of 512 features to 1,000 classes; DICE's head on 256 rows of 2,048
features and 1,000 classes. Twelve detectors on features and logits of one pass of a residual network over 1,000 images
of 32 x 32 pixels, their time over that of the pass. Appends to records/ood.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from holdfast import nets, ood
from holdfast.nets.reference import ResNet

HERE = Path(__file__).parent
RECORDS = HERE / "records" / "ood.json"


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def large() -> dict[str, float]:
    """The sizes of `ood_reference.large`, which runs the peer."""
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(1000), 5)
    train = (rng.normal(size=(1000, 512))[y] + rng.normal(size=(5000, 512))).astype(np.float32)
    found = ood.Mahalanobis().fit(X=train, y=y)
    wide = np.maximum(rng.normal(size=(256, 2048)), 0).astype(np.float32)
    head = {"class_weights": rng.normal(size=(1000, 2048)).astype(np.float32), "class_bias": np.zeros(1000, np.float32)}
    dice = ood.DICE().fit(X=wide, **head)
    return {
        "Mahalanobis": seconds(lambda: found.score_rows(X=train)),
        "DICE": min(seconds(lambda: dice.score_rows(X=wide)) for _ in range(3)),
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
    asked = parser.parse_args()
    torch.set_num_threads(1)
    record: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
        "unit": "CPU seconds, one thread", "ours": large(), "one pass": one_pass(),
    }  # fmt: skip
    if asked.peer:
        code = "import torch, json, ood_reference as r; torch.set_num_threads(1); print(json.dumps(r.large()))"
        said = subprocess.run([asked.peer, "-c", code], cwd=HERE, capture_output=True, text=True, check=True)
        record["pytorch-ood 0.4.0"] = json.loads(said.stdout.splitlines()[-1])
        record["times faster"] = {k: v / record["ours"][k] for k, v in record["pytorch-ood 0.4.0"].items()}
    print(json.dumps(record, indent=1))
    records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*records, record], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
