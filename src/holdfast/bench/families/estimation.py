"""Estimation: whose estimate of the metric without labels is right under shift?"""

from __future__ import annotations

from typing import Any, ClassVar

from holdfast.audit.choice import Choice, needs
from holdfast.audit.estimators import CONSENSUS as NAMED
from holdfast.audit.estimators import ESTIMATED, evidence_of, one_estimate
from holdfast.audit.probes import Probes
from holdfast.audit.supply import Unavailable
from holdfast.bench.family import Family, Outcome, Scene
from holdfast.core import Estimate, Measure, Method

SHIFTS = ("ExponentialTilt", "LabelShift", "SubpopulationShift", "MissingRegion", "ColumnShift")
CONSENSUS = Choice("", {}, "consensus of four", "estimation")  # what the audit reports without a profile


class Estimation(Family):
    """How far the estimated metric is from the true one on the planted rows, and whether its interval holds it."""

    name = "estimation"
    role = Measure
    question = "Which estimate of the metric, without labels, is closest to the truth when these data shift?"
    found = "distance of the estimate from the true metric"
    larger = False
    cost = "of the metric that the estimate is off"
    faults = SHIFTS
    fixed = frozenset({"metric"})
    defaults: ClassVar[dict[str, str]] = {"estimation": CONSENSUS.view}
    draws: ClassVar[int] = 4
    learn = 0.5

    def refuses(self, cls: type[Method]) -> str:
        if not any(name in ("cur_probs", "cur_X", "cur_prediction") for name in needs(cls)["measure"]):
            return "it does not estimate the metric of rows without labels"
        return ""

    def metric(self, kind: str, given: str | None) -> str | None:
        if kind == "regression":
            return given if given in ("mae", "rmse") else "mae"
        return given if given in ESTIMATED else "accuracy"

    def check(self, cls: type[Method], facts: Probes) -> None:
        super().check(cls, facts)
        name = facts["metric"].name
        if "metric" not in cls.settings() and name != "accuracy":
            raise Unavailable(f"it estimates accuracy, not {name}")

    def judge(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Outcome:
        estimate = self._consensus(scene) if candidate == CONSENSUS else self.ask(scene, candidate, known)
        truth = float(scene.metric(scene.facts["test_y"], scene.facts["test_predicted"]))
        error = abs(estimate.value - truth)
        return Outcome(error, error, {"covered": float(estimate.low <= truth <= estimate.high)})

    def candidates(self, facts: Probes, only: frozenset[str] = frozenset()) -> tuple[list[Choice], dict[str, str]]:
        found, refused = super().candidates(facts, only)
        classes = facts["task"].kind in ("binary", "multiclass")
        return [*found, CONSENSUS] if classes else found, refused

    def _consensus(self, scene: Scene) -> Estimate:
        facts = scene.facts
        evidence = evidence_of(
            facts["ref_embedding"], facts["train_predicted"], facts["train_y"], facts["cur_embedding"],
            facts["test_predicted"], scene.seed,
        )  # fmt: skip
        found: Estimate = scene.clock.call(
            one_estimate, name=NAMED, metric=scene.metric, task=facts["task"], evidence=evidence
        )
        return found


FAMILY = Estimation()
