"""Equal rows, and rows whose group stands in another set, among more rows than fit into memory.

Every row becomes a 64-bit hash of some of its columns. Hashes lie sorted on disk; all that begin with the same bits are
looked at together, whoever's they are. Two different rows share a hash once in 1.8e19 pairs: among 100 million rows
one false copy is expected in 3,700 audits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.large.cells import typed_cells
from holdfast.audit.large.place import Place
from holdfast.audit.large.shards import Shard, cut, pieces, written
from holdfast.audit.load.data import DataSet
from holdfast.audit.load.parts import Parts
from holdfast.engine.store import array_place, read_arrays

Arrays = dict[str, np.ndarray]
TOGETHER = 4_000_000  # rows looked at together
SEED = 1  # of the hashes; another one than that of the sketches


class Equal(NamedTuple):
    """Rows of a set with an equal row before them, or in the other set: `total` of all rows.

    `first` is, for every row held, the file row number of the first row equal to it, its own or -1 where there is
    none. `conflicts` counts rows whose label is not that of the first one; `known` rows have no missing cell, and
    `squares` is the sum of the squared sizes of groups of equal rows among them.
    """

    total: int
    first: np.ndarray
    conflicts: int = 0
    known: int = 0
    squares: float = 0.0


class Hashing(NamedTuple):
    """What the shards of a set share: where its columns are, and under which name and type they are compared."""

    parts: Parts
    columns: tuple[tuple[str, str, Any], ...]  # raw name, name, type
    label: tuple[str, str, Any] | None
    complete: bool  # rows with a missing cell stand for themselves


class Buckets(NamedTuple):
    """What all buckets share: pieces of the set and of the other one, and the rows of the set that are held."""

    own: tuple[Path, ...]
    other: tuple[Path, ...] | None
    held: np.ndarray
    buckets: int


def equal_inside(data: DataSet, names: list[str], label: str | None) -> Equal:
    """Rows of a set that equal an earlier one in the columns named."""
    own = _hashed(data, names, label, complete=False, place=_place(data))
    return _counted(data, own, None, _place(data))


def equal_across(train: DataSet, test: DataSet, names: list[str], complete: bool = False) -> Equal:
    """Rows of test that equal a training row in the columns named. At least one of the sets is not held whole."""
    place = _place(train, test)
    ours, theirs = (_hashed(data, names, None, complete, place) for data in (train, test))
    return _counted(test, theirs, ours, place)


def _place(*sets: DataSet) -> Place:
    return next(data.whole.place for data in sets if data.whole is not None)


# --- first stage: a file of sorted hashes for every shard ---------------------------------------------------------
def _hashed(data: DataSet, names: list[str], label: str | None, complete: bool, place: Place) -> tuple[Path, ...]:
    schema, whole = data.frame.schema, data.whole
    if whole is None:
        frame = data.frame.select([*names, *([label] if label else [])])
        about: object = (data.fingerprint, names, label, complete)
        return tuple(place.run("comparing rows", _hash_held, (frame, names, label, complete), [0], [1], about))
    columns = tuple((whole.raw[name], name, schema[name]) for name in names)
    answer = None if label is None else (whole.raw[label], label, schema[label])
    shards, weights = cut(whole.parts)
    context = Hashing(whole.parts, columns, answer, complete)
    about = (written(whole.parts), columns, answer, complete)
    return tuple(place.run("comparing rows", _hash_shard, context, shards, weights, about))


def _hash_shard(context: Hashing, shard: Shard, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:  # noqa: ARG001
    if skip:
        return
    read = list(dict.fromkeys(raw for raw, _, _ in [*context.columns, *([context.label] if context.label else [])]))
    found = []
    for first, frame in pieces(context.parts, shard, read):
        typed = pl.DataFrame([typed_cells(frame[raw], name, kind) for raw, name, kind in context.columns])
        label = None if context.label is None else typed_cells(frame[context.label[0]], *context.label[1:], True)
        found.append(_keys(typed, label, first, context.complete))
    yield _counted_rows({name: np.concatenate([one[name] for one in found]) for name in found[0]})


def _hash_held(context: Any, shard: int, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:  # noqa: ARG001
    frame, names, label, complete = context
    if not skip:
        yield _counted_rows(_keys(frame.select(names), frame[label] if label else None, 0, complete))


def _keys(frame: pl.DataFrame, label: pl.Series | None, first: int, complete: bool) -> Arrays:
    rows = np.arange(first, first + frame.height)
    keys = frame.hash_rows(seed=SEED).to_numpy()
    labels = np.zeros(len(rows), np.uint32) if label is None else label.hash(seed=SEED).to_numpy().astype(np.uint32)
    if complete:
        known = ~frame.select(pl.any_horizontal(pl.all().is_null())).to_series().to_numpy()
        rows, keys, labels = rows[known], keys[known], labels[known]
    return {"keys": keys, "rows": rows, "labels": labels}


def _sorted(arrays: Arrays) -> Arrays:
    order = np.lexsort((arrays["rows"], arrays["keys"]))
    return {name: array[order] for name, array in arrays.items()}


def _counted_rows(arrays: Arrays) -> Arrays:
    return {**_sorted(arrays), "count": np.array([len(arrays["keys"])])}


# --- second stage: buckets of hashes that begin alike -------------------------------------------------------------
def _counted(data: DataSet, own: tuple[Path, ...], other: tuple[Path, ...] | None, place: Place) -> Equal:
    held = data.numbers(np.arange(data.frame.height))
    rows = sum(_length(path) for path in (*own, *(other or ())))
    count = max(1, -(-rows // TOGETHER))
    context = Buckets(own, other, held, count)
    about = (own, other, len(held), data.fingerprint, count)
    found = place.run("counting copies", _count_bucket, context, list(range(count)), [1] * count, about)
    first = held.copy() if other is None else np.full(len(held), -1)
    sums = np.zeros(4)
    for path in found:
        arrays = read_arrays(path)
        sums += arrays["sums"]
        first[arrays["places"]] = arrays["first"]
    return Equal(int(sums[0]), first, int(sums[1]), int(sums[2]), float(sums[3]))


def _count_bucket(context: Buckets, bucket: int, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:  # noqa: ARG001
    if skip:
        return
    own = _bucket(context.own, bucket, context.buckets)
    keys, starts, sizes = np.unique(own["keys"], return_index=True, return_counts=True)
    if context.other is None:
        first = np.repeat(own["rows"][starts], sizes)
        equal = own["rows"] != first
        conflicts = int((own["labels"] != np.repeat(own["labels"][starts], sizes)).sum())
    else:
        other = _bucket(context.other, bucket, context.buckets)
        known, places = np.unique(other["keys"], return_index=True)
        at = np.minimum(np.searchsorted(known, keys), max(0, len(known) - 1))
        hit = known[at] == keys if len(known) else np.zeros(len(keys), bool)
        first = np.repeat(np.where(hit, other["rows"][places[at]], -1) if len(known) else np.full(len(keys), -1), sizes)
        equal, conflicts = first >= 0, 0
    rows, origin = own["rows"][equal], first[equal]
    place = np.minimum(np.searchsorted(context.held, rows), len(context.held) - 1)
    held = context.held[place] == rows
    squares = float((sizes.astype(float) ** 2).sum())
    yield {
        "sums": np.array([equal.sum(), conflicts, len(own["keys"]), squares]),
        "places": place[held],
        "first": origin[held],
    }


def _bucket(paths: tuple[Path, ...], bucket: int, count: int) -> Arrays:
    """The part of every file whose hashes lie in the bucket, in the order of hash and row."""
    low = bucket * (2**64 // count)
    high = (bucket + 1) * (2**64 // count) if bucket < count - 1 else 2**64
    found = []
    for path in paths:
        keys = _mapped(path, "keys")
        start = int(np.searchsorted(keys, np.uint64(low)))
        stop = len(keys) if high == 2**64 else int(np.searchsorted(keys, np.uint64(high)))
        found.append({name: np.array(_mapped(path, name)[start:stop]) for name in ("keys", "rows", "labels")})
    return _sorted({name: np.concatenate([one[name] for one in found]) for name in found[0]})


def _length(path: Path) -> int:
    return int(read_arrays(path, ("count",))["count"][0])


def _mapped(path: Path, name: str) -> np.ndarray:
    offset, dtype = array_place(path, name)
    size = _length(path)
    return np.memmap(path, dtype, "r", offset, (size,)) if size else np.zeros(0, dtype)
