"""What is known of all rows of a data set of which only a random sample is held in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.parts import Parts
from holdfast.ops.distinct import Distinct

if TYPE_CHECKING:
    from holdfast.audit.large.place import Place

SURE = 3.0  # standard errors


@dataclass(frozen=True)
class ColumnFacts:
    """Counted in every row: missing cells, and the distinct values of the others."""

    missing: int
    distinct: Distinct


@dataclass(frozen=True, eq=False)
class Whole:
    """All rows: how many, which of them are held (`numbers`, ascending), and facts of the columns.

    `raw` maps the names in use to those in the files; `columns` lacks what could only be counted in the held rows: text
    that turned out to be numbers, dates or vectors. `place` is where passes over all rows are made.
    """

    rows: int
    numbers: np.ndarray
    parts: Parts
    raw: dict[str, str]
    columns: dict[str, ColumnFacts]
    place: Place

    def missing(self, name: str, held: Any) -> int:
        """Missing cells of a column in all rows; scaled up from the `held` ones where they were not counted."""
        facts = self.columns.get(name)
        return round(held.null_count() * self.rows / len(held)) if facts is None else facts.missing

    def distinct(self, name: str, held: Any) -> int:
        """Distinct values in all rows; beyond `KEPT` of them an estimate, and all known cells where none repeats."""
        facts, here = self.columns.get(name), held.drop_nulls()
        if facts is None:
            return int(here.n_unique())
        if facts.distinct.is_exact:
            return len(facts.distinct.hashes)
        known, found = self.rows - facts.missing, facts.distinct.estimate()
        never_repeats = here.n_unique() == len(here) and abs(found / known - 1) < SURE / facts.distinct.kept**0.5
        return known if never_repeats else min(round(found), known)

    def top(self, name: str, held: Any) -> int:
        """How often the most frequent value comes in all rows; scaled up where only the `held` ones tell."""
        facts = self.columns.get(name)
        if facts is not None and facts.distinct.is_exact:
            return int(facts.distinct.counts.max(initial=0))
        here = held.drop_nulls()
        return (
            round(int(here.alias("cell").value_counts()["count"].max() or 0) * self.rows / len(held))
            if len(here)
            else 0
        )

    def typed(self, before: Any, after: Any) -> Whole:
        """The same when the columns have other types: of text that became numbers only the held rows tell."""
        changed = {name for name, kind in before.items() if str(kind) == "String" != str(after[name])}
        return replace(self, columns={name: facts for name, facts in self.columns.items() if name not in changed})

    def values(self, name: str) -> dict[str, int] | None:
        """Every distinct value as text and how often it comes; None where they were not all kept."""
        facts = self.columns.get(name)
        if facts is None or facts.distinct.values is None or not facts.distinct.is_exact:
            return None
        return dict(zip(facts.distinct.values.tolist(), facts.distinct.counts.tolist(), strict=True))
