"""Choosing an adaptation method without labels of the target: what five scores give away against the best choice.

Six candidates (no adaptation, CORAL, linear transport, subspaces of two and four directions, weights) on digits in
three planted shifts, three draws each; a logistic regression learns from half of the reference, the other half is held
out for the scores that need labels. Accuracy on the target of what each score chooses, of no adaptation, and of the
best candidate, which only labels of the target can name.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from common import write
from sklearn.linear_model import LogisticRegression

from holdfast.core import Estimate
from holdfast.faults.worlds import worlds
from holdfast.weighting import (
    CORAL,
    CircularValidation,
    DeepEmbeddedValidation,
    ImportanceWeightedValidation,
    LinearOptimalTransport,
    LogisticRatio,
    PredictionEntropy,
    SoftNeighbourhoodDensity,
    SubspaceAlignment,
)

SHIFTS, SEEDS = ("rescaled", "stuck", "tilt"), range(3)
MAPS = (CORAL(), LinearOptimalTransport(), SubspaceAlignment(directions=2), SubspaceAlignment(directions=4))


def results() -> dict[str, Any]:
    """By shift and over all: the accuracy that each way of choosing ends with."""
    runs = {shift: [_run(shift, seed) for seed in SEEDS] for shift in SHIFTS}
    everything = [run for part in runs.values() for run in part]
    return {shift: _means(part) for shift, part in {**runs, "all": everything}.items()}


def _run(shift: str, seed: int) -> dict[str, float]:
    world = worlds("weighting")[shift](seed)
    X, y, new = (world.evidence[name] for name in ("ref_X", "ref_y", "cur_X"))
    truth = world.evidence.get("cur_y", world.truth)
    seen = np.random.default_rng(seed).permutation(len(y)) % 2 == 0
    candidates: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = [(X, new, None)]
    candidates += [(*one.fit(ref_X=X, cur_X=new).transform(ref_X=X, cur_X=new), None) for one in MAPS]
    with suppress(ValueError):  # refused where the target is out of reach
        candidates.append((X, new, LogisticRatio().weigh_rows(ref_X=X, cur_X=new)))
    brought, scores = [], []
    for ref, cur, weights in candidates:
        model = LogisticRegression(max_iter=3000, tol=1e-6)
        model.fit(ref[seen], y[seen], sample_weight=None if weights is None else weights[seen])
        probs = model.predict_proba(cur)
        brought.append(float((model.classes_[probs.argmax(axis=1)] == truth).mean()))
        scores.append(_scores(model, ref[~seen], y[~seen], cur, probs))
    chosen = {name: brought[int(np.argmax([one[name] for one in scores]))] for name in scores[0]}
    return {"no adaptation": brought[0], **chosen, "best candidate": max(brought)}


def _scores(model: Any, ref: np.ndarray, y: np.ndarray, cur: np.ndarray, probs: np.ndarray) -> dict[str, float]:
    held = {"ref_X": ref, "ref_y": y, "ref_probs": model.predict_proba(ref), "cur_X": cur}
    fresh = LogisticRegression(max_iter=3000, tol=1e-6)
    found = {
        "prediction entropy": PredictionEntropy().measure(cur_probs=probs).value,
        "soft neighbourhood density": SoftNeighbourhoodDensity().measure(cur_probs=probs).value,
        "circular validation": CircularValidation().measure(ref_X=ref, ref_y=y, cur_X=cur, model=fresh).value,
    }
    for name, method in (
        ("importance-weighted validation", ImportanceWeightedValidation()),
        ("deep embedded validation", DeepEmbeddedValidation()),
    ):
        try:
            found[name] = method.measure(**held).value
        except ValueError:  # no overlap, no score: not chosen unless nothing has one
            found[name] = -1.0
    return found


def _means(runs: list[dict[str, float]]) -> dict[str, Estimate]:
    out = {}
    for name in runs[0]:
        values = np.array([run[name] for run in runs])
        error = 1.645 * float(values.std(ddof=1) / np.sqrt(len(values)))
        out[name] = Estimate(
            float(values.mean()), float(values.mean()) - error, float(values.mean()) + error, len(runs)
        )
    return out


if __name__ == "__main__":
    write(__file__, results)
