"""Write tests/parity/mapie_reference.json: small inputs with MAPIE's intervals and sets, for tests without it.

    python benchmarks/mapie_reference.py

Needs the peer: pip install mapie==1.6.0. Models only repeat what is in their columns, so that both start from the same
predictions; CV+ and jackknife+ fit ridge regressions on the folds of scikit-learn's KFold without shuffling.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import Ridge

TARGET = Path(__file__).parents[1] / "tests" / "parity" / "mapie_reference.json"
LEVELS = (0.8, 0.9)


class Stated(RegressorMixin, BaseEstimator):
    """Predicts its first column."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Stated:  # noqa: ARG002
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0]


class StatedClasses(ClassifierMixin, BaseEstimator):
    """Its columns are the class probabilities."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> StatedClasses:  # noqa: ARG002
        self.classes_ = np.arange(X.shape[1])
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return X

    def predict(self, X: np.ndarray) -> np.ndarray:
        return X.argmax(axis=1)


def main() -> None:
    try:
        import mapie  # noqa: F401
    except ImportError:
        raise SystemExit("the peer is missing: pip install mapie==1.6.0") from None
    rng = np.random.default_rng(0)
    cases = {"numbers": numbers(rng), "cross": cross(rng), "classes": classes(rng)}
    TARGET.write_text(json.dumps({"mapie": version("mapie"), "numpy": version("numpy"), **cases}) + "\n")


def numbers(rng: np.random.Generator) -> dict[str, Any]:
    from mapie.regression import SplitConformalRegressor

    stated, new = np.round(rng.normal(size=(60, 1)), 3), np.round(rng.normal(size=(10, 1)), 3)
    target = np.round(stated[:, 0] + rng.normal(size=60), 3)
    model = SplitConformalRegressor(Stated().fit(stated, target), confidence_level=LEVELS, prefit=True)
    intervals = model.conformalize(stated, target).predict_interval(new)[1]
    return {
        "prediction": stated[:, 0].tolist(),
        "target": target.tolist(),
        "new": new[:, 0].tolist(),
        "intervals": dict(zip(map(str, LEVELS), np.moveaxis(intervals, 2, 0).tolist(), strict=True)),
    }


def cross(rng: np.random.Generator) -> dict[str, Any]:
    from mapie.regression import CrossConformalRegressor
    from sklearn.model_selection import KFold

    X, new = np.round(rng.normal(size=(50, 3)), 3), np.round(rng.normal(size=(8, 3)), 3)
    y = np.round(X @ [1.0, -1.0, 0.5] + rng.normal(size=50), 3)
    out: dict[str, Any] = {"X": X.tolist(), "y": y.tolist(), "new": new.tolist()}
    for folds in (5, 50):
        model = CrossConformalRegressor(Ridge(), confidence_level=LEVELS, method="plus", cv=KFold(folds))
        intervals = model.fit_conformalize(X, y).predict_interval(new)[1]
        out[str(folds)] = dict(zip(map(str, LEVELS), np.moveaxis(intervals, 2, 0).tolist(), strict=True))
    return out


def classes(rng: np.random.Generator) -> dict[str, Any]:
    from mapie.classification import SplitConformalClassifier

    probs = np.round(rng.dirichlet(np.ones(4), 80), 3)
    probs[:, 0] += 1 - probs.sum(axis=1)
    y = np.array([rng.choice(4, p=row / row.sum()) for row in probs])
    known, new = slice(0, 60), slice(60, 80)
    model = SplitConformalClassifier(StatedClasses().fit(probs, y), confidence_level=LEVELS, conformity_score="lac")
    sets = model.conformalize(probs[known], y[known]).predict_set(probs[new])[1]
    return {
        "probs": probs.tolist(),
        "y": y.tolist(),
        "known": 60,
        "lac": dict(zip(map(str, LEVELS), np.moveaxis(sets, 2, 0).tolist(), strict=True)),
    }


if __name__ == "__main__":
    main()
