"""Apply remedies to copies of the tables, writing down every row that changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit import align
from holdfast.audit.load import Loaded, encode_target, row_weights, weight_column
from holdfast.repair.ledger import Ledger
from holdfast.repair.tables import Table
from holdfast.verify.plan import Candidate

WEIGHT = "holdfast_weight"
REJECTED = "holdfast_rejected"


@dataclass
class Workshop:
    """Copies under repair. Rows keep their number in the file until the end: `kept` says which are left."""

    loaded: Loaded
    tables: dict[str, Table]
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    kept: dict[str, np.ndarray] = field(default_factory=dict)
    weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, table in self.tables.items():
            self.frames[name] = table.frame
            self.kept[name] = np.ones(table.frame.height, dtype=bool)

    def apply(self, chosen: Sequence[Candidate]) -> dict[str, pl.DataFrame]:
        """The repaired tables of the sets that changed."""
        for candidate in chosen:
            _ACTIONS[candidate.remedy.action](self, candidate)
        if self.weight is not None:
            self._write_weight()
        repaired = {name: frame.filter(pl.Series(self.kept[name])) for name, frame in self.frames.items()}
        return {name: frame for name, frame in repaired.items() if not frame.equals(self.tables[name].frame)}

    def set_cells(self, name: str, column: str, rows: np.ndarray, values: pl.Series, candidate: Candidate) -> None:
        """Give cells new values, kept in the column's own type."""
        frame = self.frames[name]
        before = frame[column]
        cells = before.clone().scatter(rows, values.cast(before.dtype)) if len(rows) else before
        self.frames[name] = frame.with_columns(cells.alias(column))
        self.ledger.cells(candidate, name, column, rows, before[rows], cells[rows])

    def missing(self, name: str, column: str) -> np.ndarray:
        """(n,) where the audit read no value: "NA" in a CSV file is one, although a cell stands there."""
        return np.array(getattr(self.loaded, name).frame[column].is_null())

    def factors(self) -> np.ndarray:
        """(n,) the row weights so far."""
        if self.weight is None:
            given = row_weights(self.loaded, "train")
            self.weight = np.ones(len(self.kept["train"])) if given is None else np.array(given)
        return self.weight

    def labels(self) -> np.ndarray:
        """(n,) labels of the training rows as they stand now, as codes; -1 where missing."""
        codes = encode_target(self.loaded, "train")[0].copy()
        for row, code in self.relabelled.items():
            codes[row] = code
        return codes

    relabelled: dict[int, int] = field(default_factory=dict)

    def _write_weight(self) -> None:
        frame, weight = self.frames["train"], self.weight
        column = weight_column(self.loaded) or WEIGHT
        before = frame[column] if column in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
        cells = pl.Series(column, weight)
        if before.dtype == pl.String and column in frame.columns:
            cells = cells.cast(pl.String)
        self.frames["train"] = frame.with_columns(cells.alias(column))
        rows = np.flatnonzero(self.kept["train"])
        self.ledger.weights(column, rows, before[rows], cells[rows])


def _drop_rows(shop: Workshop, candidate: Candidate) -> None:
    name = candidate.remedy.set
    rows = np.array(sorted(candidate.remedy.rows), dtype=np.int64)
    rows = rows[shop.kept[name][rows]]
    whole = shop.frames[name][rows].rows(named=True)
    shop.ledger.rows(candidate, name, rows, [json.dumps(row, default=str, ensure_ascii=False) for row in whole])
    shop.kept[name][rows] = False


def _relabel_rows(shop: Workshop, candidate: Candidate) -> None:
    """A class is written as the file spells it most often."""
    target = str(shop.loaded.task.target)
    codes = encode_target(shop.loaded, "train")[0]
    column = shop.tables["train"].frame[target]
    spelt = {code: column.filter(pl.Series(codes == code)).mode().sort()[0] for code in np.unique(codes[codes >= 0])}
    remedy = candidate.remedy
    rows = np.array(remedy.rows, dtype=np.int64)
    values = [int(value) for value in remedy.values]
    live = shop.kept["train"][rows]
    new = pl.Series([spelt[value] for value, alive in zip(values, live, strict=True) if alive], dtype=column.dtype)
    shop.set_cells("train", target, rows[live], new, candidate)
    shop.relabelled |= dict(zip(rows[live].tolist(), np.array(values)[live].tolist(), strict=True))


