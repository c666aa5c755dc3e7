"""PER003: which shift caused which part of the drop."""

from __future__ import annotations

import numpy as np

from holdfast.audit.change import LEAST_ROWS, attribute_change, unit_of
from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import Encoder
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, Finding, Price
from holdfast.audit.settings import Settings
from holdfast.audit.words import capital, pvalue
from holdfast.core import Estimate


class DropAttribution(Check):
    """Shapley shares of the label mix, of the columns that matter most and of the relation in the rise of the error."""

    code = "PER003"
    title = "shifts that cause the drop"
    methods = ("shift.ShiftAttribution",)
    unplantable = "it explains a drop that another check finds"
    false_when_dealt = True

    def run(
        self, ref_X: np.ndarray, train_y: np.ndarray, train_loss: np.ndarray, cur_X: np.ndarray, test_y: np.ndarray,
        test_loss: np.ndarray, common_encoder: Encoder, task: Task, settings: Settings, is_comparable: bool,
    ) -> Finding:  # fmt: skip
        assert is_comparable  # asked for: a drop is between two losses of one model
        if min(len(train_y), len(test_y)) < LEAST_ROWS:
            raise NotApplicable(f"at least {LEAST_ROWS} labelled rows of each set are needed")
        found = attribute_change(
            ref_X, train_y, train_loss, cur_X, test_y, test_loss, common_encoder.names, task, settings.seed
        )
        change, unit, parts = found.change, unit_of(task), found.parts
        if not found.is_sure(settings.level) or change.value <= 0:
            raise NotApplicable(
                f"the {unit} did not rise beyond chance ({pvalue(change.pvalue)}): there is no drop to attribute"
            )
        points = task.kind != "regression"
        bars, split = (
            Bars(
                f"Rise of the {unit}, by {by}", "points" if points else "",
                tuple((name, *part[:3]) for name, part in shares.items()),
            )
            for by, shares in (("cause", parts), ("kind of shift", found.split))
        )  # fmt: skip
        top, share = next(iter(parts.items()))
        rise = f"{100 * change.value:.1f} points" if points else f"{change.value:.3g}"
        part = f"{100 * share.value:+.1f}" if points else f"{share.value:+.3g}"
        return self.found(
            f"Of the {rise} by which the {unit} rises, the largest part is {top}: {part}.",
            estimate=change,
            unit=f"rise of the {unit} from training to test",
            because=tuple(_sentence(name, part, points) for name, part in parts.items()),
            details=(bars, split),
            settings={"largest": top},
            price=Price(
                "none",
                reason="this says where the drop comes from; remedies stand with the findings that name the shifts",
            ),
            what_to_do="Begin with the largest share. A changed relation needs new labels or fewer columns; a "
            "changed mix of "
            "rows or classes can be reweighted. Shares lean on the rows where both sets overlap.",
        )


def _sentence(name: str, part: Estimate, points: bool) -> str:
    scale, unit = (100, " points") if points else (1, "")
    span = f"({part.low * scale:.2g} to {part.high * scale:.2g})"
    return f"{capital(name)}: {part.value * scale:+.2g}{unit} {span}."
