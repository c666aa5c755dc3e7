"""Weighting: whose weights make the model better where the data went?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from holdfast.audit.choice import Choice, needs
from holdfast.bench.family import Family, Outcome, Scene
from holdfast.core import Method, Weigher


class Weighting(Family):
    """What the metric gains on the planted rows when the model is fitted again with the weights."""

    name = "weighting"
    role = Weigher
    question = "Which weights make a refitted model better on shifted rows, and do any?"
    found = "gain of the metric on the shifted rows by fitting with the weights"
    cost = "that the shift still costs after fitting with the weights"
    faults: ClassVar[tuple[str, ...]] = ("ExponentialTilt", "LabelShift", "SubpopulationShift", "MissingRegion")
    defaults: ClassVar[dict[str, str]] = {"weighting": "LogisticRatio"}
    draws: ClassVar[int] = 2  # a fit with weights takes seconds
    learn = 0.5

    def refuses(self, cls: type[Method]) -> str:
        if not any(name.startswith("cur_") for name in needs(cls)["weigh_rows"]):
            return "it does not weigh training rows by the rows met"
        return ""

    def judge(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Outcome:
        plain = scene.refitted()
        try:
            weights = np.asarray(self.ask(scene, candidate, known), dtype=np.float64)
        except ValueError:  # the sets hardly overlap: it says so and gives no weights
            return Outcome(0.0, scene.untouched - plain, {"no weights given": 1.0})
        weighted = scene.refitted(weight=weights)
        return Outcome(weighted - plain, scene.untouched - weighted, {"no weights given": 0.0})


FAMILY = Weighting()
