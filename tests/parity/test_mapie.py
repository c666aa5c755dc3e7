"""Conformal intervals and sets against MAPIE's, which a script in benchmarks/ wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from holdfast.calibration import CrossConformalInterval, LeastAmbiguousSets, SplitConformalInterval

REFERENCE = json.loads((Path(__file__).parent / "mapie_reference.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("level", ["0.8", "0.9"])
def test_split_intervals_are_mapies(level: str) -> None:
    case = REFERENCE["numbers"]
    method = SplitConformalInterval(level=float(level)).fit(target=case["target"], prediction=case["prediction"])
    np.testing.assert_allclose(method.transform(prediction=case["new"]), case["intervals"][level], atol=1e-12)


@pytest.mark.parametrize("folds", [5, 50])
@pytest.mark.parametrize("level", ["0.8", "0.9"])
def test_cross_intervals_are_mapies(folds: int, level: str) -> None:
    """CV+ with five folds; with one a row, jackknife+."""
    case = REFERENCE["cross"]
    X, y, new = np.array(case["X"]), np.array(case["y"]), np.array(case["new"])
    fold, prediction, ensemble = np.empty(len(y), dtype=int), np.empty(len(y)), []
    for number, (seen, left) in enumerate(KFold(folds).split(X)):
        model = Ridge().fit(X[seen], y[seen])
        fold[left], prediction[left] = number, model.predict(X[left])
        ensemble.append(model.predict(new))
    method = CrossConformalInterval(level=float(level)).fit(target=y, prediction=prediction, fold=fold)
    found = method.transform(ensemble_prediction=np.array(ensemble))
    np.testing.assert_allclose(found, case[str(folds)][level], atol=1e-9)


@pytest.mark.parametrize("level", ["0.8", "0.9"])
def test_sets_are_mapies(level: str) -> None:
    case = REFERENCE["classes"]
    probs, y, known = np.array(case["probs"]), np.array(case["y"]), case["known"]
    method = LeastAmbiguousSets(level=float(level)).fit(probs=probs[:known], y=y[:known])
    assert method.transform(probs=probs[known:]).tolist() == case["lac"][level]
