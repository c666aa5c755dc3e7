"""Production rows beyond memory: every row is scored by the model, piece by piece; sums by part are all that is kept.

An estimator answers from the rows held. What the model expects of the metric, row by row, is known of all rows: the
estimate of the held rows is moved by the difference between the mean of that over all rows of a part and over the rows
that the estimator saw (a difference estimator), so that who happened to be drawn matters less.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.encode import Encoder, as_numbers
from holdfast.audit.facts.inputs import model_inputs
from holdfast.audit.large.cells import typed_cells
from holdfast.audit.large.shards import Shard, cut, pieces, written
from holdfast.audit.load import DataSet, InputError
from holdfast.audit.load.parts import Parts
from holdfast.audit.models import Fitted, Model
from holdfast.audit.probes import Probes
from holdfast.audit.records import ColumnRecord
from holdfast.core import Estimate
from holdfast.engine.store import read_arrays
from holdfast.estimate.chunks import MOST, Chunk, period_of, read_chunk
from holdfast.estimate.groups import Group, grouped_by, quarters, values_of
from holdfast.estimate.slices import Rules, Slice, Sought
from holdfast.ops.metrics import Metric

NONE = np.iinfo(np.int64).min  # the key of rows in no part
DIGITS = 30  # binary, of what is expected of a row
MOVED = ("accuracy", "log_loss", "brier", "mae")  # means over rows


@dataclass(frozen=True)
class Spec:
    """How rows are dealt to parts: by period of a column, by place in the file, by value, between edges or by rules.

    A part by `rules` is a set of slices, those that hold the row: its key has a bit for each.
    """

    kind: str
    column: str = ""
    period: str = ""
    size: int = 0
    last: int = 0
    values: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    rules: Rules | None = None

    def keys(self, frame: pl.DataFrame, rows: np.ndarray) -> np.ndarray:
        """(n,) the part of every row, `NONE` where it is in none."""
        if self.kind == "place":
            return np.minimum(rows // self.size, self.last)
        if self.rules is not None:
            return self.rules.masks(frame)
        column = frame[self.column]
        if self.kind == "period":
            return column.dt.truncate(self.period).cast(pl.Datetime("us")).cast(pl.Int64).fill_null(NONE).to_numpy()
        if self.kind == "value":
            codes = {value: code for code, value in enumerate(self.values)}
            texts = column.cast(pl.String).fill_null("missing")
            return texts.replace_strict(codes, default=NONE, return_dtype=pl.Int64).to_numpy()
        numbers = as_numbers(column)
        place = np.searchsorted(np.array(self.edges), numbers, side="left")
        return np.where(np.isfinite(numbers), place, len(self.edges) + 1)


class Sums(NamedTuple):
    """Of the rows of a part: how many, the sum of what the model expects in units, the first and last moment or row."""

    rows: int
    total: int
    low: int
    high: int

    def merged(self, other: Sums) -> Sums:
        """Of both."""
        ends = min(self.low, other.low), max(self.high, other.high)
        return Sums(self.rows + other.rows, self.total + other.total, *ends)


@dataclass(frozen=True)
class Scoring:
    """What all shards share."""

    parts: Parts
    columns: tuple[tuple[str, str, Any], ...]  # raw name, name, type
    model: Model | None
    fitted: Fitted | None
    scale: Fitted | None
    encoder: Encoder | None
    features: tuple[ColumnRecord, ...]
    proba: tuple[str, ...]
    metric: str
    unit: float  # whole units of what is expected are summed: exact, in whatever order
    specs: tuple[Spec, ...]


def expected(metric: str, predicted: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """(n,) what the predictions say of each row's part in the metric, taken at their word; 0 where it is no mean."""
    if metric == "mae" and scale is not None:
        return scale
    if metric not in MOVED or predicted.ndim == 1:
        return np.zeros(len(predicted))
    if metric == "accuracy":
        return predicted.max(axis=1)
    if metric == "log_loss":
        safe = np.clip(predicted, np.finfo(np.float64).eps, 1.0)
        return -(safe * np.log(safe)).sum(axis=1)
    spread = 1 - (predicted**2).sum(axis=1)
    return spread / 2 if predicted.shape[1] == 2 else spread


