"""SCH001: columns that differ between the sets."""

from __future__ import annotations

from collections import Counter

import polars as pl

from holdfast.audit.check import Check
from holdfast.audit.equal import known_values, unseen_values
from holdfast.audit.evidence import proportion
from holdfast.audit.load import DataSet, Task
from holdfast.audit.records import ColumnRecord, Finding, Remedy, Table
from holdfast.audit.spelling import respelt
from holdfast.audit.words import count, listed, percent


class SchemaMismatch(Check):
    """Columns of one set only, columns of another type, categories that training never saw."""

    code = "SCH001"
    title = "columns that differ between the sets"
    faults = ("CategoryRename",)
    false_when_dealt = True

    def run(self, train_set: DataSet, test_set: DataSet, columns: tuple[ColumnRecord, ...], task: Task) -> Finding:
        here, there = set(train_set.frame.columns), set(test_set.frame.columns)
        lost = [name for name in train_set.frame.columns if name not in there and name != task.target]
        new = [name for name in test_set.frame.columns if name not in here]
        renamed = _renamed(train_set, test_set, respelt(new, lost), columns)
        facts = [("only in training", name, "") for name in lost]
        facts += [
            ("only in test", name, f"{renamed[name]!r} under another name?" if name in renamed else "") for name in new
        ]
        facts += [
            ("another type", name, f"{train_set.frame[name].dtype} / {test_set.frame[name].dtype}")
            for name in train_set.frame.columns
            if name in there and _differ(train_set.frame[name], test_set.frame[name])
        ]
        unseen = {
            c.name: unseen_values(train_set, test_set, c.name)
            for c in columns
            if c.kind == "category" and c.role == "feature" and c.name in here & there
        }
        facts += [
            ("unseen categories", name, f"{percent(share)} of test rows: {listed(values, 4)}")
            for name, (share, values) in unseen.items()
            if share > 0
        ]
        if not facts:
            return self.clear(
                f"Both sets have the same {count(len(here & there), 'column')}, with the same types and categories."
            )
        names_of = {name: respelt(values, known_values(train_set, name)) for name, (_, values) in unseen.items()}
        table = Table("What differs", ("difference", "column", "detail"), ("text", "text", "text"), tuple(facts[:200]))
        names = tuple(dict.fromkeys(name for _, name, _ in facts))
        kinds = [f"{sum(kind == k for kind, _, _ in facts)} {k}" for k in dict.fromkeys(kind for kind, _, _ in facts)]
        return self.found(
            f"{count(len(names), 'column differs', 'columns differ')} between the sets ({', '.join(kinds)}): "
            f"{listed(names)}.",
            estimate=proportion(len(names), len(here | there)),
            unit="share of columns",
            columns=names,
            details=(table,),
            remedies=self._remedies(renamed, {name: pairs for name, pairs in names_of.items() if pairs}),
            what_to_do="Columns that one set lacks were not used by the model. Find out whether the source changed, "
            "and fix it there; map renamed columns and categories to the names of the training data.",
        )

    @staticmethod
    def _remedies(columns: dict[str, str], names: dict[str, dict[str, str]]) -> tuple[Remedy, ...]:
        """Columns and categories that training knows in another spelling get that spelling back."""
        remedies: tuple[Remedy, ...] = ()
        if columns:
            pairs = [f"{old!r} to {new!r}" for old, new in columns.items()]
            title = f"Rename {listed(pairs, 3)} in the test set"
            settings = {"names": columns}
            remedies = (Remedy("rename_columns", title, True, "test", columns=tuple(columns), settings=settings),)
        if not names:
            return remedies
        number = count(sum(map(len, names.values())), "category", "categories")
        title = f"Spell {number} of {listed(tuple(names))} in the test set as in training"
        recode = Remedy("recode_values", title, True, "test", columns=tuple(names), settings={"names": names})
        return (*remedies, recode)


def _differ(train: pl.Series, test: pl.Series) -> bool:
    """Whether two columns are of types that cannot stand for each other."""
    types = [train.dtype, test.dtype]
    numbers = [dtype.is_numeric() or dtype == pl.Boolean or dtype == pl.Null for dtype in types]
    return types[0] != types[1] and not all(numbers) and pl.Null not in types


def _renamed(
    train_set: DataSet, test_set: DataSet, pairs: dict[str, str], columns: tuple[ColumnRecord, ...]
) -> dict[str, str]:
    """Columns of the test set that are surely a column of training: of one type, and no other claims to be it."""
    ignored = {column.name for column in columns if column.role == "ignored"}
    claims = Counter(pairs.values())
    return {
        other: name
        for other, name in pairs.items()
        if claims[name] == 1 and name not in ignored and not _differ(train_set.frame[name], test_set.frame[other])
    }
