"""PER003: which shift caused which part of the drop."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import Encoder
from holdfast.audit.evidence import without_gaps
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, Finding, Price
from holdfast.audit.settings import Settings
from holdfast.audit.words import capital, pvalue
from holdfast.core import Estimate
from holdfast.shift import ShiftAttribution

LEAST_ROWS = 50
MOST_COLUMNS = 100  # of more, those whose mean moved most are looked at


class DropAttribution(Check):
    """Shapley shares of the label mix, of the columns that matter most and of the relation in the rise of the error."""

    code = "PER003"
    title = "shifts that cause the drop"
    methods = ("shift.ShiftAttribution",)
    unplantable = "it explains a drop that another check finds"
    false_when_dealt = True

    def run(
        self, train_X: np.ndarray, train_y: np.ndarray, train_loss: np.ndarray, test_X: np.ndarray, test_y: np.ndarray,
        test_loss: np.ndarray, encoder: Encoder, task: Task, settings: Settings, is_comparable: bool,
    ) -> Finding:  # fmt: skip
        assert is_comparable  # asked for: a drop is between two losses of one model
        if min(len(train_y), len(test_y)) < LEAST_ROWS:
            raise NotApplicable(f"at least {LEAST_ROWS} labelled rows of each set are needed")
        answer = "target" if task.kind == "regression" else "y"
        method = ShiftAttribution(seed=settings.seed)
        ref_X, cur_X = without_gaps(train_X, test_X)
        moved = _most_moved(ref_X, cur_X)
        change = method.measure(
            ref_X=ref_X[:, moved],
            ref_loss=train_loss,
            cur_X=cur_X[:, moved],
            cur_loss=test_loss,
            columns=[encoder.names[place] for place in moved],
            **{f"ref_{answer}": train_y, f"cur_{answer}": test_y},
        )
        unit = "mean absolute error" if task.kind == "regression" else "error rate"
        if change.pvalue is None or change.pvalue >= settings.level or change.value <= 0:
            raise NotApplicable(
                f"the {unit} did not rise beyond chance ({pvalue(change.pvalue)}): there is no drop to attribute"
            )
        points = task.kind != "regression"
        parts = {_name(name): part for name, part in method.parts_.items()}
        bars = Bars(
            f"Rise of the {unit}, by cause",
            "points" if points else "",
            tuple((name, *part[:3]) for name, part in parts.items()),
        )
        top, share = next(iter(parts.items()))
        rise = f"{100 * change.value:.1f} points" if points else f"{change.value:.3g}"
        part = f"{100 * share.value:+.1f}" if points else f"{share.value:+.3g}"
        return self.found(
            f"Of the {rise} by which the {unit} rises, the largest part is {top}: {part}.",
            estimate=change,
            unit=f"rise of the {unit} from training to test",
            because=tuple(_sentence(name, part, points) for name, part in parts.items()),
            details=(bars,),
            settings={"largest": top},
            price=Price(
                "none",
                reason="this says where the drop comes from; remedies stand with the findings that name the shifts",
            ),
            what_to_do="Begin with the largest share. A changed relation needs new labels or fewer columns; a "
            "changed mix of "
            "rows or classes can be reweighted. Shares lean on the rows where both sets overlap.",
        )


def _most_moved(ref_X: np.ndarray, cur_X: np.ndarray) -> list[int]:
    spread = ref_X.std(axis=0) + cur_X.std(axis=0) + 1e-12
    moved = np.abs(ref_X.mean(axis=0) - cur_X.mean(axis=0)) / spread
    return sorted(np.argsort(-moved, kind="stable")[:MOST_COLUMNS].tolist())


def _name(part: str) -> str:
    plain = {
        "label": "the class mix",
        "relation": "a changed relation between features and target",
        "other columns": "the shift of all other columns",
    }
    return plain.get(part, f"the shift of {part.removeprefix('column ')}")


def _sentence(name: str, part: Estimate, points: bool) -> str:
    scale, unit = (100, " points") if points else (1, "")
    span = f"({part.low * scale:.2g} to {part.high * scale:.2g})"
    return f"{capital(name)}: {part.value * scale:+.2g}{unit} {span}."
