"""ImageNet-OOD: what detectors of unusual inputs react to, new classes or another look of the known ones.

Digits 0 to 6 are known. New classes: digits 7 to 9, same pen, same scanner. Another look: known digits, blurred, dimmed
or turned a little. For every score, AUROC of new classes and of each look against untouched known digits, and of the
model's errors among all rows of known classes and new ones (every new class is an error): what a guard is for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from holdfast.ood import (
    Energy,
    GeneralizedEntropy,
    Mahalanobis,
    MaxLogit,
    MaxSoftmax,
    NearestNeighbourDistance,
    RelativeMahalanobis,
)

SEEDS = 2


def results() -> dict[str, Any]:
    """Means over seeds, a table a score."""
    runs = [one(seed) for seed in range(SEEDS)]
    return {s: {w: float(np.mean([run[s][w] for run in runs])) for w in runs[0][s]} for s in runs[0]}


def one(seed: int) -> dict[str, dict[str, float]]:
    """One split and one network."""
    images, y = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8) / 16
    rng = np.random.default_rng(seed)
    known = rng.permutation(np.flatnonzero(y < 7))
    train, test = known[: len(known) // 2], known[len(known) // 2 :]
    net = MLPClassifier((64, 32), random_state=seed)
    for _ in range(40):
        net.partial_fit(images[train].reshape(-1, 64), y[train], classes=range(7))
    plain, new = images[test], images[y >= 7]
    looks = {
        "blurred": gaussian_filter(plain, (0, 0.6, 0.6)),
        "dimmed": 0.6 * plain,
        "turned": rotate(plain, 15, axes=(1, 2), reshape=False, order=1),
    }
    score = scorers(net, images[train].reshape(-1, 64), y[train])
    usual, unseen = score(plain), score(new)
    seen = {name: score(look) for name, look in looks.items()}
    wrong = [net.predict(rows.reshape(-1, 64)) != y[test] for rows in (plain, *looks.values())]
    is_error = np.concatenate([*wrong, np.ones(len(new), bool)])
    found = {}
    for name in usual:
        found[name] = {"new classes": auroc(usual[name], unseen[name])}
        found[name] |= {look: auroc(usual[name], scores[name]) for look, scores in seen.items()}
        everything = np.concatenate([usual[name], *(scores[name] for scores in seen.values()), unseen[name]])
        found[name]["errors"] = float(roc_auc_score(is_error, everything))
    return found


def scorers(net: MLPClassifier, X: np.ndarray, y: np.ndarray) -> Any:
    """A function of pictures that gives every score by name; distances are on the last hidden layer."""

    def hidden(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for weight, bias in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
            rows = np.maximum(rows @ weight + bias, 0)
        return rows, rows @ net.coefs_[-1] + net.intercepts_[-1]

    features = hidden(X)[0]
    fitted = {
        "Mahalanobis": Mahalanobis().fit(X=features, y=y),
        "relative Mahalanobis": RelativeMahalanobis().fit(X=features, y=y),
        "nearest neighbours": NearestNeighbourDistance().fit(X=features),
    }

    def score(images: np.ndarray) -> dict[str, np.ndarray]:
        features, logits = hidden(images.reshape(len(images), -1))
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        return {
            "max softmax": MaxSoftmax().score_rows(probs=probs),
            "max logit": MaxLogit().score_rows(logits=logits),
            "energy": Energy().score_rows(logits=logits),
            "generalized entropy": GeneralizedEntropy().score_rows(probs=probs),
            **{name: method.score_rows(X=features) for name, method in fitted.items()},
        }

    return score


def auroc(usual: np.ndarray, unusual: np.ndarray) -> float:
    """The chance that an unusual row scores higher."""
    return float(roc_auc_score(np.r_[np.zeros(len(usual)), np.ones(len(unusual))], np.r_[usual, unusual]))


if __name__ == "__main__":
    write(__file__, results)