# --- the pass over all rows ---------------------------------------------------------------------------------------
def score_all(
    facts: Probes, metric: Metric, specs: tuple[Spec, ...], proba: tuple[str, ...], worth: np.ndarray
) -> tuple[list[dict[int, Sums]], float]:
    """By part of every spec, the last one being all rows, the sums over all production rows; and their unit.

    `worth` is what is expected of held rows: it tells the size of the numbers.
    """
    data: DataSet = facts["test_set"]
    whole = data.whole
    assert whole is not None
    scale = facts["scale_fitted"] if facts["task"].kind == "regression" and not proba else None
    features = facts["features"]
    names = list(proba) or [column.name for column in features]
    shown = [column.name for spec in specs if spec.rules is not None for column in spec.rules.features]
    names = list(dict.fromkeys([*names, *shown, *(spec.column for spec in specs if spec.column)]))
    columns = tuple((whole.raw[name], name, data.frame.schema[name]) for name in names)
    specs = (*specs, Spec("place", size=max(1, whole.rows)))
    unit = 2.0 ** (np.ceil(np.log2(max(float(worth.max()), 1e-300))) - DIGITS)
    model, fitted, encoder = (None if proba else facts[name] for name in ("model", "fitted", "encoder"))
    scoring = Scoring(whole.parts, columns, model, fitted, scale, encoder, features, proba, metric.name, unit, specs)
    shards, weights = cut(whole.parts)
    about = (written(whole.parts), blake2b(pickle.dumps(scoring), digest_size=16).hexdigest())
    found: list[dict[int, Sums]] = [{} for _ in specs]
    for path in whole.place.run("scoring", score_shard, scoring, shards, weights, about):
        arrays = read_arrays(path)
        for j, sums in enumerate(found):
            columns_of = (arrays[f"{name}{j}"].tolist() for name in ("key", "rows", "total", "low", "high"))
            for key, *own in zip(*columns_of, strict=True):
                sums[key] = Sums(*own) if key not in sums else sums[key].merged(Sums(*own))
    return found, unit


