"""LEA002: columns that give the answer away."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import COMPONENTS, as_numbers
from holdfast.audit.load import Task
from holdfast.audit.records import Bars, ColumnRecord, Finding, Remedy
from holdfast.audit.words import count, listed, percent
from holdfast.core import Estimate
from holdfast.leakage import TargetLeak

GIVES_AWAY = 0.9  # of the target's uncertainty, by one column alone
IDENTIFIES = 0.02  # what an id or the row number may explain
HINTS = 0.6


class TargetLeakInColumns(Check):
    """How much of the target single columns explain out of sample; ids and the row number should explain nothing."""

    code = "LEA002"
    title = "columns that give the answer away"
    methods = ("leakage.TargetLeak",)
    faults = ("TargetLeak",)

    def run(
        self, train_table: pl.DataFrame, train_rows: np.ndarray, train_y: np.ndarray, columns: tuple[ColumnRecord, ...],
        task: Task,
    ) -> Finding:  # fmt: skip
        here = set(train_table.columns)
        tested = {
            c.name: c
            for c in columns
            if c.role in ("feature", "id", "time", "group") and c.kind not in (*COMPONENTS, "empty") and c.name in here
        }
        if not tested:
            raise NotApplicable("no column to test")
        answer = {"target" if task.kind == "regression" else "y": train_y}
        skill = {name: _skill(train_table[name], column.kind, answer) for name, column in tested.items()}
        order = TargetLeak().measure(x=train_rows.astype(float), **answer)
        leaks = [name for name, s in skill.items() if tested[name].role in ("feature", "time") and s.low >= GIVES_AWAY]
        ids = [name for name, s in skill.items() if tested[name].role == "id" and s.low >= IDENTIFIES]
        ranked = sorted(skill, key=lambda name: -skill[name].value)
        bars = Bars(
            "Share of the target's uncertainty explained by one column",
            "share",
            tuple((n, *skill[n][:3]) for n in ranked[:10]),
        )
        best = ranked[0]
        by_order = order.low >= IDENTIFIES
        if not leaks and not ids and not by_order:
            parts = {
                "estimate": skill[best],
                "unit": "share of uncertainty explained by the best column",
                "details": (bars,),
            }
            if skill[best].low >= HINTS:
                return self.unsure(
                    f"{best} alone explains {percent(skill[best].value)} of the target: check that it is known in "
                    "time.",
                    **parts,
                )
            return self.clear(
                f"No single column gives the answer away: the best, {best}, explains {percent(skill[best].value)} "
                "of it.",
                **parts,
            )
        said = [f"{name} alone explains {percent(skill[name].value)} of the target" for name in leaks]
        said += [f"the identifier {name} explains {percent(skill[name].value)}" for name in ids]
        said += [f"the row number explains {percent(order.value)}"] if by_order else []
        top = skill[leaks[0]] if leaks else skill[ids[0]] if ids else order
        return self.found(
            f"{'; '.join(said)}."[:1].upper() + f"{'; '.join(said)}."[1:],
            estimate=top,
            unit="share of the target's uncertainty explained",
            columns=(*leaks, *ids),
            details=(bars,),
            remedies=(Remedy("drop_columns", f"Train without {listed(leaks)}", True, columns=tuple(leaks)),)
            if leaks
            else (),
            because=(f"{count(len(skill), 'column')} were tested one by one, out of sample.",),
            what_to_do="Ask whether the column is known when the model is used. If not, drop it: the score will fall, "
            "and be honest. Identifiers and the row number should explain nothing: if they do, the file was "
            "assembled by class.",
        )


def _skill(series: pl.Series, kind: str, answer: dict[str, Any]) -> Estimate:
    """Numbers by bins, with missing values far below all others; categories by value."""
    if kind == "category":
        codes = series.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
        return TargetLeak().measure(category=codes, **answer)
    values = as_numbers(series)
    known = np.isfinite(values)
    floor = values[known].min() - 1 - np.ptp(values[known]) if known.any() else 0.0
    return TargetLeak().measure(x=np.where(known, values, floor), **answer)
