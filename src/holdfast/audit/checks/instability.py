"""STA001: answers that depend on the draw of the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.facts.model import Judged
from holdfast.audit.models import Model
from holdfast.audit.records import Bars, Finding, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import percent
from holdfast.core import Estimate
from holdfast.estimation import RunVariance

RUNS = 6
MEMBERS = 5
UNSTABLE = 0.10  # share of answers that change between two refits


class Instability(Check):
    """Refits the model on random four fifths of the training rows and counts how many answers change."""

    code = "STA001"
    title = "answers that depend on the draw of the training rows"
    methods = ("estimation.RunVariance",)
    fits = True
    unplantable = "instability belongs to the model and cannot be planted in tables"

    def run(
        self,
        model: Model,
        train_inputs: Any,
        train_y: np.ndarray,
        judged: Judged,
        classes: tuple[str, ...],  # asked for so that the check applies to classes alone
        settings: Settings,
        train_weight: Any = None,
    ) -> Finding:
        inputs, y, outside = judged
        runs = []
        for run in range(RUNS):
            rng = np.random.default_rng([settings.seed, 5, run])
            part = np.sort(rng.choice(outside, max(10, round(0.8 * len(outside))), replace=False))
            weight = None if train_weight is None else train_weight[part]
            fit = model.fit(train_inputs[part], train_y[part], weight, settings.seed + run)
            runs.append(fit.predict(inputs).argmax(axis=1))
        answers = np.stack(runs)
        churn = _churn(answers)
        details: tuple[Bars, ...] = ()
        because: list[str] = []
        if y is not None:
            spread = RunVariance().measure(correct_runs=answers == y)
            hits = (answers == y).mean(axis=1)
            details = (
                Bars(
                    "Accuracy of each refit",
                    "points",
                    tuple((f"refit {i + 1}", float(h), None, None) for i, h in enumerate(hits)),
                ),
            )
            because = [
                f"Accuracy over {RUNS} refits runs from {hits.min():.3f} to {hits.max():.3f} (standard deviation "
                f"{hits.std(ddof=1):.3f}).",
                f"Its standard deviation on endless test rows is about {spread.value:.3f} [{spread.low:.3f}, "
                f"{spread.high:.3f}]: "
                "the rest is the luck of a finite test set.",
            ]
        parts = {
            "estimate": churn,
            "unit": "share of answers that change between two refits",
            "details": details,
            "because": tuple(because),
        }
        if churn.low < UNSTABLE:
            return self.clear(f"Two refits disagree on {percent(churn.value)} of the answers.", **parts)
        return self.found(
            f"Two refits on other draws of the training rows disagree on {percent(churn.value)} of the answers.",
            remedies=(
                Remedy(
                    "average_models",
                    f"Average {MEMBERS} models fitted on random parts",
                    True,
                    set="model",
                    settings={"members": MEMBERS},
                ),
            ),
            what_to_do="Average several models, or collect more training rows.",
            **parts,
        )


def _churn(answers: np.ndarray) -> Estimate:
    """Mean share of rows on which two runs differ, with an interval over rows."""
    pairs = [(i, j) for i in range(len(answers)) for j in range(i)]
    per_row = np.mean([answers[i] != answers[j] for i, j in pairs], axis=0)
    error = 1.645 * per_row.std() / np.sqrt(len(per_row))
    value = float(per_row.mean())
    return Estimate(value, max(0.0, value - error), min(1.0, value + error), len(per_row))
