"""Labels: who finds the wrong ones?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from holdfast.audit.choice import Choice
from holdfast.audit.members import kinds_for
from holdfast.audit.probes import Probes
from holdfast.bench.family import Family, Outcome, Scene
from holdfast.core import Scorer
from holdfast.faults._tables import Truth

ALONE = kinds_for(rows=0)  # kinds of model whose probabilities are tried by themselves


class Labels(Family):
    """Average precision of the planted wrong labels; the cost is what dropping the wrong rows leaves lost."""

    name = "labels"
    role = Scorer
    question = "Which method finds the wrong labels in these data?"
    found = "average precision of the planted wrong labels"
    cost = "lost against dropping exactly the wrong labels"
    faults: ClassVar[tuple[str, ...]] = (
        "SymmetricLabelNoise", "ClassConditionalLabelNoise", "InstanceDependentLabelNoise", "SimilarClassLabelNoise",
        "NumericTargetErrors",
    )  # fmt: skip
    views: ClassVar[tuple[str, ...]] = ("model", "votes", *ALONE)
    defaults: ClassVar[dict[str, str]] = {"labels": "NoiseCorrectedPosterior, votes"}
    limits = (
        "Labels that were already wrong in these data count as false alarms of every method alike: true figures are "
        "better, the order is the same.",
    )

    def candidates(self, facts: Probes, only: frozenset[str] = frozenset()) -> tuple[list[Choice], dict[str, str]]:
        """One kind of model alone is asked in a method's usual setting only, a kernel machine where rows are few."""
        found, refused = super().candidates(facts, only)
        alone = kinds_for(len(facts["train_y"]))
        return [c for c in found if c.view not in ALONE or (c.view in alone and not c.settings)], refused

    def judgeable(self, truth: Truth) -> bool:
        return truth.train_rows is not None and truth.train_origin is None

    def judge(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Outcome:
        scores = self.ask(scene, candidate, known)
        assert scene.truth.train_rows is not None
        wrong = scene.truth.train_rows[scene.facts["train_rows"]]
        named = np.argsort(-scores, kind="stable")[: int(wrong.sum())]
        kept = np.setdiff1d(np.arange(len(wrong)), named)
        cost = scene.refitted(np.flatnonzero(~wrong)) - scene.refitted(kept)
        return Outcome(average_precision(scores, wrong), cost, {"precision": float(wrong[named].mean())})


def average_precision(score: np.ndarray, is_bad: np.ndarray) -> float:
    """Area under the precision-recall curve, rows of equal score taken together.

    >>> average_precision(np.array([3.0, 2.0, 1.0]), np.array([True, False, True])).__round__(3)
    0.833
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(is_bad, score))


FAMILY = Labels()
