"""DAT001: more rows would still help."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.facts.model import Judged
from holdfast.audit.models import Model
from holdfast.audit.records import Curve, Finding, Price
from holdfast.audit.settings import Settings
from holdfast.estimation import PowerLawLearningCurve
from holdfast.ops.metrics import Metric

SHARES = (0.1, 0.16, 0.25, 0.4, 0.63, 1.0)
REPEATS = 3
WORTH = 0.01  # of error that doubling the rows should take away


class NotEnoughData(Check):
    """Fits the model on growing parts of the training rows and extends the learning curve to twice as many."""

    code = "DAT001"
    title = "too few rows: more would still help"
    methods = ("estimation.PowerLawLearningCurve",)
    fits = True
    unplantable = "a lack of rows cannot be planted in the rows there are"

    def run(
        self, model: Model, train_inputs: Any, train_y: np.ndarray, judged: Judged, metric: Metric, settings: Settings,
        train_weight: Any = None,
    ) -> Finding:  # fmt: skip
        if judged.y is None:
            raise NotApplicable("the test set has no labels to judge by")
        sizes, errors = _curve(model, train_inputs, train_y, train_weight, judged, metric, settings)
        n = len(judged.outside)
        curve = PowerLawLearningCurve(at=2.0 * n)
        doubled = curve.measure(sizes=sizes, errors=errors)
        now = float(errors[sizes == sizes.max()].mean())
        gain, low, high = now - doubled.value, now - doubled.high, now - doubled.low
        means = [float(errors[sizes == size].mean()) for size in np.unique(sizes)]
        name = _error_name(metric)
        drawn = Curve(
            "Learning curve",
            "training rows",
            name,
            (
                ("measured", tuple(np.unique(sizes).tolist()), tuple(means), (), ()),
                ("predicted", (float(n), 2.0 * n), (now, doubled.value), (now, doubled.low), (now, doubled.high)),
            ),
        )
        span = f"{doubled.value:.3f} ({doubled.low:.3f} to {doubled.high:.3f})"
        said = f"Twice as many training rows are predicted to take {name} from {now:.3f} to {span}"
        parts = {
            "estimate": doubled._replace(value=gain, low=low, high=high),
            "unit": f"{metric.label} gained by doubling the training rows",
            "details": (drawn,),
            "price": Price(metric.name, reason="rows that do not exist yet cannot be tried: the gain is predicted"),
        }
        if low >= WORTH / 2 and gain >= WORTH:
            advice = "Collect more rows like those of the test set; the curve says what they would bring."
            return self.found(f"{said}.", what_to_do=advice, **parts)
        if high >= WORTH and gain >= WORTH:
            return self.unsure(f"{said}: it may help.", **parts)
        return self.clear(f"{said}: more rows of the same kind would bring little.", **parts)


def _error_name(metric: Metric) -> str:
    if not metric.higher_is_better:
        return metric.label
    return "the error rate" if metric.name == "accuracy" else f"1 - {metric.label}"


def _curve(
    model: Model, inputs: Any, y: np.ndarray, weight: Any, judged: Judged, metric: Metric, settings: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """(sizes, errors) over shares and repeats; the error of a score that is better when higher is one minus it."""
    sizes: list[float] = []
    errors: list[float] = []
    truth = judged.y
    assert truth is not None
    for repeat in range(REPEATS):
        order = np.random.default_rng([settings.seed, 6, repeat]).permutation(judged.outside)
        for share in SHARES:
            part = np.sort(order[: round(share * len(order))])
            if len(part) < 10:
                continue
            counted = None if weight is None else weight[part]
            fitted = model.fit(inputs[part], y[part], counted, settings.seed + repeat)
            value = metric(truth, fitted.predict(judged.inputs))
            sizes.append(float(len(part)))
            error = 1 - value if metric.higher_is_better else value
            errors.append(max(0.5 / len(truth), error))  # a curve on a logarithmic scale has no zero
    if len(set(sizes)) < 4:
        raise NotApplicable(f"{len(judged.outside)} training rows are too few for a learning curve")
    return np.array(sizes), np.array(errors)
