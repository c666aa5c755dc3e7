"""Candidates: the remedies of a report that could be applied, and which of them exclude each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from holdfast.audit.load import InputError
from holdfast.audit.records import Remedy
from holdfast.verify.case import remedy_of

NEEDS_PEOPLE = {"learn_from_test_rows": "it needs labels that nobody has given yet: label rows, add them, audit again"}
# Rows first, so that weights and class balance see the rows that are left; what is done to answers comes last.
ORDER = (
    "rename_columns", "drop_rows", "relabel_rows", "recode_values", "drop_columns", "hide_values", "impute_values",
    "reweight_rows", "balance_classes", "average_models", "recalibrate", "correct_prior", "reject_rows",
)  # fmt: skip
ALIGN = ("rename_columns", "recode_values")


@dataclass(frozen=True)
class Candidate:
    """A remedy with the check that proposed it and its place among that check's remedies."""

    code: str
    place: int
    remedy: Remedy
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How it is called in records: unique within a report."""
        return f"{self.code}.{self.place}"

    @property
    def fault(self) -> str:
        """What it repairs: remedies of one fault are alternatives. Names of columns and of categories are two."""
        return f"{self.code} {self.remedy.action}" if self.remedy.action in ALIGN else self.code

    @property
    def kind(self) -> str:
        """ "model" is judged by a refit, "measurement" changes the rows that judge, "rejection" abstains on rows."""
        if self.remedy.action == "reject_rows":
            return "rejection"
        if self.remedy.action in ALIGN:  # they change what the model is asked, not which rows judge
            return "model"
        return "measurement" if self.remedy.set == "test" else "model"


@dataclass(frozen=True)
class Plan:
    """What may be tried, and what was left out with the reason: (code, title, reason)."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[tuple[str, str, str], ...] = ()

    def of_kind(self, kind: str) -> tuple[Candidate, ...]:
        """The candidates of one kind, in order."""
        return tuple(candidate for candidate in self.candidates if candidate.kind == kind)


def choose(record: Mapping[str, Any], only: Sequence[str] = (), safe_only: bool = False) -> Plan:
    """The candidates of a report; `only` names codes (LAB001) or single remedies (LAB001.1).

    Raises `InputError` for a code that the report does not have, or that has nothing to apply.
    """
    findings = [one for one in record["findings"] if one["outcome"] in ("found", "unsure")]
    _check_codes(record, findings, only)
    candidates: list[Candidate] = []
    left_out = []
    for finding in findings:
        for place, plain in enumerate(finding["remedies"]):
            candidate = Candidate(finding["code"], place, remedy_of(plain), tuple(finding["sources"]))
            if only and candidate.code not in only and candidate.name not in only:
                continue
            reason = _left_out(candidate, safe_only, asked=bool(only))
            if reason:
                left_out.append((candidate.name, candidate.remedy.title, reason))
            elif not any(candidate.remedy == other.remedy for other in candidates):
                candidates.append(candidate)
    order = sorted(candidates, key=lambda one: ORDER.index(one.remedy.action))
    return Plan(tuple(order), tuple(left_out))