def _drop_columns(shop: Workshop, candidate: Candidate) -> None:
    for name, frame in shop.frames.items():
        gone = [column for column in candidate.remedy.columns if column in frame.columns]
        shop.frames[name] = frame.drop(gone)
        for column in gone:
            shop.ledger.note(candidate, name, column, f"{frame.height:,} cells", None)


def _hide_values(shop: Workshop, candidate: Candidate) -> None:
    rng = np.random.default_rng([shop.seed, 3])
    for column, share in zip(candidate.remedy.columns, candidate.remedy.values, strict=True):
        present = ~shop.missing("train", column) & shop.kept["train"]
        rows = np.flatnonzero(present & (rng.random(len(present)) < float(share)))
        empty = pl.Series([None] * len(rows), dtype=shop.frames["train"][column].dtype)
        shop.set_cells("train", column, rows, empty, candidate)


def _impute_values(shop: Workshop, candidate: Candidate) -> None:
    """The same value in both sets: what is filled was learnt on the training set."""
    for column, value in zip(candidate.remedy.columns, candidate.remedy.values, strict=True):
        for name in shop.frames:
            if column not in shop.frames[name].columns:
                continue
            rows = np.flatnonzero(shop.missing(name, column) & shop.kept[name])
            kind = shop.frames[name][column].dtype
            cell = str(value) if kind == pl.String else round(value) if kind.is_integer() else value
            shop.set_cells(name, column, rows, pl.Series([cell] * len(rows), dtype=kind), candidate)


def _rename_columns(shop: Workshop, candidate: Candidate) -> None:
    frame = shop.frames["test"]
    names = align.names_for(candidate.remedy, frame.columns)
    shop.frames["test"] = frame.rename(names)
    for old, new in names.items():
        shop.ledger.note(candidate, "test", old, old, new)


def _recode_values(shop: Workshop, candidate: Candidate) -> None:
    for column, names in candidate.remedy.settings["names"].items():
        read = shop.loaded.test.frame[column].cast(pl.String)  # type: ignore[union-attr]
        rows = np.flatnonzero(read.is_in(list(names)).fill_null(False).to_numpy() & shop.kept["test"])
        shop.set_cells("test", column, rows, read[rows].replace(names), candidate)


def _reweight_rows(shop: Workshop, candidate: Candidate) -> None:
    rows = np.array(candidate.remedy.rows, dtype=np.int64)
    shop.factors()[rows] *= np.asarray(candidate.remedy.values, dtype=float)
    shop.ledger.weighed.append(candidate)


def _balance_classes(shop: Workshop, candidate: Candidate) -> None:
    weight, codes = shop.factors(), shop.labels()
    live = shop.kept["train"] & (codes >= 0)
    totals = np.bincount(codes[live], weight[live], minlength=len(shop.loaded.task.classes))
    factors = weight[live].sum() / np.where(totals > 0, totals, 1.0) / (totals > 0).sum()
    weight[live] *= factors[codes[live]]
    shop.ledger.weighed.append(candidate)


def _reject_rows(shop: Workshop, candidate: Candidate) -> None:
    rows = np.array(sorted(candidate.remedy.rows), dtype=np.int64)
    flags = np.zeros(len(shop.kept["test"]), dtype=bool)
    flags[rows] = True
    column = pl.Series(REJECTED, flags)
    shop.frames["test"] = shop.frames["test"].with_columns(column)
    shop.ledger.cells(candidate, "test", REJECTED, rows, pl.Series([None] * len(rows), dtype=pl.Boolean), column[rows])


def _change_model(shop: Workshop, candidate: Candidate) -> None:
    """The data stay as they are; what is to be done with the model's answers is written down."""
    remedy = candidate.remedy
    settings: dict[str, Any] = {**remedy.settings, **({"values": list(remedy.values)} if remedy.values else {})}
    shop.ledger.note(candidate, "model", None, None, json.dumps(settings, default=str))


_ACTIONS = {
    "rename_columns": _rename_columns,
    "drop_rows": _drop_rows,
    "relabel_rows": _relabel_rows,
    "drop_columns": _drop_columns,
    "hide_values": _hide_values,
    "impute_values": _impute_values,
    "recode_values": _recode_values,
    "reweight_rows": _reweight_rows,
    "balance_classes": _balance_classes,
    "reject_rows": _reject_rows,
    "average_models": _change_model,
    "recalibrate": _change_model,
    "correct_prior": _change_model,
}
