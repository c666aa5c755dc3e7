"""A table beyond memory -> a `DataSet` that holds a random sample of its rows and knows what was counted in all."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from holdfast.audit.large.place import Place
from holdfast.audit.large.scan import Scanned, scan_parts
from holdfast.audit.load.data import DataSet
from holdfast.audit.load.header import clean_names
from holdfast.audit.load.parts import Parts
from holdfast.audit.load.targets import TARGET_NAMES
from holdfast.audit.load.whole import ColumnFacts, Whole

if TYPE_CHECKING:
    from holdfast.audit.load.read import Finish


def read_sampled(parts: Parts, target: str | None, place: Place, finish: Finish) -> DataSet:
    """One pass over all rows. `finish` types the drawn rows as those of any table."""
    clean = dict(zip(parts.schema, clean_names(list(parts.schema))[0], strict=True))
    targets = {
        raw for raw, name in clean.items() if name == target or (target is None and name.casefold() in TARGET_NAMES)
    }
    scanned = scan_parts(parts, place.held(len(parts.schema)), frozenset(targets), place)
    note = (
        f"it has {parts.rows:,} rows, more than are held in memory: a random {len(scanned.numbers):,} are held, and "
        "what is said of cells here was counted in those"
    )
    data = finish(scanned.frame, [note, *parts.notes])
    return replace(
        data,
        fingerprint=_fingerprint(parts, scanned),
        whole=Whole(
            parts.rows,
            scanned.numbers,
            parts,
            {name: raw for raw, name in clean.items()},
            _facts(scanned, clean, data),
            place,
        ),
    )


def _facts(scanned: Scanned, clean: dict[str, str], data: DataSet) -> dict[str, ColumnFacts]:
    """Under the names in use; without text that was read as something else, whose missing cells are others."""
    import polars as pl

    was_text = {name for name, kind in scanned.frame.schema.items() if kind == pl.String}
    return {
        clean[raw]: facts
        for raw, facts in scanned.facts.items()
        if not (raw in was_text and data.frame.schema[clean[raw]] != pl.String)
        and data.frame.schema[clean[raw]] != pl.List(pl.Float32)
    }


def _fingerprint(parts: Parts, scanned: Scanned) -> str:
    """32 hex digits over names, types, missing cells and the sums of the hashes of all cells."""
    about: list[Any] = [parts.rows]
    about += [(n, str(k), scanned.facts[n].missing, scanned.sums[n]) for n, k in parts.schema.items()]
    return blake2b(repr(about).encode("utf-8", "replace"), digest_size=16).hexdigest()