def conflict(first: Candidate, second: Candidate) -> str:
    """Why two candidates cannot be applied together; empty where they can.

    >>> drop = Candidate("DUP001", 0, Remedy("drop_rows", "Drop", True, rows=(1, 2)))
    >>> relabel = Candidate("LAB001", 1, Remedy("relabel_rows", "Relabel", False, rows=(2, 5), values=(0, 1)))
    >>> conflict(drop, relabel)
    'DUP001.0 drops row 2, to which LAB001.1 gives a new label'
    """
    if first.fault == second.fault and first.kind == second.kind == "model":
        return f"{first.name} and {second.name} are alternatives for one fault"
    one, other = sorted((first, second), key=lambda candidate: ORDER.index(candidate.remedy.action))
    if one.remedy.set != other.remedy.set:
        return ""
    if (one.remedy.action, other.remedy.action) == ("drop_rows", "relabel_rows"):
        both = np.intersect1d(one.remedy.rows, other.remedy.rows)
        return f"{one.name} drops row {both[0]}, to which {other.name} gives a new label" if len(both) else ""
    if one.remedy.action == other.remedy.action == "relabel_rows":
        return _other_label(one, other)
    if one.remedy.action == "drop_columns" and other.remedy.action in ("hide_values", "impute_values"):
        both_columns = [name for name in one.remedy.columns if name in other.remedy.columns]
        return f"{one.name} drops column {both_columns[0]!r}, which {other.name} changes" if both_columns else ""
    if one.remedy.action == other.remedy.action and one.remedy.action in ("recalibrate", "correct_prior"):
        return f"{one.name} and {other.name} both correct the probabilities"
    return ""


def refuse_conflicts(chosen: Sequence[Candidate]) -> None:
    """Raise `InputError` where two of the chosen remedies exclude each other."""
    for place, one in enumerate(chosen):
        for other in chosen[place + 1 :]:
            if reason := conflict(one, other):
                raise InputError(
                    f"these remedies conflict: {reason}. Choose one of them with only= (--only {one.name}, say)."
                )


def refuse_empty_classes(chosen: Sequence[Candidate], y: np.ndarray, classes: Sequence[str]) -> None:
    """Raise `InputError` where the remedies would leave a class without any training row; y is -1 where missing."""
    if not classes:
        return
    left = y.copy()
    for candidate in chosen:
        remedy = candidate.remedy
        if remedy.set == "train" and remedy.action == "drop_rows":
            left[list(remedy.rows)] = -1
        if remedy.action == "relabel_rows":
            left[list(remedy.rows)] = np.asarray(remedy.values, dtype=np.int64)
    for code, name in enumerate(classes):
        if (y == code).any() and not (left == code).any():
            names = ", ".join(candidate.name for candidate in chosen)
            raise InputError(
                f"{names} would leave no training row of class {name!r}. Nothing was written. Leave out the remedy "
                "that drops or relabels its rows."
            )


def _other_label(one: Candidate, other: Candidate) -> str:
    given = dict(zip(one.remedy.rows, one.remedy.values, strict=True))
    for row, value in zip(other.remedy.rows, other.remedy.values, strict=True):
        if given.get(row, value) != value:
            return f"{one.name} and {other.name} give row {row} different labels"
    return ""


def _left_out(candidate: Candidate, safe_only: bool, asked: bool) -> str:
    if (when := candidate.remedy.settings.get("when")) and not asked:
        return f"it is right only where {when}: name it to apply it (--only {candidate.name})"
    if candidate.remedy.action in NEEDS_PEOPLE:
        return NEEDS_PEOPLE[candidate.remedy.action]
    if candidate.remedy.action not in ORDER:
        return f"this Holdfast has no rule how to apply {candidate.remedy.action!r}"
    return (
        "it is not safe (it invents labels), and only safe remedies were asked for"
        if (safe_only and not candidate.remedy.safe)
        else ""
    )


def _check_codes(record: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], only: Sequence[str]) -> None:
    known = {finding["code"]: finding for finding in record["findings"]}
    with_remedies = [finding["code"] for finding in findings if finding["remedies"]]
    for wanted in only:
        code = wanted.partition(".")[0]
        if code not in known:
            raise InputError(
                f"the report has no check {code!r}. It has remedies for: {', '.join(with_remedies) or 'none'}."
            )
        places = [f"{code}.{place}" for place in range(len(known[code]["remedies"]))]
        if code not in with_remedies or (wanted != code and wanted not in places):
            raise InputError(
                f"{wanted} has nothing to apply: the check ended in '{known[code]['outcome']}' with "
                f"{len(places)} remedies. There are remedies for: {', '.join(with_remedies) or 'none'}."
            )
