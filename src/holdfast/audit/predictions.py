"""Predictions of the user's in place of a model's: of one model, on both sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.audit.load import InputError
from holdfast.audit.probes import Probes


def with_predictions(facts: Probes, proba: Any, train_proba: Any, test: str) -> Probes:
    """The user's predictions in place of a model's."""
    if proba is None or train_proba is None:
        raise InputError(
            f"proba and train_proba belong together: the same model's predictions on the {test} rows and, out of "
            "sample, on the training rows. Give both, or a model."
        )
    ours, theirs = facts["train_rows"], facts["test_rows"]
    sizes = facts["loaded"].train.frame.height, facts["loaded"].test.frame.height
    named = zip(("train_proba", "proba"), (train_proba, proba), sizes, strict=True)
    checked = [_checked(name, value, size, facts["task"]) for name, value, size in named]
    return Probes(
        loaded=facts["loaded"], settings=facts["settings"], given_model=None, given_proba=None,
        train_predicted=checked[0][ours], test_predicted=checked[1][theirs],
    )  # fmt: skip


def _checked(name: str, value: Any, rows: int, task: Any) -> np.ndarray:
    from holdfast.vocabulary import ARGUMENTS, check

    array = np.asarray(value, dtype=float)
    if task.kind != "regression" and array.ndim == 1 and len(task.classes) == 2:
        array = np.column_stack([1 - array, array])
    kind = "prediction" if task.kind == "regression" else "probs"
    try:
        check(name, array, ARGUMENTS[kind], {"n": (rows, "its set")})
    except ValueError as problem:
        raise InputError(str(problem)) from None
    if kind == "probs" and array.shape[1] != len(task.classes):
        raise InputError(f"{name} has {array.shape[1]} columns; expected one a class: {', '.join(task.classes[:10])}.")
    return array
