"""What a method is handed: the arguments of the vocabulary, as facts of planted data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from holdfast.audit.check import NotApplicable
from holdfast.audit.members import KINDS
from holdfast.audit.probes import Probes
from holdfast.labels._crossfit import ModelKind
from holdfast.vocabulary import argument

CUR_LABELS = ("cur_y", "cur_target", "cur_loss", "cur_correct", "cur_errors")
MEMBERS: tuple[ModelKind, ...] = (
    "linear",
    "trees",
    "neighbours",
)  # the models behind `ensemble_probs`, beside the audited one


class Unavailable(ValueError):
    """These data, or this family, cannot supply an argument; the message says which, and why."""


class Supply:
    """Arguments by name, each made once.

    `ref_` names and those of `fit` are the training rows, `cur_` names the rows met; a name without a prefix is of the
    set `plain`. `view` says where class probabilities come from: "model" or nothing (the audited one, out of fold on
    the training rows), "votes" (the mean of several kinds of model) or one of those kinds; both of training rows only.
    """

    def __init__(self, facts: Probes, plain: str) -> None:
        self.facts, self.plain = facts, plain
        self._made: dict[tuple[str, str, str], Any] = {}

    def arguments(self, names: Iterable[str], view: str = "", side: str | None = None) -> dict[str, Any]:
        """The named arguments; `Unavailable` or `NotApplicable` where one cannot be had."""
        return {name: self._one(name, view, side or self.plain) for name in names}

    def _one(self, name: str, view: str, side: str) -> Any:
        reason = refusal(name)
        if reason:
            raise Unavailable(reason)
        base = name.removeprefix("ref_").removeprefix("cur_")
        side = "train" if name.startswith("ref_") else "test" if name.startswith("cur_") else side
        key = (base, view if base in VIEWED else "", side)
        if key not in self._made:
            self._made[key] = _MAKERS[base](self.facts, side, view)
        return self._made[key]


def refusal(name: str) -> str:
    """Why an argument can never be supplied; empty where it may be."""
    if name in CUR_LABELS:
        return f"{name} would be labels of the rows met, which the methods of a bench are not shown"
    if name.removeprefix("ref_").removeprefix("cur_") not in _MAKERS:
        entry = argument(name)
        meaning = f" ({entry.meaning})" if entry else ""
        return f"{name}{meaning} is nothing that one table and one model can supply"
    return ""


# --- makers: (facts, "train" or "test", view) -> array ------------------------------------------------------------
def _features(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    try:
        found = facts["ref_embedding" if side == "train" else "cur_embedding"]
    except NotApplicable:  # there is one set
        found = facts[f"{side}_embedding"]
    return np.asarray(found, dtype=np.float64)


def _labels(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    assert len(facts["classes"])
    return facts[f"{side}_y"]


def _probs(facts: Probes, side: str, view: str) -> np.ndarray:
    if view not in KINDS and view != "votes":
        return facts[f"{side}_probs"]
    if side == "test":
        raise Unavailable("probabilities of other kinds of model are made for training rows only")
    assert len(facts["classes"])
    return facts["train_votes"] if view == "votes" else facts["train_members"][view]


def _predicted(facts: Probes, side: str, view: str) -> np.ndarray:
    return _probs(facts, side, view).argmax(axis=1)


def _ensemble(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    """(m, n, k) out-of-fold probabilities of a few cheap models and the audited one."""
    if side == "test":
        raise Unavailable("several models' probabilities are made for training rows only")
    return np.stack([facts["train_probs"], *(facts["train_members"][kind] for kind in MEMBERS)])


def _response(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    if facts["task"].kind != "regression":
        raise Unavailable("the target is a class, not a number")
    return facts[f"{side}_y"]


def _prediction(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    if facts["task"].kind != "regression":
        raise Unavailable("the target is a class, not a number")
    return facts[f"{side}_predicted"]


def _scale(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    scale = facts[f"{side}_scale"]
    return np.maximum(scale, 1e-9 + float(np.median(scale)) / 4)


def _loss(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    return facts[f"{side}_loss"]


def _group(facts: Probes, side: str, view: str) -> np.ndarray:  # noqa: ARG001
    group = facts["train_group"] if side == "train" else None
    if group is None:
        raise Unavailable("there is no group column")
    return group


_MAKERS: dict[str, Callable[[Probes, str, str], np.ndarray]] = {
    "X": _features,
    "y": _labels,
    "probs": _probs,
    "predicted": _predicted,
    "ensemble_probs": _ensemble,
    "target": _response,
    "prediction": _prediction,
    "uncertainty": _scale,
    "residual_scale": _scale,
    "loss": _loss,
    "group": _group,
}
VIEWED = ("probs", "predicted")
