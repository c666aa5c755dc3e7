"""CAL001: probabilities that do not mean what they say."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.records import Curve, Finding, Remedy
from holdfast.audit.words import percent, pvalue
from holdfast.calibration import ExpectedCalibrationError, IsotonicCalibration, TemperatureScaling
from holdfast.ops.metrics import log_loss

BINS = 10
WORTH = 0.02  # calibration error worth a word


class Miscalibration(Check):
    """Expected calibration error of the top class, on the test set where it has labels, else out of fold."""

    code = "CAL001"
    title = "probabilities that do not mean what they say"
    methods = (
        "calibration.ExpectedCalibrationError",
        "calibration.TemperatureScaling",
        "calibration.IsotonicCalibration",
    )
    unplantable = "calibration belongs to the model and cannot be planted in tables"

    def run(
        self, train_probs: np.ndarray, train_y: np.ndarray,
        test_probs: np.ndarray | None = None, test_y: np.ndarray | None = None, is_comparable: bool = False,
    ) -> Finding:  # fmt: skip
        probs, y, where = train_probs, train_y, "out of fold on the training set"
        if test_y is not None and test_probs is not None:
            probs, y, where = test_probs, test_y, "on the test set"
        error = ExpectedCalibrationError().measure(probs=probs, y=y)
        parts = {
            "estimate": error,
            "unit": "expected calibration error",
            "details": (_reliability(probs, y, where),),
        }
        if error.low < WORTH or (error.pvalue or 0) >= 0.05:
            return self.clear(
                f"Probabilities fit the facts {where} (calibration error {error.value:.3f}, {pvalue(error.pvalue)}).",
                **parts,
            )
        confidence, right = float(probs.max(axis=1).mean()), float((probs.argmax(axis=1) == y).mean())
        kind = "too sure" if confidence > right else "too unsure"
        return self.found(
            f"The model is {kind} {where}: it claims {percent(confidence)} and is right in {percent(right)} of rows.",
            because=(
                f"Expected calibration error {error.value:.3f} [{error.low:.3f}, {error.high:.3f}], "
                f"{pvalue(error.pvalue)}.",
                *(_what_it_would_do(train_probs, train_y, probs, y) if is_comparable else ()),
            ),
            remedies=tuple(
                Remedy(
                    "recalibrate",
                    f"Recalibrate on training rows ({name})",
                    True,
                    set="model",
                    settings={"method": name},
                )
                for name in ("TemperatureScaling", "IsotonicCalibration")
                if is_comparable  # training rows say nothing of predictions that were given for test rows alone
            ),
            what_to_do="Recalibrate before using the probabilities for decisions. Recalibration on training rows "
            "cannot "
            "undo what a shift does to confidence: for that, recalibrate on labelled rows of the new data.",
            **parts,
        )


def _what_it_would_do(train_probs: np.ndarray, train_y: np.ndarray, probs: np.ndarray, y: np.ndarray) -> list[str]:
    if probs is train_probs:
        return []
    said = []
    for method in (TemperatureScaling(), IsotonicCalibration()):
        after = log_loss(y, method.fit(probs=train_probs, y=train_y).transform(probs=probs))
        said.append(f"{type(method).__name__} takes log loss from {log_loss(y, probs):.3f} to {after:.3f}.")
    return said


def _reliability(probs: np.ndarray, y: np.ndarray, where: str) -> Curve:
    """Share of right answers against claimed confidence, in bins of equal size."""
    confidence, right = probs.max(axis=1), (probs.argmax(axis=1) == y).astype(float)
    parts = [part for part in np.array_split(np.argsort(confidence, kind="stable"), BINS) if len(part) >= 5]
    x = tuple(float(confidence[part].mean()) for part in parts)
    share = np.array([right[part].mean() for part in parts])
    reach = np.array(
        [1.645 * np.sqrt(max(s * (1 - s), 0.02) / len(part)) for s, part in zip(share, parts, strict=True)]
    )
    low, high = np.clip(share - reach, 0, 1), np.clip(share + reach, 0, 1)
    series = ("model", x, tuple(share.tolist()), tuple(low.tolist()), tuple(high.tolist()))
    return Curve(f"Reliability {where}", "claimed probability", "share right", (series,), diagonal=True)
