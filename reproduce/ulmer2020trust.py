"""Trust Issues: uncertainty does not find unusual patients in tables; distances do.

Three tests on tables of patients: a group kept out of training (by a rule on one column), patients of other hospitals,
and one column scaled by 10 to 10,000. Scores of a classifier's uncertainty (one model, three on resampled rows) and of
distance to the training rows; AUROC, 1 = all unusual rows score higher.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from holdfast.datasets import load_heart_disease
from holdfast.ood import Mahalanobis, MaxSoftmax, NearestNeighbourDistance

MODELS, FACTORS = 3, (10, 1000, 10_000)


def results() -> dict[str, Any]:
    """AUROC of every score in every test."""
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    train, test = order[:300], order[300:]
    scores = fitted(X[train], y[train])
    columns = rng.permutation(X.shape[1])[:6]
    found: dict[str, Any] = {"one column scaled": {}}
    for factor in FACTORS:
        aurocs = []
        for column in columns:
            scaled = X[test].copy()
            scaled[:, column] *= factor
            aurocs.append(compared(scores(X[test]), scores(scaled)))
        found["one column scaled"][str(factor)] = {k: np.mean([a[k] for a in aurocs]) for k in aurocs[0]}
    found["groups left out"] = groups(X, y, rng)
    found["other hospitals"] = hospitals()
    return found


def groups(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """The tenth of the rows with the largest value of a column was not shown in training."""
    found = {}
    for column in (0, 1, 8):
        out = X[:, column] > np.quantile(X[:, column], 0.9)
        rest = rng.permutation(np.flatnonzero(~out))
        scores = fitted(X[rest[:300]], y[rest[:300]])
        found[f"largest values of column {column}"] = compared(scores(X[rest[300:]]), scores(X[out]))
    return found


def hospitals() -> dict[str, Any]:
    """Trained on half of Cleveland; its other half against three hospitals."""
    train, other = load_heart_disease()
    names = [name for name in train.columns if train[name].dtype.is_numeric() and other[name].null_count() < 100]

    def numbers(frame: Any) -> tuple[np.ndarray, np.ndarray]:
        whole = frame.drop_nulls([*names, "disease"])
        return whole.select(names).to_numpy().astype(float), (whole["disease"] == "yes").to_numpy().astype(int)

    X, y = numbers(train)
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    order = np.random.default_rng(1).permutation(len(y))
    half = order[: len(y) // 2]
    scores = fitted((X[half] - mean) / deviation, y[half])
    inside = scores((X[order[len(half) :]] - mean) / deviation)
    return {
        str(place[0]): compared(inside, scores((numbers(part)[0] - mean) / deviation))
        for place, part in sorted(other.group_by("hospital"), key=lambda pair: str(pair[0]))
    }


def fitted(X: np.ndarray, y: np.ndarray) -> Any:
    """A function of rows that gives every score by name."""
    models = [MLPClassifier((32,), random_state=seed) for seed in range(MODELS)]
    for seed, model in enumerate(models):
        rows = np.random.default_rng(seed).integers(len(y), size=len(y)) if seed else np.arange(len(y))
        for _ in range(40):
            model.partial_fit(X[rows], y[rows], classes=[0, 1])
    density, nearest = Mahalanobis().fit(X=X, y=y), NearestNeighbourDistance().fit(X=X)

    def scores(rows: np.ndarray) -> dict[str, np.ndarray]:
        probs = np.stack([model.predict_proba(rows) for model in models])
        mean = np.clip(probs.mean(axis=0), 1e-12, 1)
        return {
            "max softmax": MaxSoftmax().score_rows(probs=probs[0]),
            "entropy of an ensemble": -(mean * np.log(mean)).sum(axis=1),
            "spread of an ensemble": probs.std(axis=0)[:, 0],
            "Mahalanobis": density.score_rows(X=rows),
            "nearest neighbours": nearest.score_rows(X=rows),
        }

    return scores


def compared(usual: dict[str, np.ndarray], unusual: dict[str, np.ndarray]) -> dict[str, float]:
    """AUROC by score."""
    is_bad = np.r_[np.zeros(len(usual["Mahalanobis"])), np.ones(len(unusual["Mahalanobis"]))]
    return {name: float(roc_auc_score(is_bad, np.r_[usual[name], unusual[name]])) for name in usual}


if __name__ == "__main__":
    write(__file__, results)
