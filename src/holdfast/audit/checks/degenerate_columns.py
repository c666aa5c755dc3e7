"""SCH003: columns that say nothing."""

from __future__ import annotations

from holdfast.audit.check import Check
from holdfast.audit.evidence import proportion
from holdfast.audit.load import DataSet
from holdfast.audit.records import ColumnRecord, Finding, Remedy, Table
from holdfast.audit.words import count, listed

NEARLY = 0.999


class DegenerateColumns(Check):
    """Features that are constant, empty, nearly constant or hold infinite values in training."""

    code = "SCH003"
    title = "columns that say nothing"
    unplantable = "every constant column is found, so that there is no power to measure"

    def run(self, train_set: DataSet, columns: tuple[ColumnRecord, ...]) -> Finding:
        here = set(train_set.frame.columns)
        checked = [column for column in columns if column.role in ("feature", "ignored") and column.name in here]
        facts = [(column.name, why) for column in checked if (why := self._fault(train_set, column.name))]
        if not facts:
            return self.clear(f"All {count(len(checked), 'feature')} vary in training.")
        names = tuple(name for name, _ in facts)
        return self.found(
            f"{count(len(names), 'column carries', 'columns carry')} no information: {listed(names)}.",
            estimate=proportion(len(names), len(checked)),
            unit="share of columns",
            columns=names,
            details=(Table("Columns", ("column", "fault"), ("text", "text"), tuple(facts[:200])),),
            remedies=(Remedy("drop_columns", f"Train without {listed(names)}", True, columns=names),),
            what_to_do="Drop them, or find out why the source stopped filling them.",
        )

    @staticmethod
    def _fault(data: DataSet, name: str) -> str:
        series, missing = data.frame[name], data.missing(name)
        if series.dtype.is_float() and series.drop_nulls().is_infinite().any():
            return "holds infinite values"
        if missing == data.rows:
            return "empty"
        if data.distinct(name) == 1:
            return "constant" if not missing else "one value or missing"
        return "nearly constant" if data.top(name) / data.rows >= NEARLY else ""
