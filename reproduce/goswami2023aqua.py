"""AQuA: detectors of label errors side by side, over data, noise and rate, and what cleaning brings.

Detectors x data sets x kinds of noise x rates: AUROC and F1 of the flags, and test accuracy of a model trained after
dropping what was flagged, less that of the model trained on everything. Ranks over all cells with Friedman's test and
Nemenyi's critical difference. Noise: uniform, to the next class, and near the boundary of the classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from scipy.stats import friedmanchisquare, rankdata, studentized_range
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors

from holdfast.labels import ConfidentLearning, NearestNeighbourLabels, NoiseCorrectedPosterior

RATES, KINDS = (0.05, 0.2, 0.4), ("uniform", "next class", "near the boundary")


def results() -> dict[str, Any]:
    """Means by detector, kind and rate; ranks with their critical difference."""
    cells = [cell(name, kind, rate) for name in data() for kind in KINDS for rate in RATES]
    detectors = list(cells[0]["auroc"])
    ranks = np.array([rankdata([-found["auroc"][d] for d in detectors]) for found in cells])
    k, n = len(detectors), len(cells)
    return {
        "auroc": _means(cells, "auroc", "kind"),
        "f1": _means(cells, "f1", "kind"),
        "gain_from_cleaning": _means(cells, "gain", "rate"),
        "mean_rank": dict(zip(detectors, ranks.mean(axis=0).tolist(), strict=True)),
        "friedman_pvalue": float(friedmanchisquare(*ranks.T).pvalue),
        "critical_difference": float(
            studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) * np.sqrt(k * (k + 1) / 6 / n)
        ),
        "best_by_kind": {kind: max(detectors, key=lambda d: _means(cells, "auroc", "kind")[d][kind]) for kind in KINDS},
    }


def _means(cells: list[dict[str, Any]], what: str, by: str) -> dict[str, dict[str, float]]:
    values = sorted({str(found[by]) for found in cells})
    return {
        d: {v: float(np.mean([found[what][d] for found in cells if str(found[by]) == v])) for v in values}
        for d in cells[0][what]
    }


def cell(name: str, kind: str, rate: float) -> dict[str, Any]:
    """One data set, one kind of noise, one rate."""
    X, y = data()[name]
    rng = np.random.default_rng([len(name), KINDS.index(kind), int(100 * rate)])
    order = rng.permutation(len(y))
    train, test = order[: 2 * len(y) // 3], order[2 * len(y) // 3 :]
    given = noisy(X[train], y[train], kind, rate, rng)
    bad = given != y[train]
    probs = cross_val_predict(model(), X[train], given, cv=3, method="predict_proba")
    neighbours = NearestNeighbors(n_neighbors=10).fit(X[train]).kneighbors(return_distance=False)

    def by_probs(detector: Any) -> np.ndarray:
        return np.asarray(detector.fit(probs=probs, y=given).score_rows(probs=probs, y=given))

    scores = {
        "confident learning": by_probs(ConfidentLearning()),
        "noise-corrected posterior": by_probs(NoiseCorrectedPosterior()),
        "nearest neighbours": NearestNeighbourLabels().score_rows(X=X[train], y=given, neighbours=neighbours),
    }
    before = model().fit(X[train], given).score(X[test], y[test])
    found: dict[str, Any] = {"kind": kind, "rate": rate, "auroc": {}, "f1": {}, "gain": {}}
    for detector, score in scores.items():
        flagged = np.zeros(len(given), bool)
        flagged[np.argsort(-score, kind="stable")[: int(bad.sum())]] = True  # the rate is given, as in the paper
        kept = ~flagged
        after = model().fit(X[train][kept], given[kept]).score(X[test], y[test])
        found["auroc"][detector] = float(roc_auc_score(bad, score))
        found["f1"][detector] = float(f1_score(bad, flagged))
        found["gain"][detector] = float(after - before)
    return found


def model() -> LogisticRegression:
    """The base model of the detectors, and what is trained after cleaning."""
    return LogisticRegression(C=1, max_iter=100)


def noisy(X: np.ndarray, y: np.ndarray, kind: str, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Labels of which `rate` are wrong."""
    k = int(y.max()) + 1
    chance = np.full(len(y), rate)
    if kind == "near the boundary":
        top = np.sort(LogisticRegression(max_iter=200).fit(X, y).predict_proba(X), axis=1)
        doubt = rankdata(top[:, -2] - top[:, -1]) / len(y)
        chance = np.minimum(2 * rate * doubt, 0.95)
    step = np.ones(len(y), int) if kind == "next class" else rng.integers(1, k, len(y))
    return np.where(rng.random(len(y)) < chance, (y + step) % k, y)


def data() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Standardised."""
    found = {}
    for name, load in (("digits", load_digits), ("wine", load_wine), ("tumours", load_breast_cancer)):
        X, y = load(return_X_y=True)
        rows = np.random.default_rng(0).permutation(len(y))[:300]
        found[name] = ((X[rows] - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9), y[rows])
    return found


if __name__ == "__main__":
    write(__file__, results)
