"""The verb `holdfast.corpus.dedup(...)`: take out documents that repeat an earlier one, and say of each which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.digests import HASH
from holdfast.corpus.duplicates import (
    DOCUMENTS,
    TOGETHER,
    Bands,
    Last,
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
from holdfast.corpus.plain_json import dumps, loads
from holdfast.corpus.records import Fields
from holdfast.corpus.scan import Arrays, Index, Scan, sample_texts, scan_shard
from holdfast.corpus.sources import Source, cut, find_sources, wrong
from holdfast.corpus.summary import check_broken, rate_alarms, summary_of, troubles
from holdfast.corpus.workspace import Workspace, workspace
from holdfast.engine.stage import Tell
from holdfast.engine.store import read_array, write_arrays

LEAST = 12  # words of a passage: shorter runs repeat by chance
RULES = ("exact", "near", "semantic")
TOLD = 4  # parts in which it is told what was removed: each reads again where what is kept stands
SAMPLE = 2000  # documents from which it is learnt how frequent words are


def dedup(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    exact_only: bool = False,
    threshold: float = 0.35,
    k: int = 3,
    bands: int = 40,
    rows: int = 4,
    substring: int = 0,
    semantic: float = 0.0,
    embeddings: str | Path | np.ndarray | None = None,
    text: str = "text",
    id: str = "id",
    broken: str = "aside",
    alarm_rate: float = 0.3,
    alarm_cluster: int = 1000,
    engine: str = "local",
    workers: int | None = None,
    force: bool = False,
    work: str | Path | None = None,
    progress: Tell | None = None,
) -> dict[str, Any]:
    """Write `inputs` to the folder `out` without documents that repeat an earlier one; return the summary.

    Exact copies have the same text. Near copies have at least `threshold` of their word `k`-grams in common (Jaccard)
    with a document that is kept: found by MinHash of `bands` x `rows`, then counted. With `semantic` above 0, documents
    go whose vector is within that of one minus the cosine of a kept one's (`embeddings`, else vectors of words). With
    `substring`, runs of so many words or more that stand in an earlier document are taken out of the text of later
    ones. `out/provenance.jsonl` says of every removed document or passage which rule and which kept document, with what
    score; `restore` puts them back.
    """
    _check(threshold, k, bands, rows, broken)
    _check_more(substring, semantic, embeddings)
    near = None if exact_only else Near(k, bands, rows, threshold)
    sources = find_sources(inputs)  # type: ignore[arg-type]
    fields = Fields(text, id)
    settings: dict[str, Any] = {
        "command": "dedup",
        "near": near and asdict(near),
        "fields": asdict(fields),
        "broken": broken,
    }
    settings |= {"hash": HASH, "substring": substring, "semantic": semantic, "given": embeddings is not None}
    alarms = Alarms(alarm_rate, alarm_cluster)
    with workspace(
        out, sources, settings, engine=engine, workers=workers, force=force, tell=progress, work=work
    ) as place:  # fmt: skip
        asked = Asked(near, substring, semantic, embeddings, broken)
        told = place.once("decided", lambda: _decided(place, sources, fields, asked, settings, alarms))
        write_outputs(place, sources, told["rows"], cut(sources)[2], fields)
        place.finish(told["summary"])
    return dict(told["summary"])


@dataclass(frozen=True)
class Asked:
    """What repeats are looked for, and what becomes of broken records."""

    near: Near | None
    substring: int
    semantic: float
    embeddings: Any
    broken: str


def _decided(
    place: Workspace, sources: list[Source], fields: Fields, asked: Asked, settings: dict[str, Any], alarms: Alarms
) -> dict[str, Any]:  # fmt: skip
    """Read all, and decide what goes: the rows of the provenance, and the summary."""
    shards, weights, piece = cut(sources)
    total = sum(source.size for source in sources)
    lexical = None
    if asked.semantic and asked.embeddings is None:
        from holdfast.corpus.vectors import Lexical

        lexical = Lexical.learn(sample_texts(sources, shards, piece, fields, SAMPLE))
    looks = look if asked.near or asked.substring or lexical else None
    scan = Scan(sources, piece, fields, looks, Look(asked.near, asked.substring, lexical), total)
    _, pieces = place.stage("scan", scan_shard, scan, shards, weights, "reading")
    index = Index(sources, pieces)
    first = exact_copies(index)
    centre, score = first, (first != np.arange(index.count)).astype(float)
    crowded = 0
    if asked.near is not None and index.count:
        centre, score, crowded = _near(place, index, first, asked.near, total)
    rule = np.where(first == centre, RULES.index("exact"), RULES.index("near")).astype(np.uint8)
    if asked.semantic and index.count:
        from holdfast.corpus.vectors import vectors_of

        _semantic(vectors_of(index, asked.embeddings), asked.semantic, centre, score, rule)
    found = _provenance(place, index, Clusters(index, centre, score, rule))
    cut_out = _passages(place, index, centre, asked.substring) if asked.substring and index.count else []
    aside = troubles(index, "broken", asked.broken)
    gone = found + [row for row in cut_out if row["span"] is None]
    summary = _summary(index, gone, centre, aside, settings, alarms)
    summary["crowded_buckets"] = crowded
    if asked.substring:
        summary["passages"] = _passages_told(cut_out)
    return {"rows": found + cut_out + aside, "summary": summary}


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


def _check_more(substring: int, semantic: float, embeddings: Any) -> None:
    if substring and not LEAST <= substring <= 10_000:
        raise wrong(
            f"substring {substring}: expected {LEAST} to 10000 words, such as 50: shorter runs repeat by chance."
        )
    if not 0 <= semantic < 1:
        raise wrong(
            f"semantic {semantic}: expected one minus the smallest cosine, at least 0 and below 1, such as 0.05."
        )
    if embeddings is not None and not semantic:
        raise wrong("embeddings are read for semantic duplicates only: give --semantic too, such as 0.05.")


@dataclass(frozen=True)
class Look:
    """What is noted of every document: for near copies, for passages of so many words, for vectors."""

    near: Near | None
    substring: int
    lexical: Any


def look(text: np.ndarray, starts: np.ndarray, wanted: Look, tools: Any) -> Arrays:
    """What `scan` notes of every document for this."""
    words, places, ends = tools.word_hashes(text, starts)
    found = {} if wanted.near is None else signatures(words, ends, wanted.near, tools)
    if wanted.substring:
        from holdfast.corpus.substrings import note_words

        found |= note_words(text, starts, words, places, ends, wanted.substring, tools)
    if wanted.lexical is not None:
        found["vectors"] = wanted.lexical.of(words, ends)
    return found


def _semantic(X: np.ndarray, epsilon: float, centre: np.ndarray, score: np.ndarray, rule: np.ndarray) -> None:
    """Of the documents that stay so far, those that say what another says go there; what went to them goes along."""
    from holdfast.curation import SemDeDup

    stay = np.flatnonzero(centre == np.arange(len(centre)))
    stay = stay[np.abs(X[stay]).sum(axis=1) > 0]
    if not len(stay):
        return
    method = SemDeDup(epsilon=epsilon)
    method.select_rows(X=X[stay])
    gone = np.flatnonzero(method.matched_ >= 0)
    target = np.arange(len(centre))
    target[stay[gone]] = stay[method.matched_[gone]]
    moved = (centre != np.arange(len(centre))) & (target[centre] != centre)
    score[stay[gone]], rule[stay[gone]] = method.similarity_[gone], RULES.index("semantic")
    rule[moved] = RULES.index("semantic")
    score[moved] = score[centre[moved]]
    centre[:] = target[centre]


def _passages(place: Workspace, index: Index, centre: np.ndarray, length: int) -> list[dict[str, Any]]:
    """A row for every passage that stands in an earlier document; for a document that is nothing else, one row."""
    from holdfast.corpus.substrings import PARTS, Anchored, find_repeats, parts_of, passages, repeated_anchors

    stay = place.work / "stay.piece"
    write_arrays(stay, {"eligible": centre == np.arange(index.count)})
    anchored = Anchored(index.pieces, index.first, stay)
    _, anchors = place.stage("anchors", repeated_anchors, anchored, list(range(PARTS)), [1] * PARTS, "comparing")
    parts = parts_of(index, anchors, length)
    shards = list(range(parts.count))
    stage, _ = place.stage("repeats", find_repeats, parts, shards, [1] * len(shards), "comparing")
    found = [stage.pieces(shard)[-1] for shard in shards]
    rows = []
    some = passages(index, found, length)
    matches = {one: index.describe(one) for one in sorted({passage.matched for passage in some})}
    for passage in some:
        match = matches[passage.matched]
        rows.append(
            {"rule": "repeated" if passage.whole else "substring"}
            | index.describe(passage.document)
            | {"matched_file": match["file"], "matched_line": match["line"], "matched_id": match["id"],
               "score": passage.words, "span": None if passage.whole else [passage.begin, passage.stop]}
        )  # fmt: skip
    return rows


def _passages_told(rows: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "documents": len({(row["file"], row["start"]) for row in rows}),
        "passages": len(rows),
        "words": sum(row["score"] for row in rows),
    }


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


@dataclass(frozen=True)
class Clusters:
    """Of every document the kept one that it repeats (or itself), how alike they are, and by which rule."""

    index: Index
    centre: np.ndarray
    score: np.ndarray
    rule: np.ndarray


def _provenance(place: Workspace, index: Index, clusters: Clusters) -> list[dict[str, Any]]:
    """A row for every removed document, with the kept one that it repeats."""
    removed = np.flatnonzero(clusters.centre != np.arange(index.count))
    parts = [part for part in np.array_split(removed, min(TOLD, len(removed) // 100 + 1)) if len(part)]
    _, told = place.stage("told", tell_removed, clusters, parts, [len(part) for part in parts], "verifying")
    return [row for path in told for row in loads(read_array(path, "rows").tobytes())]


def tell_removed(clusters: Clusters, removed: np.ndarray, skip: int, last: Last) -> Iterator[Arrays]:  # noqa: ARG001
    """The stage's work: rows of the provenance for some removed documents, as JSON."""
    if skip:
        return
    index, centre = clusters.index, clusters.centre
    kept = {document: index.describe(document) for document in np.unique(centre[removed]).tolist()}
    rows = []
    for document in removed.tolist():
        match = kept[int(centre[document])]
        rows.append(
            {"rule": RULES[clusters.rule[document]]}
            | index.describe(document)
            | {"matched_file": match["file"], "matched_line": match["line"], "matched_id": match["id"],
               "score": round(float(clusters.score[document]), 4), "span": None}
        )  # fmt: skip
    yield {"rows": np.frombuffer(dumps(rows), dtype=np.uint8)}


def _summary(
    index: Index, found: list[dict[str, Any]], centre: np.ndarray, aside: list[dict[str, Any]],
    settings: dict[str, Any], alarms: Alarms,
) -> dict[str, Any]:  # fmt: skip
    sizes = np.bincount(centre, minlength=1)
    clusters = sizes[sizes > 1]
    summary = summary_of(index, settings, Counter(row["rule"] for row in found), len(found), aside)
    summary["clusters"] = {"count": len(clusters), "largest": int(clusters.max()) if len(clusters) else 0}
    summary["alarms"] = rate_alarms(index, found, alarms.rate)
    if len(clusters) and clusters.max() > alarms.cluster:
        centre_of = index.describe(int(sizes.argmax()))
        summary["alarms"].append(
            f"{int(clusters.max())} documents are in one cluster, around {centre_of['file']}, line {centre_of['line']}"
        )
    return summary
