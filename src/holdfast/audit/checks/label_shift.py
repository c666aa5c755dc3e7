"""DRI003: class shares that moved."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.evidence import proportion
from holdfast.audit.records import Bars, Finding, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import percent, pvalue
from holdfast.ops.two_sample import compare_category
from holdfast.shift import BBSE

WORTH = 0.02


class LabelShift(Check):
    """Class shares of both sets where test is labelled; else what the model's predictions say about them."""

    code = "DRI003"
    title = "class shares that moved"
    methods = ("shift.BBSE",)
    faults = ("LabelShift",)
    false_when_dealt = True

    def run(
        self, train_y: np.ndarray, train_probs: np.ndarray, own_test_probs: np.ndarray, classes: tuple[str, ...],
        settings: Settings, test_y: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        method = BBSE(seed=settings.seed)
        guessed = method.measure(
            ref_predicted=train_probs.argmax(axis=1), ref_y=train_y, cur_predicted=own_test_probs.argmax(axis=1)
        )
        k = len(classes)
        before = np.bincount(train_y, minlength=k) / len(train_y)
        size = guessed if test_y is None else compare_category(train_y, test_y).total_variation
        now = _padded(method.cur_share_, k) if test_y is None else np.bincount(test_y, minlength=k) / len(test_y)
        parts = {
            "estimate": size,
            "unit": "share of rows that would have to change class",
            "details": (_bars(classes, before, now, len(train_y), len(own_test_probs)),),
        }
        if size.pvalue is None or size.pvalue >= settings.level or size.value < WORTH:
            return self.clear(f"Class shares did not move beyond chance ({pvalue(size.pvalue)}).", **parts)
        top = int(np.abs(now - before).argmax())
        source = "as labelled" if test_y is not None else "as estimated from predictions"
        ratio = _padded(method.class_weights_, k)
        return self.found(
            f"Class {classes[top]} goes from {percent(before[top])} of training rows to {percent(now[top])} of "
            f"test rows, {source}.",
            because=(
                f"Predictions alone put the shift at {guessed.value:.3f} ({guessed.low:.3f} to "
                f"{guessed.high:.3f}), {pvalue(guessed.pvalue)}.",
            ),
            remedies=(
                Remedy(
                    "correct_prior",
                    "Correct predictions for the new class shares (estimated without test labels)",
                    True,
                    set="model",
                    values=tuple(ratio.tolist()),
                ),
            ),
            what_to_do="If only the mix of classes changed, correct the predicted probabilities for the new shares; no "
            "refit is needed.",
            **parts,
        )


def _padded(values: np.ndarray, k: int) -> np.ndarray:
    return np.concatenate([values, np.ones(max(0, k - len(values)))])[:k]


def _bars(classes: tuple[str, ...], before: np.ndarray, now: np.ndarray, n: int, m: int) -> Bars:
    items: list[tuple[str, float, float, float]] = []
    for k in np.argsort(-np.abs(now - before))[:8]:
        for name, share, rows in (("training", before[k], n), ("test", now[k], m)):
            own = proportion(round(float(share) * rows), rows)
            items.append((f"{classes[k]}, {name}", own.value, own.low, own.high))
    return Bars("Class shares", "share", tuple(items))
