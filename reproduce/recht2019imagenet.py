"""Do ImageNet Classifiers Generalize to ImageNet? The drop and the slope from a test set to its replica.

CIFAR-10 to CIFAR-10.1 from the answers of 30 published models (the paper has 34), ImageNet to ImageNetV2 from the
accuracies of the convolutional networks of the paper's time in a published table.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from common import data, write

from holdfast.estimation import ReplicationGap
from holdfast.ops.lines import least_squares

PUBLISHED = {"cifar_slope": 1.69, "cifar_drops": [0.03, 0.15], "imagenet_slope": 1.11, "imagenet_drops": [0.11, 0.14]}


def results() -> dict[str, Any]:
    """Published and reproduced figures."""
    old, new = cifar()
    drops = old.mean(axis=1) - new.mean(axis=1)
    first, second = imagenet()
    return {
        "published": PUBLISHED,
        "cifar": {
            "models": len(old),
            "drops": [drops.min(), drops.max()],
            "slope": ReplicationGap().measure(old, new),
            "probit_slope": ReplicationGap(scale="probit").measure(old, new),
            "mean_drop": ReplicationGap(of="drop").measure(old, new),
        },
        "imagenet": {
            "models": len(first),
            "drops": [(first - second).min(), (first - second).max()],
            "slope": list(least_squares(first[:, None], second).interval(1)),
        },
    }


def cifar() -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong (models, rows) on CIFAR-10's test set and on CIFAR-10.1 v6."""
    labels = data("label_errors_testsets", "original_test_labels", "cifar10_test_set_original_labels.npy.gz")
    truth = {"original_predictions": np.load(io.BytesIO(gzip.decompress(labels.read_bytes())))}
    right: dict[str, list[np.ndarray]] = {"original_predictions": [], "v6_predictions": []}
    with tarfile.open(data("cifar10", "cifar10.1_model_predictions.tar.gz")) as archive:
        content = {name: archive.extractfile(name) for name in sorted(archive.getnames())}
        texts = {name: file.read() for name, file in content.items() if file is not None}
    label_file = next(name for name in texts if name.endswith("cifar10.1_v6_labels.npy"))
    truth["v6_predictions"] = np.load(io.BytesIO(texts[label_file]))
    for name, text in texts.items():
        part = Path(name).parent.name
        if part in right and name.endswith("_predictions.json"):
            right[part].append(np.array(json.loads(text)) == truth[part])
    return np.array(right["original_predictions"]), np.array(right["v6_predictions"])


def imagenet() -> tuple[np.ndarray, np.ndarray]:
    """Accuracies on ImageNet and ImageNetV2 (matched frequency) of the standard models of the testbed."""
    table = pl.read_csv(data("results", "imagenet_testbed", "robustness_top1s.csv.gz"))
    names = ["alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
             "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "densenet121", "densenet161", "densenet169",
             "densenet201", "inceptionv3", "inceptionv4", "inceptionresnetv2", "squeezenet1_0", "squeezenet1_1",
             "nasnetalarge", "nasnetamobile", "pnasnet5large", "polynet", "xception", "se_resnet50", "se_resnet101",
             "se_resnet152", "senet154", "dpn68", "dpn98", "dpn131", "resnext101_32x4d", "resnext101_64x4d",
             "bninception", "cafferesnet101", "fbresnet152"]  # fmt: skip
    chosen = (
        table.filter(pl.col("model").is_in(names)).drop_nulls(["val", "imagenetv2-matched-frequency"]).sort("model")
    )
    old, new = (chosen[name].to_numpy() / 100 for name in ("val", "imagenetv2-matched-frequency"))
    return old, new


if __name__ == "__main__":
    write(__file__, results)
