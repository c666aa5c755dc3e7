"""What every command of this package says at its end, and the alarms that they share."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from holdfast.corpus.scan import Index
from holdfast.corpus.sources import wrong

EXAMPLES = 20


def troubles(index: Index, kind: str, broken: str) -> list[dict[str, Any]]:
    """Broken records as rows of the provenance table, where they are to be set aside; an error where that is asked."""
    found = [{"rule": "broken", **about} for _, about in index.troubles(kind)]
    if found and broken == "stop":
        place = found[0]
        raise wrong(f"{place['file']}, line {place['line']}: {place['reason']} ({len(found)} such records in all).")
    return found if broken == "aside" else []


def check_broken(broken: str) -> None:
    """Whether the setting is one of the three."""
    if broken not in ("aside", "keep", "stop"):
        raise wrong(f"broken {broken!r}: expected aside (taken out, can be put back), keep or stop.")


def summary_of(
    index: Index, settings: dict[str, Any], removed: Counter[str], gone: int, aside: list[dict[str, Any]]
) -> dict[str, Any]:
    """Counts of documents, of removals by rule, of what was broken, too large or strange; no alarms yet."""
    broken = [about for _, about in index.troubles("broken")]
    large = [about for _, about in index.troubles("large")]
    return {
        "command": settings["command"],
        "settings": settings,
        "documents": index.count,
        "kept": index.count - gone,
        "removed": dict(removed),
        "broken": {"count": len(broken), "set_aside": len(aside), "first": broken[:EXAMPLES]},
        "too_large_to_compare": {"count": len(large), "first": large[:EXAMPLES]},
        "not_utf8": index.replaced,
        "repeated_ids": index.repeated_names() if index.count else 0,
        "alarms": [],
    }


def rate_alarms(index: Index, found: list[dict[str, Any]], rate: float) -> list[str]:
    """Said where too large a share of all documents goes, or half of one file."""
    gone = {(row["file"], row["start"]) for row in found}
    said = []
    if index.count and len(gone) > rate * index.count:
        said.append(f"{len(gone) / index.count:.0%} of all documents were removed (alarm at {rate:.0%})")
    by_file = Counter(file for file, _ in gone)
    per_source = np.zeros(len(index.sources), dtype=np.int64)
    np.add.at(per_source, index.source, np.diff(index.first))
    for source, count in zip(index.sources, per_source.tolist(), strict=True):
        if len(index.sources) > 1 and count >= 20 and by_file[source.name] > max(rate, 0.5) * count:
            said.append(f"{source.name}: {by_file[source.name]} of {count} documents were removed")
    return said
