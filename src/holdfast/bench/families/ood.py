"""Unfamiliar rows: who tells them from ordinary ones?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from holdfast.audit.choice import Choice
from holdfast.audit.conformal import scores_of_rows_met
from holdfast.bench.family import Family, Outcome, Scene
from holdfast.core import Scorer
from holdfast.faults._tables import Truth


class Ood(Family):
    """AUROC of the planted rows; beside it AUROC of the model's errors, and what rejecting as many rows would cost."""

    name = "ood"
    role = Scorer
    question = "Which method tells rows unlike the training data from ordinary ones?"
    found = "AUROC of the planted rows against ordinary ones"
    cost = "on the rows kept, below rejecting exactly the planted ones"
    faults: ClassVar[tuple[str, ...]] = (
        "NovelClass", "MissingRegion", "Truncation", "UnitChange", "CellErrors",
    )  # fmt: skip
    plain = "test"
    needs_target = False
    defaults: ClassVar[dict[str, str]] = {"ood": "NearestNeighbourDistance"}

    def judgeable(self, truth: Truth) -> bool:
        rows = truth.test_rows
        return rows is not None and 0 < rows.sum() < len(rows)

    def judge(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Outcome:
        scores = scores_of_rows_met(candidate, scene.supply, known, scene.seed, scene.clock.call)
        assert scene.truth.test_rows is not None
        strange = scene.truth.test_rows[scene.facts["test_rows"]]
        if scene.facts["task"].kind == "none":
            return Outcome(area(scores, strange))
        kept = np.argsort(-scores, kind="stable")[int(strange.sum()) :]
        predicted = scene.facts["test_predicted"]
        cost = scene.score(predicted, np.flatnonzero(~strange)) - scene.score(predicted, kept)
        return Outcome(area(scores, strange), cost, _errors(scene, scores))


def _errors(scene: Scene, scores: np.ndarray) -> dict[str, float]:
    wrong = scene.facts["test_loss"] > 0
    if scene.facts["task"].kind == "regression" or wrong.all() or not wrong.any():
        return {}
    return {"AUROC of the model's errors": area(scores, wrong)}


def area(score: np.ndarray, is_bad: np.ndarray) -> float:
    """Chance that a bad row scores above another, ties half.

    >>> area(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]))
    0.5
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_bad, score))


FAMILY = Ood()
