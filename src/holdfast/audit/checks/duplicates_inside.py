"""DUP001: copies among the training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.equal import chance_inside, copies_inside
from holdfast.audit.evidence import proportion, worst_rows
from holdfast.audit.load import DataSet, Task
from holdfast.audit.records import ColumnRecord, Finding, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, percent
from holdfast.leakage import NearDuplicates
from holdfast.ops.neighbours import NeighbourGraph

BEYOND_CHANCE = 10  # times as many equal pairs as independent columns would give
LEAST = 0.001  # share of rows that are copies
FEW = 3  # fewer near copies than this are a coincidence until proven otherwise


class DuplicatesInside(Check):
    """Rows whose features equal, or nearly equal, those of an earlier row; more than chance would make."""

    code = "DUP001"
    title = "copies among the training rows"
    methods = ("leakage.ExactDuplicates", "leakage.NearDuplicates")
    faults = ("ExactDuplicates", "NearDuplicates")

    def run(
        self, train_set: DataSet, features: tuple[ColumnRecord, ...], train_rows: np.ndarray,
        train_embedding: np.ndarray, train_neighbours: NeighbourGraph, task: Task, settings: Settings,
    ) -> Finding:  # fmt: skip
        names = [column.name for column in features]
        pairs, first, conflicts, *_ = copies_inside(train_set, names, task)
        copies = np.flatnonzero(first != train_set.numbers(np.arange(len(first))))  # of the rows held
        by_chance = chance_inside(train_set, names)
        near = _near_copies(train_embedding, train_neighbours, first[train_rows])
        near = near if len(near) >= FEW else near[:0]
        share = proportion(pairs + len(near), train_set.rows)
        if share.value < LEAST or (not len(near) and pairs <= BEYOND_CHANCE * by_chance):
            repeated = count(pairs, "training row equals", "training rows equal")
            said = f"{repeated} an earlier row, no more than chance makes."
            return self.clear(
                said if pairs else "No training row is a copy of another.",
                estimate=share,
                unit="share of rows that are copies",
            )
        beyond = pairs > BEYOND_CHANCE * by_chance
        rows = np.concatenate([copies, train_rows[near]]) if beyond else train_rows[near]
        total = len(near) + (pairs if beyond else 0)
        origin = np.concatenate([first[copies], np.full(len(near), -1)])
        because = [
            f"{count(pairs, 'row')} equal an earlier row in all {len(names)} features; "
            f"chance would make about {by_chance:,.0f}."
        ]
        if len(near):
            because.append(f"{count(len(near), 'row')} nearly equal another one.")
        if conflicts:
            because.append(f"{count(conflicts, 'copy', 'copies')} carry another label than their original.")
        shown = [*names, *([task.target] if task.target else [])]
        notes = [f"equals row {o}" if o >= 0 else "nearly equals another row" for o in origin[: len(rows)]]
        return self.found(
            f"{count(total, 'training row is a copy', 'training rows are copies')} of others ({percent(share.value)}).",
            estimate=share,
            unit="share of rows that are copies",
            because=tuple(because),
            rows=replace(
                worst_rows("train", train_set.frame, rows, None, shown, settings.rows_shown, notes), total=total
            ),
            remedies=(
                Remedy(
                    "drop_rows",
                    f"Drop {count(total, 'copy', 'copies')} from training",
                    True,
                    rows=tuple(int(row) for row in np.unique(rows)),
                ),
            ),
            what_to_do="Drop the copies unless they are real repetitions. Copies make cross-validation too optimistic; "
            "Holdfast keeps them in one fold.",
        )


def _near_copies(embedding: np.ndarray, graph: NeighbourGraph, first: np.ndarray) -> np.ndarray:
    """Positions of rows that nearly equal an earlier one without being equal to any."""
    group = NearDuplicates().group_rows(X=embedding, neighbours=graph.neighbours, distances=graph.distances)
    later = np.ones(len(group), bool)
    later[np.unique(group, return_index=True)[1]] = False
    _, place, times = np.unique(first, return_inverse=True, return_counts=True)
    exact = times[place] > 1
    return np.flatnonzero((group >= 0) & later & ~exact)