def score_shard(scoring: Scoring, shard: Shard, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[dict]:  # noqa: ARG001
    """The stage's work: sums by part over the rows of a shard."""
    if skip:
        return
    raw = list(dict.fromkeys(name for name, _, _ in scoring.columns))
    found: list[dict[int, Sums]] = [{} for _ in scoring.specs]
    for first, frame in pieces(scoring.parts, shard, raw):
        cells = pl.DataFrame([typed_cells(frame[own], name, kind) for own, name, kind in scoring.columns])
        worth = np.rint(_worth(scoring, cells) / scoring.unit).astype(np.int64)
        rows = np.arange(first, first + frame.height)
        for spec, sums in zip(scoring.specs, found, strict=True):
            _add(sums, spec.keys(cells, rows), worth, _moments(spec, cells, rows))
    yield {
        f"{name}{j}": np.array([(key, *own)[place] for key, own in sorted(sums.items())])
        for j, sums in enumerate(found)
        for place, name in enumerate(("key", "rows", "total", "low", "high"))
    }


def _worth(scoring: Scoring, cells: pl.DataFrame) -> np.ndarray:
    if scoring.proba:
        predicted = given_probabilities(cells, scoring.proba)
        return expected(scoring.metric, predicted, None)
    assert scoring.model is not None and scoring.fitted is not None and scoring.encoder is not None
    table = cells.select([column.name for column in scoring.features])
    inputs = model_inputs(scoring.model, scoring.features, scoring.encoder, table)
    scale = None if scoring.scale is None else np.maximum(scoring.scale.predict(inputs), 0.0)
    return expected(scoring.metric, scoring.fitted.predict(inputs), scale)


def given_probabilities(cells: pl.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """(n, k) probabilities of the named columns; a single one is that of the second class."""
    array = cells.select(names).to_numpy().astype(float)
    return np.column_stack([1 - array[:, 0], array[:, 0]]) if len(names) == 1 else array


def _moments(spec: Spec, cells: pl.DataFrame, rows: np.ndarray) -> np.ndarray:
    if spec.kind == "period":
        return cells[spec.column].cast(pl.Datetime("us")).cast(pl.Int64).fill_null(0).to_numpy()
    return rows


def _add(sums: dict[int, Sums], keys: np.ndarray, worth: np.ndarray, moments: np.ndarray) -> None:
    found, codes = np.unique(keys, return_inverse=True)
    counts, totals = np.bincount(codes, minlength=len(found)), np.zeros(len(found), np.int64)
    np.add.at(totals, codes, worth)
    low, high = np.full(len(found), np.iinfo(np.int64).max), np.full(len(found), NONE)
    np.minimum.at(low, codes, moments)
    np.maximum.at(high, codes, moments)
    for key, *own in zip(*(part.tolist() for part in (found, counts, totals, low, high)), strict=True):
        if key != NONE:
            sums[key] = Sums(*own) if key not in sums else sums[key].merged(Sums(*own))


# --- parts --------------------------------------------------------------------------------------------------------
def chunk_spec(data: DataSet, time: str | None, chunk: str | int | None) -> Spec | None:
    """How production rows beyond memory are cut into chunks."""
    if time is None and chunk is None:
        return None
    size, period = read_chunk(chunk)
    if time is None:
        if period is not None:
            raise InputError(f"chunk {period!r} is a period; name the column of times with time (--time COLUMN).")
        size = size or data.rows
        last = max(0, len(range(size, data.rows - size // 2, size)))
        if last >= MOST:
            raise InputError(f"this makes {last + 1:,} chunks; expected at most {MOST}. Take more rows.")
        return Spec("place", size=size, last=last)
    fitting = period_of(data.frame, time, period)
    if size is not None or fitting is None:
        raise InputError(
            f"production has {data.rows:,} rows, too many to put in the order of {time!r}: chunks of so many rows "
            "cannot be had. Give a period of a column of dates (--chunk 1d), or leave out --time for the files' order."
        )
    return Spec("period", time, period=fitting)


def group_specs(facts: Probes, by: tuple[str, ...]) -> list[Spec]:
    """The groups of the named columns and of those whose role is group."""
    loaded, data = facts["loaded"], facts["test_set"]
    specs = []
    for name in grouped_by(facts, by):
        known = loaded.train.frame[name] if name in loaded.train.frame.columns else None
        edges, labels = quarters(name, data.frame[name], known)
        if labels:
            specs.append(Spec("edges", name, edges=tuple(edges), labels=tuple(labels)))
            continue
        counted = None if data.whole is None else data.whole.values(name)
        if counted is not None and data.missing(name):
            counted = {**counted, "missing": data.missing(name)}
        values = values_of(data.frame[name], counted)
        specs.append(Spec("value", name, values=tuple(values), labels=tuple(f"{name} {value}" for value in values)))
    return specs


def parts_of(spec: Spec, sums: dict[int, Sums], unit: float, data: DataSet) -> list[tuple[Any, float]]:
    """The parts of one spec in order, with the rows held and the number of all, and the mean of what is expected."""
    if len(sums) > MOST and spec.kind == "period":
        raise InputError(f"this makes {len(sums):,} chunks; expected at most {MOST}. Take a longer period.")
    keys = spec.keys(data.frame, data.numbers(np.arange(data.frame.height)))
    found = []
    for key in sorted(sums):
        own, rows = sums[key], np.flatnonzero(keys == key)
        part = _named(spec, key, own, rows)
        found.append((part._replace(size=own.rows), unit * own.total / own.rows))
    return found


def slices_of(sought: Sought, sums: dict[int, Sums], unit: float) -> list[tuple[Slice, float]]:
    """The slices with the number of all rows that each holds, and the mean of what is expected of them."""
    found = []
    for place, own in enumerate(sought.slices):
        inside = [part for key, part in sums.items() if key >> place & 1]
        rows = sum(part.rows for part in inside)
        found.append((own._replace(size=rows), unit * sum(part.total for part in inside) / max(rows, 1)))
    return found


def _named(spec: Spec, key: int, own: Sums, rows: np.ndarray) -> Chunk | Group:
    if spec.kind == "period":
        began, start, end = (_moment(value) for value in (key, own.low, own.high))
        return Chunk(began, start, end, rows)
    if spec.kind == "place":
        return Chunk(f"rows {own.low} to {own.high}", str(own.low), str(own.high), rows)
    return Group(spec.column, spec.labels[key], rows)


def _moment(value: int) -> str:
    return str(pl.Series([value]).cast(pl.Datetime("us"))[0]).removesuffix(" 00:00:00")


def moved(own: Estimate, gap: float, metric: Metric) -> Estimate:
    """The estimate moved by what the rows that it did not see are expected to change."""
    ends = [float(np.clip(end + gap, metric.low, metric.high)) for end in (own.value, own.low, own.high)]
    return own._replace(value=ends[0], low=ends[1], high=ends[2])
