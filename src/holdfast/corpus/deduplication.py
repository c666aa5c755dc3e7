"""The verb `holdfast.corpus.dedup(...)`: take out documents that repeat an earlier one, and say of each which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.duplicates import (
    DOCUMENTS,
    TOGETHER,
    Bands,
    Near,
    Verify,
    band_pairs,
    exact_copies,
    save_eligible,
    signatures,
    star_clusters,
    verify_pairs,
    verify_ranges,
)
from holdfast.corpus.output import write_outputs
from holdfast.corpus.records import Fields
from holdfast.corpus.scan import HASH, Index, Scan, scan_shard
from holdfast.corpus.sources import cut, find_sources, wrong
from holdfast.corpus.summary import check_broken, rate_alarms, summary_of, troubles
from holdfast.corpus.workspace import Workspace, workspace
from holdfast.engine.stage import Tell
from holdfast.engine.store import read_array


def dedup(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    exact_only: bool = False,
    threshold: float = 0.35,
    k: int = 3,
    bands: int = 40,
    rows: int = 4,
    text: str = "text",
    id: str = "id",
    broken: str = "aside",
    alarm_rate: float = 0.3,
    alarm_cluster: int = 1000,
    engine: str = "local",
    workers: int | None = None,
    force: bool = False,
    progress: Tell | None = None,
) -> dict[str, Any]:
    """Write `inputs` to the folder `out` without documents that repeat an earlier one; return the summary.

    Exact copies have the same text. Near copies have at least `threshold` of their word `k`-grams in common (Jaccard)
    with a document that is kept: found by MinHash of `bands` x `rows`, then counted. `out/provenance.jsonl` says of
    every removed document which rule and which kept document, with what score; `restore` puts them back.
    """
    _check(threshold, k, bands, rows, broken)
    near = None if exact_only else Near(k, bands, rows, threshold)
    sources = find_sources(inputs)  # type: ignore[arg-type]
    fields = Fields(text, id)
    settings = {"command": "dedup", "near": near and asdict(near), "fields": asdict(fields), "broken": broken}
    settings |= {"hash": HASH}
    alarms = Alarms(alarm_rate, alarm_cluster)
    with workspace(
        Path(out), sources, settings, engine=engine, workers=workers, force=force, tell=progress
    ) as place:  # fmt: skip
        shards, weights, piece = cut(sources)
        total = sum(source.size for source in sources)
        scan = Scan(sources, piece, fields, signatures, near, total)
        _, pieces = place.stage("scan", scan_shard, scan, shards, weights, "reading")
        index = Index(sources, pieces)
        first = exact_copies(index)
        centre, score = first, (first != np.arange(index.count)).astype(float)
        crowded = 0
        if near is not None and index.count:
            centre, score, crowded = _near(place, index, first, near, total)
        found = _provenance(index, first, centre, score)
        aside = troubles(index, "broken", broken)
        write_outputs(place, index, found + aside, piece)
        summary = _summary(index, found, centre, aside, crowded, settings, alarms)
        place.finish(summary)
    return summary


@dataclass(frozen=True)
class Alarms:
    """What is said aloud: the share of documents removed, of all or of one file, and the size of a cluster."""

    rate: float
    cluster: int


def _check(threshold: float, k: int, bands: int, rows: int, broken: str) -> None:
    if not 0 < threshold <= 1:
        raise wrong(f"threshold {threshold}: expected a Jaccard similarity above 0 and up to 1, such as 0.35.")
    for name, value in (("k", k), ("bands", bands), ("rows", rows)):
        if not 1 <= value <= 1000:
            raise wrong(f"{name} {value}: expected a whole number from 1 to 1000.")
    check_broken(broken)


def _near(
    place: Workspace, index: Index, first: np.ndarray, near: Near, total: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Centre and score of every document; exact copies go where the document that they copy goes."""
    eligible = place.work / "eligible.piece"
    save_eligible(eligible, index, first)
    parts = 1 + index.count // DOCUMENTS
    shards = [(band, part) for band in range(0, near.bands, TOGETHER) for part in range(parts)]
    shared = Bands(index.pieces, eligible, parts)
    _, pairs = place.stage("pairs", band_pairs, shared, shards, [1] * len(shards), "comparing")
    ranges, weights = verify_ranges(index, pairs)
    verify = Verify(index.pieces, index.first, pairs, near.threshold, total)
    _, verified = place.stage("verified", verify_pairs, verify, ranges, weights, "verifying")
    edges = np.concatenate([read_array(path, "pairs") for path in verified] + [np.empty(0, dtype=np.uint64)])
    scores = np.concatenate([read_array(path, "scores") for path in verified] + [np.empty(0)])
    centre, score = star_clusters(index.count, edges, scores)
    copies = first != np.arange(index.count)
    score[copies] = np.where(centre[first[copies]] == first[copies], 1.0, score[first[copies]])
    centre[copies] = centre[first[copies]]
    return centre, score, sum(int(read_array(path, "crowded")[0]) for path in pairs)


def _provenance(index: Index, first: np.ndarray, centre: np.ndarray, score: np.ndarray) -> list[dict[str, Any]]:
    """A row for every removed document, with the kept one that it repeats."""
    removed = np.flatnonzero(centre != np.arange(index.count))
    kept = {document: index.describe(document) for document in np.unique(centre[removed]).tolist()}
    rows = []
    for document in removed.tolist():
        match = kept[int(centre[document])]
        rule = "exact" if first[document] == centre[document] != document else "near"
        rows.append(
            {"rule": rule}
            | index.describe(document)
            | {"matched_file": match["file"], "matched_line": match["line"], "matched_id": match["id"],
               "score": round(float(score[document]), 4), "span": None}
        )  # fmt: skip
    return rows


def _summary(
    index: Index, found: list[dict[str, Any]], centre: np.ndarray, aside: list[dict[str, Any]], crowded: int,
    settings: dict[str, Any], alarms: Alarms,
) -> dict[str, Any]:  # fmt: skip
    sizes = np.bincount(centre, minlength=1)
    clusters = sizes[sizes > 1]
    summary = summary_of(index, settings, Counter(row["rule"] for row in found), len(found), aside)
    summary["clusters"] = {"count": len(clusters), "largest": int(clusters.max()) if len(clusters) else 0}
    summary["crowded_buckets"] = crowded
    summary["alarms"] = rate_alarms(index, found, alarms.rate)
    if len(clusters) and clusters.max() > alarms.cluster:
        centre_of = index.describe(int(sizes.argmax()))
        summary["alarms"].append(
            f"{int(clusters.max())} documents are in one cluster, around {centre_of['file']}, line {centre_of['line']}"
        )
    return summary
