"""How well a detector finds what this model gets wrong, by cause."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ood._detection import area, false_positive_rate, need_both


class ModelSpecificEvaluation(Measure):
    r"""AUROC of a score against the model's errors, whatever their cause; `by_cause_` and `fpr_by_cause_` split it.

    .. math:: \mathrm{AUROC} = P(s_\text{wrong} > s_\text{right}) + \tfrac12 P(s_\text{wrong} = s_\text{right})

    `group` is the cause: 0 for an ordinary row, other codes for what is unusual about it (an unknown class, a
    distortion). A row of an unknown class is always wrong; an unusual row that the model gets right should not be
    rejected. Each cause sets its wrong rows against all right rows; `novelty_` is the usual AUROC of unusual against
    ordinary rows, to see how far the two targets differ.

    Use it when a detector is to guard one given model. It fails to say anything about another model: what is rejected
    rightly here may be predicted rightly there.

    >>> score, correct, group = [0.9, 0.6, 0.5, 0.3, 0.2, 0.1], [0, 1, 0, 1, 0, 1], [1, 2, 2, 0, 0, 0]
    >>> evaluation = ModelSpecificEvaluation(sensitivity=0.5, draws=50, seed=1)
    >>> round(evaluation.measure(score=score, correct=correct, group=group).value, 2)
    0.67
    >>> {cause: round(estimate.value, 2) for cause, estimate in evaluation.by_cause_.items()}
    {0: 0.33, 1: 1.0, 2: 0.67}
    >>> round(evaluation.novelty_.value, 2), round(evaluation.fpr_by_cause_[2].value, 2)
    (1.0, 0.33)
    """

    source = "averly2023unified"
    claims = ("error_scores",)
    silent: ClassVar[tuple[str, ...]] = ("sensitivity", "draws", "seed")  # they change `fpr_by_cause_`
    sensitivity: float = 0.95
    draws: int = 200
    seed: int = 0

    def measure(self, score: np.ndarray, correct: np.ndarray, group: np.ndarray) -> Estimate:
        """AUROC against the errors of every cause; the p-value is for a score that does not rank errors up."""
        need_both("correct", correct)
        self.by_cause_: dict[int, Estimate] = {}
        self.fpr_by_cause_: dict[int, Estimate] = {}
        for cause in np.unique(group[~correct]).tolist():
            rows = correct | (group == cause)
            wrong = ~correct[rows]
            self.by_cause_[cause] = area(score[rows], wrong)
            self.fpr_by_cause_[cause] = false_positive_rate(score[rows], wrong, self.sensitivity, self.draws, self.seed)
        unusual = group > 0
        self.novelty_ = area(score, unusual) if 0 < unusual.sum() < len(group) else None
        return area(score, ~correct)
