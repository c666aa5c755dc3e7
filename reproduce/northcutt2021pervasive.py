"""Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks: CIFAR-10 with 30 published models.

Labels are the ones that crowd workers corrected: at least 3 of 5 prefer the guessed label to the given one. The paper
trains its own models; here are the answers of published ones.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from itertools import combinations
from typing import Any

import numpy as np
from common import data, write
from scipy.stats import spearmanr

from holdfast.labels import RankStability

AGREE = 3  # of 5 workers
PUBLISHED = {"candidates": 275, "errors_or_unclear": 54}


def results() -> dict[str, Any]:
    """How many labels were corrected, what that does to the models, and how many pairs of them change places."""
    y, predicted = given_labels(), predictions()
    corrected, counts = corrections(y)
    wrong = corrected != y
    names = sorted(predicted, key=lambda name: (predicted[name] == y).mean())
    given_on_wrong = [(predicted[name] == y)[wrong].mean() for name in names]
    corrected_on_wrong = [(predicted[name] == corrected)[wrong].mean() for name in names]
    right = [(predicted[name] == y)[~wrong].mean() for name in names]
    return {
        "published": PUBLISHED,
        **counts,
        "models": len(names),
        "correlation_of_given_and_corrected_accuracy_on_corrected_rows": spearmanr(
            given_on_wrong, corrected_on_wrong
        ).statistic,
        "correlation_of_accuracy_on_right_rows_and_corrected_accuracy_on_corrected_rows": spearmanr(
            right, corrected_on_wrong
        ).statistic,
        "pairs": pairs(y, corrected, [predicted[name] for name in names]),
    }


def pairs(y: np.ndarray, corrected: np.ndarray, predicted: list[np.ndarray]) -> dict[str, Any]:
    """All pairs: how many change places somewhere, within the prevalence there is, within 5 points more, and surely."""
    method = RankStability()
    found = [
        method.measure(y=y, corrected_y=corrected, old_predicted=old, new_predicted=new)
        for old, new in combinations(predicted, 2)
    ]
    values = np.array([one.value for one in found])
    return {
        "number": len(found),
        "change_places": int((values < 1).sum()),
        "below_the_prevalence_there_is": int((values < method.prevalence_).sum()),
        "below_5_points_more": int((values < method.prevalence_ + 0.05).sum()),
        "with_a_pvalue_below_0.05": int(sum((one.pvalue or 1) < 0.05 for one in found)),
    }


def given_labels() -> np.ndarray:
    """(10000,) the labels of CIFAR-10's test set."""
    path = data("label_errors_testsets", "original_test_labels", "cifar10_test_set_original_labels.npy.gz")
    return np.load(io.BytesIO(gzip.decompress(path.read_bytes()))).astype(int)


def corrections(y: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
    """Corrected labels, and what the workers said about the candidates."""
    path = data("label_errors_testsets", "mturk", "cifar10_mturk.json.gz")
    looked_at = json.loads(gzip.decompress(path.read_bytes()))
    corrected = y.copy()
    for one in looked_at:
        if one["mturk"]["guessed"] >= AGREE:
            corrected[int(one["id"])] = one["our_guessed_label"]
    kept = sum(one["mturk"]["given"] >= AGREE for one in looked_at)
    return corrected, {
        "candidates": len(looked_at),
        "corrected": int((corrected != y).sum()),
        "not_confirmed_as_given": len(looked_at) - kept,
    }


def predictions() -> dict[str, np.ndarray]:
    """(10000,) answers by model on CIFAR-10's test set."""
    answers = {}
    with tarfile.open(data("cifar10", "cifar10.1_model_predictions.tar.gz")) as archive:
        for name in sorted(archive.getnames()):
            file = archive.extractfile(name) if "original_predictions/" in name else None
            if file is not None and name.endswith("_predictions.json"):
                answers[name.rpartition("/")[2].removesuffix("_predictions.json")] = np.array(json.loads(file.read()))
    return answers


if __name__ == "__main__":
    write(__file__, results)
