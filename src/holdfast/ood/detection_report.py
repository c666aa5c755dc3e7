"""How well a score detects the bad rows."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ood._detection import area, average_precision, false_positive_rate, need_both
from holdfast.ops.resampling import metric_interval


class DetectionReport(Measure):
    r"""AUROC of a score against the bad rows; `report_` adds both precision-recall areas, FPR and the base rate.

    .. math:: \mathrm{AUROC} = P(s_\text{bad} > s_\text{good}) + \tfrac12 P(s_\text{bad} = s_\text{good})

    `aupr_error` takes the bad rows as positive, `aupr_success` the good ones (with the score turned round); a random
    score has the base rate of each. `fpr` is the share of good rows flagged where `sensitivity` of the bad ones are.
    The interval of AUROC is DeLong's variance in Wilson's form, that of the others a bootstrap with `draws` draws; the
    p-value is for a score that does not rank bad rows up.

    Use it when rows with known faults are at hand and detectors are to be compared without choosing a threshold. It
    fails to say what a detector is worth where faults are rarer than here: the areas of precision move with the base
    rate, AUROC hides it.

    >>> score, is_bad = [0.9, 0.8, 0.7, 0.3, 0.2], [1, 0, 1, 0, 0]
    >>> report = DetectionReport(metric="fpr", sensitivity=0.5, draws=50, seed=1)
    >>> round(report.measure(score=score, is_bad=is_bad).value, 2)
    0.0
    >>> {name: round(estimate.value, 2) for name, estimate in report.report_.items()}
    {'auroc': 0.83, 'aupr_error': 0.83, 'aupr_success': 0.92, 'fpr': 0.0, 'base_rate': 0.4}
    """

    source = "hendrycks2017baseline"
    claims = ("novelty_scores",)
    silent: ClassVar[tuple[str, ...]] = ("sensitivity", "draws", "seed")  # they change the other numbers of the report
    metric: Literal["auroc", "aupr_error", "aupr_success", "fpr"] = "auroc"
    sensitivity: float = 0.95
    draws: int = 200
    seed: int = 0

    def measure(self, score: np.ndarray, is_bad: np.ndarray) -> Estimate:
        """The chosen metric with its interval; `report_` holds them all."""
        need_both("is_bad", is_bad)
        auroc = area(score, is_bad)
        bad = is_bad.astype(float)
        self.report_ = {
            "auroc": auroc,
            "aupr_error": average_precision(score, is_bad, self.draws, self.seed),
            "aupr_success": average_precision(-score, ~is_bad, self.draws, self.seed),
            "fpr": false_positive_rate(score, is_bad, self.sensitivity, self.draws, self.seed),
            "base_rate": metric_interval(np.ones(len(bad), int), np.column_stack([1 - bad, bad]), "accuracy"),
        }
        return self.report_[self.metric]._replace(pvalue=auroc.pvalue)
