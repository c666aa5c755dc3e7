"""DRI004: features whose relation to the target changed."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import Encoder
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, Curve, Finding, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, listed, pvalue
from holdfast.core import Estimate
from holdfast.ops.multiple_testing import holm
from holdfast.slices import RelationFlip

LEAST_ROWS = 60
WORTH = 0.1  # change of slope in standard deviations of the target
BINS = 8
MOST_CLASSES = 5


class RelationChange(Check):
    """Tests every feature for another relation to the target in the test set; needs labels on both sides."""

    code = "DRI004"
    title = "features whose relation to the target changed"
    methods = ("slices.RelationFlip",)
    faults = ("ConceptShift", "SpuriousFeature")
    false_when_dealt = True

    def run(
        self, ref_X: np.ndarray, train_y: np.ndarray, cur_X: np.ndarray, test_y: np.ndarray, common_encoder: Encoder,
        task: Task, settings: Settings,
    ) -> Finding:  # fmt: skip
        if min(len(train_y), len(test_y)) < LEAST_ROWS:
            raise NotApplicable(f"at least {LEAST_ROWS} labelled rows of each set are needed")
        columns = zip(common_encoder.names, common_encoder.is_categorical, strict=True)
        tests = [
            (place, name, k, change)
            for place, (name, category) in enumerate(columns)
            if not category
            for k in _answers(task)
            if (change := _change(ref_X[:, place], train_y, cur_X[:, place], test_y, k))
        ]
        if not tests:
            raise NotApplicable("no numeric feature has enough rows in both sets over a shared range")
        adjusted = holm(np.array([change.pvalue for *_, change in tests]))
        changed = [i for i in np.argsort(adjusted) if adjusted[i] < settings.level and abs(tests[i][3].value) >= WORTH]
        best = int(np.argmin(adjusted))
        if not changed:
            return self.clear(
                f"None of {count(len({name for _, name, *_ in tests}), 'feature')} relates to the target in "
                "another way than in "
                f"training (smallest adjusted {pvalue(float(adjusted[best]))}). Relations that change only in "
                "combinations "
                "of features are not seen by this check.",
                estimate=tests[best][3]._replace(pvalue=float(adjusted[best])),
                unit=f"change of slope of {tests[best][1]}",
            )
        names = tuple(dict.fromkeys(tests[i][1] for i in changed))
        first = tests[changed[0]]
        items = tuple((_label(tests[i][1], tests[i][2], task), *tests[i][3][:3]) for i in changed[:12])
        rows = min(100, len(test_y) // 2)
        return self.found(
            f"{count(len(names), 'feature relates', 'features relate')} to the target in another way: {listed(names)}.",
            estimate=first[3]._replace(pvalue=float(adjusted[changed[0]])),
            unit=f"change of slope of {first[1]}, standard deviations",
            columns=names,
            because=tuple(
                f"{_label(tests[i][1], tests[i][2], task)}: slope changes by {tests[i][3].value:+.2f} "
                f"({tests[i][3].low:.2f} to {tests[i][3].high:.2f}), adjusted "
                f"{pvalue(float(adjusted[i]))}."
                for i in changed[:6]
            ),
            details=(
                Bars("Change of slope", "standard deviations", items),
                *(
                    _curve(ref_X[:, p], train_y, cur_X[:, p], test_y, name, k, task)
                    for p, name, k, _ in [tests[i] for i in changed[:2]]
                ),
            ),
            remedies=(
                Remedy(
                    "learn_from_test_rows",
                    f"Label {rows} rows of the new data and train on them too",
                    True,
                    settings={"rows": rows},
                ),
            ),
            what_to_do="No reweighting of old rows can teach a new relation. Label rows of the new data and train on "
            "them, or drop the features whose meaning changed.",
        )


def _answers(task: Task) -> tuple[int | None, ...]:
    if task.kind == "regression":
        return (None,)
    return (1,) if task.kind == "binary" else tuple(range(min(len(task.classes), MOST_CLASSES)))


def _change(
    ref_x: np.ndarray, ref_y: np.ndarray, cur_x: np.ndarray, cur_y: np.ndarray, k: int | None
) -> Estimate | None:
    ref, cur = np.isfinite(ref_x), np.isfinite(cur_x)
    if min(ref.sum(), cur.sum()) < LEAST_ROWS // 2:
        return None
    answers = [y if k is None else (y == k).astype(float) for y in (ref_y[ref], cur_y[cur])]
    if any(np.ptp(answer) == 0 for answer in answers) or np.ptp(ref_x[ref]) == 0:
        return None
    try:
        return RelationFlip().measure(ref_x=ref_x[ref], ref_target=answers[0], cur_x=cur_x[cur], cur_target=answers[1])
    except ValueError:  # no shared range
        return None


def _label(name: str, k: int | None, task: Task) -> str:
    return name if k is None or task.kind == "binary" else f"{name} for {task.classes[k]}"


def _curve(
    ref_x: np.ndarray, ref_y: np.ndarray, cur_x: np.ndarray, cur_y: np.ndarray, name: str, k: int | None, task: Task
) -> Curve:
    """Mean target by bin of the feature in both sets."""
    edges = np.unique(np.nanquantile(np.concatenate([ref_x, cur_x]), np.linspace(0, 1, BINS + 1)))
    lines = []
    for label, x, y in (("training", ref_x, ref_y), ("test", cur_x, cur_y)):
        seen = np.isfinite(x)
        answer = y[seen] if k is None else (y[seen] == k).astype(float)
        place = np.clip(np.searchsorted(edges, x[seen], "right") - 1, 0, max(len(edges) - 2, 0))
        used = [b for b in np.unique(place) if (place == b).sum() >= 5]
        xs = tuple(float(x[seen][place == b].mean()) for b in used)
        means = np.array([answer[place == b].mean() for b in used])
        reach = np.array([1.645 * answer[place == b].std() / np.sqrt((place == b).sum()) for b in used])
        lines.append(
            (label, xs, tuple(means.tolist()), tuple((means - reach).tolist()), tuple((means + reach).tolist()))
        )
    target = str(task.target) if k is None else f"share of {task.classes[k]}"
    return Curve(f"{target} by {name}", name, target, tuple(lines))
