"""ORD001: rows that are not exchangeable."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.records import Curve, Finding
from holdfast.audit.settings import Settings
from holdfast.audit.words import pvalue
from holdfast.ops.hashing import first_equal_rows
from holdfast.ops.neighbours import NeighbourGraph, nearest_neighbours
from holdfast.shift import NeighbourOrder

LEAST_ROWS = 50
WORTH = 0.02  # gap between the distributions of distance in the file


class OrderDependence(Check):
    """Do near rows also stand near each other in the training file? Copies are left out: they would look like order."""

    code = "ORD001"
    title = "rows whose order in the file matters"
    methods = ("shift.NeighbourOrder",)
    faults = ("SortedRows",)
    false_when_dealt = True

    def run(self, train_embedding: np.ndarray, train_neighbours: NeighbourGraph, settings: Settings) -> Finding:
        n = len(train_embedding)
        if n < LEAST_ROWS:
            raise NotApplicable(f"{n} training rows are too few for an order to show; {LEAST_ROWS} are needed")
        distinct = first_equal_rows(train_embedding) == np.arange(n)
        neighbours = train_neighbours.neighbours
        if not distinct.all():
            neighbours = nearest_neighbours(train_embedding[distinct], 10, seed=settings.seed).neighbours
        method = NeighbourOrder(seed=settings.seed)
        gap = method.measure(neighbours=neighbours)
        bins = np.array_split(method.row_scores_, min(40, len(method.row_scores_) // 5))
        place = np.linspace(0, n - 1, len(bins))
        line = ("neighbours nearby", tuple(place.tolist()), tuple(float(part.mean()) for part in bins), (), ())
        drawn = Curve("Where in the file near rows stand together", "row", "closeness", (line,))
        parts = {
            "estimate": gap,
            "unit": "largest gap between distributions of distance in the file",
            "details": (drawn,),
        }
        if gap.pvalue is None or gap.pvalue >= settings.level or gap.value < WORTH:
            return self.clear(
                f"The order of the training rows says nothing about them ({pvalue(gap.pvalue)}).", **parts
            )
        return self.found(
            f"Similar rows stand together in the training file ({pvalue(gap.pvalue)}): the file is sorted, drifts "
            "or repeats.",
            what_to_do="Find out what the order means. Shuffle before splitting or training in batches; if it is time, "
            "split by time, so that the test lies after the training rows.",
            **parts,
        )
