"""Shift: which test sees that the data moved, and stays quiet where they did not?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from holdfast.audit.choice import Choice, needs
from holdfast.audit.encode import as_numbers
from holdfast.audit.supply import Unavailable
from holdfast.bench.family import NONE, Family, Outcome, Scene
from holdfast.core import Measure, Method
from holdfast.ops.multiple_testing import holm

LEVEL = 0.05
BY_COLUMN = {"x": "numbers", "category": "categories"}


class Shift(Family):
    """Share of planted shifts found at the 5 % level; false alarms are counted on draws where nothing was planted."""

    name = "shift"
    role = Measure
    question = "Which test sees that the rows met differ from the training rows, without false alarms?"
    found = "share of the planted shifts found at the 5 % level"
    cost = "lost without an alarm, mean over the plantings"
    faults: ClassVar[tuple[str, ...]] = (
        "ColumnShift", "SpreadChange", "ExponentialTilt", "LabelShift", "SubpopulationShift", "CategoryRename",
    )  # fmt: skip
    defaults: ClassVar[dict[str, str]] = {
        "numbers": "ColumnDrift", "categories": "ChiSquared", "rows": "ClassifierTwoSample", "classes": "BBSE",
    }  # fmt: skip
    draws = 5
    learn = 0.5
    untouched_draws = 20
    needs_target = False
    limits = (
        "Rows are split at random: false alarms are counted where nothing moved. Tests of one column are made on every "
        "column of its kind, their p-values corrected by Holm's rule.",
    )

    def slot(self, cls: type[Method]) -> str:
        names = self._names(cls)
        by_column = [BY_COLUMN[name] for name in names if name in BY_COLUMN]
        return by_column[0] if by_column else "rows" if "X" in names else "classes"

    def refuses(self, cls: type[Method]) -> str:
        if not any(name.startswith("cur_") for name in needs(cls)["measure"]):
            return "it asks about one data set, not about two"
        return ""

    def refusal(self, name: str) -> str:
        return "" if name.removeprefix("ref_").removeprefix("cur_") in BY_COLUMN else super().refusal(name)

    def judge(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Outcome:
        if candidate.slot in BY_COLUMN.values():
            pvalue = _over_columns(scene, candidate.make(**known), candidate.slot)
        else:
            pvalue = self.ask(scene, candidate, known).pvalue
        if pvalue is None:
            raise Unavailable("it gives no p-value on these data")
        found = float(pvalue < LEVEL)
        return Outcome(found, self._cost(scene, found), {"false alarm": found} if _untouched(scene) else {})

    def _names(self, cls: type[Method]) -> list[str]:
        return [name.removeprefix("ref_").removeprefix("cur_") for name in needs(cls)["measure"]]

    def _cost(self, scene: Scene, found: float) -> float | None:
        if scene.facts["task"].kind == "none" or _untouched(scene):
            return None
        return (1 - found) * max(scene.untouched - scene.score(scene.facts["test_predicted"]), 0.0)


def _untouched(scene: Scene) -> bool:
    return scene.planting.fault == NONE


def _over_columns(scene: Scene, method: Any, slot: str) -> float:
    """The smallest p-value over the columns of a kind, corrected for their number."""
    kind, name = ("number", "x") if slot == "numbers" else ("category", "category")
    facts = scene.facts
    pvalues = []
    for column in facts["features"]:
        if column.kind != kind:
            continue
        sides = [_values(facts, column.name, kind, facts[f"{side}_table"]) for side in ("train", "test")]
        if all(len(side) for side in sides):
            estimate = scene.clock.call(method.measure, **{f"ref_{name}": sides[0], f"cur_{name}": sides[1]})
            pvalues.append(1.0 if estimate.pvalue is None else estimate.pvalue)
    if not pvalues:
        raise Unavailable(f"no feature is a {kind}")
    return float(holm(np.array(pvalues)).min())


def _values(facts: Any, name: str, kind: str, table: Any) -> np.ndarray:
    if kind == "category":
        codes = facts["encoder"].codes(name, table[name])
        return codes[codes >= 0]
    values = as_numbers(table[name])
    return values[np.isfinite(values)]


FAMILY = Shift()
