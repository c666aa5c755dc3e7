"""Natural Attribute-based Shift Detection: which score sees a shift depends on where the attribute moves the rows.

Digits made brighter, darker or turned, tumours of growing size: rows are binned by the attribute, the outer bins are
left out of training, and scores of confidence and of distance are compared bin by bin. Where the moved rows come to
lie, near the boundary (the model is less sure), far from the training rows, or among them, says which score should see
them; both ranks together are never the worst.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from scipy.ndimage import rotate
from scipy.stats import rankdata
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from holdfast.ood import Mahalanobis, MaxSoftmax


def results() -> dict[str, Any]:
    """AUROC of confidence, distance and both by attribute and bin, and where the rows lie."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:900], order[900:]
    images = X.reshape(-1, 8, 8) / 16
    moved = {
        "brightness": {f"x {factor}": factor * images[test] for factor in (0.3, 0.6, 1.5, 2.5)},
        "rotation": {
            f"{angle} degrees": rotate(images[test], angle, axes=(1, 2), reshape=False, order=1)
            for angle in (10, 25, 45, 90)
        },
        "noise": {
            f"sd {size}": images[test] + np.random.default_rng(1).normal(0, size, images[test].shape)
            for size in (0.1, 0.3, 0.8)
        },
    }
    score = fitted(images[train].reshape(len(train), -1), y[train])
    usual = score(images[test].reshape(len(test), -1))
    found = {
        name: {step: placed(usual, score(rows.reshape(len(rows), -1))) for step, rows in steps.items()}
        for name, steps in moved.items()
    }
    return {**found, "size of the tumour": tumours()}


def tumours() -> dict[str, Any]:
    """Trained on tumours of middling radius; bins of smaller and of larger ones."""
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    edges = np.quantile(X[:, 0], [0.15, 0.3, 0.7, 0.85])
    bins = np.searchsorted(edges, X[:, 0])
    middle = np.random.default_rng(0).permutation(np.flatnonzero(bins == 2))
    score = fitted(X[middle[:150]], y[middle[:150]])
    usual = score(X[middle[150:]])
    names = ("smallest", "small", "", "large", "largest")
    return {names[k]: placed(usual, score(X[bins == k])) for k in (0, 1, 3, 4)}


def fitted(X: np.ndarray, y: np.ndarray) -> Any:
    """Both scores of any rows."""
    model = LogisticRegression(max_iter=300).fit(X, y)
    density = Mahalanobis().fit(X=X, y=y)
    return lambda rows: (MaxSoftmax().score_rows(probs=model.predict_proba(rows)), density.score_rows(X=rows))


def placed(usual: tuple[np.ndarray, ...], moved: tuple[np.ndarray, ...]) -> dict[str, Any]:
    """AUROC of each score and of the larger of their ranks among usual rows; and where the moved rows lie."""
    is_moved = np.r_[np.zeros(len(usual[0])), np.ones(len(moved[0]))]
    ranks = [np.searchsorted(np.sort(a), np.r_[a, b]) / len(a) for a, b in zip(usual, moved, strict=True)]
    steps = [rankdata(np.r_[a, b]) / 1e9 for a, b in zip(usual, moved, strict=True)]  # breaks ties
    both = np.maximum(ranks[0], ranks[1]) + steps[0] + steps[1]
    sure, far = (float(roc_auc_score(is_moved, np.r_[a, b])) for a, b in zip(usual, moved, strict=True))
    place = {(False, False): "among", (True, False): "near the boundary", (False, True): "far", (True, True): "both"}
    return {
        "confidence": sure,
        "distance": far,
        "both": float(roc_auc_score(is_moved, both)),
        "rows lie": place[(sure > 0.6, far > 0.6)],
    }


if __name__ == "__main__":
    write(__file__, results)
