"""Ranking planted label errors: every scorer of the labels family against cleanlab's five official scores.

    python benchmarks/label_quality.py [--write]

Digits and breast cancer, 20 % symmetric or class-conditional noise (class c becomes c + 1 at rates from 5 to 35 %),
seeds 0 to 4, average precision. At equal probabilities: 5-fold logistic regression and histogram boosting, 8 cells.
With models of its own choice: 4 cells, and as a ceiling the same ensemble fitted on the clean labels.
Needs the peer: pip install cleanlab==2.9.0. About five CPU minutes. `--write` appends to records/label_quality.json.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from labels import append
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.labels import (
    ConfidentLearning,
    CrossValidatedMislabel,
    EnsembleNoiseCorrected,
    NearestNeighbourLabels,
    NoiseCorrectedPosterior,
    PlantedChoice,
)

SEEDS = range(5)
DATA = {"digits": load_digits, "breast_cancer": load_breast_cancer}
NOISE = ("symmetric", "class_conditional")
QUALITIES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
OFFICIAL = [*product(QUALITIES, (False,)), *product(QUALITIES[:2], (True,))]
BARS = {"holdfast noise_corrected_posterior": 0.90, "holdfast ensemble_noise_corrected": 0.97}
RECORD = Path(__file__).parent / "records" / "label_quality.json"
Scores = dict[str, np.ndarray]


def main() -> None:
    equal: dict[str, dict[str, list[float]]] = {}
    own: dict[str, dict[str, list[float]]] = {}
    for data, noise, seed in product(DATA, NOISE, SEEDS):
        X, true = DATA[data](return_X_y=True)
        y = planted(true, noise, seed)
        _note(own, f"{data} {noise}", with_own_models(StandardScaler().fit_transform(X), y, true), y != true)
        for name, make in MODELS.items():
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            probs = cross_val_predict(make(seed), X, y, cv=folds, method="predict_proba")
            _note(equal, f"{data} {noise} {name}", at_equal_probabilities(probs, y), y != true)
        print(f"{data} {noise} seed {seed} done", file=sys.stderr, flush=True)
    tables = {"equal_probabilities": _summary(equal), "own_models": _summary(own)}
    for title, table in tables.items():
        _show(title, table)
    if "--write" in sys.argv:
        append(RECORD, {"metric": "average precision", "seeds": len(SEEDS), "bars": BARS, **tables})


MODELS: dict[str, Callable[[int], object]] = {
    "logistic": lambda _: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}


def planted(y: np.ndarray, noise: str, seed: int) -> np.ndarray:
    rng, k = np.random.default_rng(seed), int(y.max()) + 1
    if noise == "symmetric":
        return np.where(rng.random(len(y)) < 0.2, (y + rng.integers(1, k, len(y))) % k, y)
    return np.where(rng.random(len(y)) < np.linspace(0.05, 0.35, k)[y], (y + 1) % k, y)


def at_equal_probabilities(probs: np.ndarray, y: np.ndarray) -> Scores:
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise SystemExit("the peer is missing: pip install cleanlab==2.9.0") from None
    scores = {"holdfast noise_corrected_posterior": NoiseCorrectedPosterior().fit(probs, y).score_rows(probs, y)}
    for quality, adjust in OFFICIAL:
        name = f"{quality}{' adjusted' if adjust else ''}"
        ours = ConfidentLearning(score=quality, adjust=adjust).fit(probs, y)
        scores[f"holdfast {name}"] = ours.score_rows(probs, y)
        scores[f"cleanlab {name}"] = -get_label_quality_scores(y, probs, method=quality, adjust_pred_probs=adjust)
    return scores


def with_own_models(X: np.ndarray, y: np.ndarray, true: np.ndarray) -> Scores:
    clean = EnsembleNoiseCorrected().mean_probabilities(X, true)
    return {
        "holdfast ensemble_noise_corrected": EnsembleNoiseCorrected().score_rows(X, y),
        "holdfast planted_choice": PlantedChoice().score_rows(X, y),
        "holdfast cross_validated_mislabel": CrossValidatedMislabel().score_rows(X, y),
        "holdfast nearest_neighbour_labels": NearestNeighbourLabels().score_rows(X, y),
        "ceiling: the ensemble fitted on clean labels": 1 - clean[np.arange(len(y)), y],
    }


def _note(table: dict[str, dict[str, list[float]]], cell: str, scores: Scores, is_bad: np.ndarray) -> None:
    for name, score in scores.items():
        table.setdefault(name, {}).setdefault(cell, []).append(float(average_precision_score(is_bad, score)))


def _summary(table: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, object]]:
    """Per method: the mean over cells, its spread over seeds, and every cell's mean."""
    rows = {}
    for name, cells in table.items():
        by_seed = np.mean(list(cells.values()), axis=0)
        rows[name] = {
            "mean": round(float(by_seed.mean()), 4),
            "sd_over_seeds": round(float(by_seed.std(ddof=1)), 4),
            "cells": {cell: round(float(np.mean(values)), 4) for cell, values in cells.items()},
        }
    return dict(sorted(rows.items(), key=lambda item: -item[1]["mean"]))


def _show(title: str, table: dict[str, dict[str, object]]) -> None:
    print(f"\n{title.replace('_', ' ')}: mean average precision, sd over {len(SEEDS)} seeds, cells")
    for name, row in table.items():
        bar = f"  bar {BARS[name]:.2f}" if name in BARS else ""
        print(f"  {name:50s} {row['mean']:.3f} ± {row['sd_over_seeds']:.3f}  {list(row['cells'].values())}{bar}")


if __name__ == "__main__":
    main()
