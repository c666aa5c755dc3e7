"""Out-of-fold class probabilities of a few cheap model kinds. scikit-learn is imported when a model is asked for."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

ModelKind = Literal["linear", "trees", "kernel", "neighbours", "boosting"]


def out_of_fold(kind: ModelKind, X: np.ndarray, y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(n, k) probabilities of every row by a model that was not fitted on it; k is the largest code plus one."""
    probs = np.zeros((len(y), int(y.max()) + 1))
    fold = stratified_folds(X, y, folds, seed)
    for held in range(folds):
        train, test = fold != held, fold == held
        classes, codes = np.unique(y[train], return_inverse=True)
        if len(classes) == 1:
            probs[test, classes[0]] = 1
        elif test.any():
            probs[np.ix_(test, classes)] = _predicted(_model(kind, len(codes), seed).fit(X[train], codes), X[test])
    return probs


def stratified_folds(X: np.ndarray, y: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(n,) fold of every row; each class is spread evenly, however few rows it has."""
    if not 2 <= folds <= max(len(y), 2) or len(y) < 2:
        raise ValueError(f"y has {len(y)} rows and folds is {folds}; expected at least 2 folds and as many rows.")
    order = np.lexsort((steady_random(X, y, np.random.default_rng(seed)), y))
    fold = np.empty(len(y), int)
    fold[order] = np.arange(len(y)) % folds
    return fold


def steady_random(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) uniform random numbers that follow the rows' content: how a file is sorted changes no fold and no choice."""
    direction = np.random.default_rng(0).standard_normal(X.shape[1])
    order = np.lexsort((y, X @ (direction / np.maximum(np.abs(X).max(axis=0), 1e-300))))
    numbers = np.empty(len(y))
    numbers[order] = rng.random(len(y))
    return numbers


def _predicted(model: Any, X: np.ndarray) -> np.ndarray:
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X)
    margins = model.decision_function(X)
    margins = np.column_stack([-margins / 2, margins / 2]) if margins.ndim == 1 else margins
    weights = np.exp(margins - margins.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _model(kind: ModelKind, n: int, seed: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "linear":
        from sklearn.linear_model import LogisticRegression

        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    if kind == "kernel":
        from sklearn.svm import SVC

        return make_pipeline(StandardScaler(), SVC())
    if kind == "neighbours":
        from sklearn.neighbors import KNeighborsClassifier

        return make_pipeline(StandardScaler(), KNeighborsClassifier(min(15, 1 + n // 20)))
    if kind == "trees":
        from sklearn.ensemble import ExtraTreesClassifier

        return ExtraTreesClassifier(50, min_samples_leaf=2, random_state=seed)
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=50, early_stopping=False, random_state=seed)
