"""The verb `holdfast.corpus.decontaminate(...)`: take out documents that give away test items, word for word or not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.benchmarks import Item, read_items
from holdfast.corpus.digests import HASH
from holdfast.corpus.output import write_outputs
from holdfast.corpus.plain_json import as_lines
from holdfast.corpus.records import Fields
from holdfast.corpus.scan import Arrays, Index, Scan, sample_texts, scan_shard
from holdfast.corpus.sources import Shard, Source, cut, find_sources, wrong
from holdfast.corpus.summary import check_broken, summary_of, troubles
from holdfast.corpus.workspace import Workspace, workspace, write_bytes
from holdfast.engine.stage import Tell
from holdfast.engine.store import read_arrays
from holdfast.ops.text_features import as_buffer

SAMPLE = 2000  # documents from which it is learnt how frequent words are
SHOWN = 300  # bytes of evidence


def decontaminate(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    against: str | Path | Sequence[str | Path],
    threshold: float = 0.2,
    item_field: str | None = None,
    scores: str | Path | None = None,
    text: str = "text",
    id: str = "id",
    broken: str = "aside",
    alarm_rate: float = 0.05,
    engine: str = "local",
    workers: int | None = None,
    force: bool = False,
    work: str | Path | None = None,
    progress: Tell | None = None,
) -> dict[str, Any]:
    """Write `inputs` to the folder `out` without documents that hold an item of a benchmark; return the summary.

    An item is found word for word, or rephrased: where enough of its rare words (names, numbers, nouns) are near each
    other (`holdfast.ops.window_score`); very short items word for word only. `out/hits.jsonl` has every hit with its
    place and words. With `scores`, a score per item in order (a column `correct` or `score`), the summary compares a
    model on items that the corpus holds and on those that it does not.
    """
    if find_spec("numba") is None:
        raise wrong("decontamination needs compiled kernels: pip install 'holdfast[corpus]'")
    if not 0 < threshold <= 1:
        raise wrong(f"threshold {threshold}: expected a score above 0 and up to 1, such as 0.2.")
    check_broken(broken)
    items = _scored(read_items(against, item_field), scores)  # type: ignore[arg-type]
    sources = find_sources(inputs)  # type: ignore[arg-type]
    fields = Fields(text, id)
    mark = blake2b(json.dumps(items).encode(), digest_size=8).hexdigest()
    settings = {"command": "decontaminate", "threshold": threshold, "fields": asdict(fields), "broken": broken}
    settings |= {"hash": HASH, "items": mark}
    with workspace(
        out, sources, settings, engine=engine, workers=workers, force=force, tell=progress, work=work
    ) as place:  # fmt: skip
        told = place.once(
            "decided", lambda: _decided(place, sources, fields, items, threshold, broken, settings, alarm_rate)
        )
        write_outputs(place, sources, told["rows"], cut(sources)[2], fields)
        write_bytes(place.results / "hits.jsonl", as_lines(told["hits"]))
        place.finish(told["summary"])
    return dict(told["summary"])


def _decided(
    place: Workspace, sources: list[Source], fields: Fields, items: list[Item], threshold: float, broken: str,
    settings: dict[str, Any], alarm_rate: float,
) -> dict[str, Any]:  # fmt: skip
    """Read all, and decide what goes: the rows of the provenance, the hits, and the summary."""
    shards, weights, piece = cut(sources)
    looked_for = _prepare(items, sources, shards, piece, fields)
    total = sum(source.size for source in sources) + (1 << 30)  # always the compiled kernels
    scan = Scan(sources, piece, fields, _look, (looked_for, threshold), total, exact=False)
    _, pieces = place.stage("scan", scan_shard, scan, shards, weights, "reading")
    index = Index(sources, pieces)
    hits = _hits(index, items)
    aside = troubles(index, "broken", broken)
    rows = _provenance(hits) + aside
    summary = _summary(index, items, hits, aside, settings, alarm_rate)
    return {"rows": rows, "hits": hits, "summary": summary}


def compare_scores(scores: np.ndarray, contaminated: np.ndarray) -> dict[str, Any] | None:
    """Mean score of contaminated and of clean items, and the difference with its 90 % interval (Welch's t).

    >>> found = compare_scores(np.array([1.0, 1, 1, 0, 0, 1, 0, 0]), np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=bool))
    >>> found["contaminated"], found["clean"], round(found["difference"], 2), round(found["low"], 2)
    (0.75, 0.25, 0.5, -0.19)
    """
    from scipy.stats import t

    inside, outside = scores[contaminated], scores[~contaminated]
    if min(len(inside), len(outside)) < 2:
        return None
    parts = [part.var(ddof=1) / len(part) for part in (inside, outside)]
    error = float(np.sqrt(sum(parts)))
    freedom = sum(parts) ** 2 / max(
        sum(part**2 / (len(one) - 1) for part, one in zip(parts, (inside, outside), strict=True)), 1e-300
    )
    gap = float(inside.mean() - outside.mean())
    half = float(t.ppf(0.95, max(freedom, 1.0))) * error
    return {
        "contaminated": float(inside.mean()), "items_contaminated": len(inside),
        "clean": float(outside.mean()), "items_clean": len(outside),
        "difference": gap, "low": gap - half, "high": gap + half,
    }  # fmt: skip


def _scored(items: list[Item], scores: str | Path | None) -> list[Item]:
    if scores is None:
        return items
    given = [item.score for item in read_items([scores], None)] if _has_text(scores) else _plain_scores(Path(scores))
    if len(given) != len(items):
        raise wrong(f"--scores {scores}: {len(given)} scores for {len(items)} items. One per item, in their order.")
    return [item._replace(score=score) for item, score in zip(items, given, strict=True)]


def _has_text(scores: str | Path) -> bool:
    try:
        return bool(read_items([scores]))
    except ValueError:
        return False


def _plain_scores(path: Path) -> list[float | None]:
    from holdfast.corpus.benchmarks import SCORES, _files, _records

    if not path.exists():
        raise wrong(f"--scores {path}: there is no such file.")
    found: list[float | None] = []
    for name, data in _files(path):
        for number, record in enumerate(_records(name, data), 1):
            value = record
            if isinstance(record, dict):
                value = next((record[one] for one in SCORES if one in record), None)
            try:
                found.append(float({"true": 1, "false": 0}.get(str(value).lower(), value)))
            except (TypeError, ValueError):
                raise wrong(f"--scores {path}, row {number}: no number. Expected a column {SCORES[0]!r}.") from None
    return found


def _prepare(items: list[Item], sources: list[Source], shards: list[Shard], piece: int, fields: Fields) -> Any:
    """Items as hashes of words, weighed by how rare those are in a sample of the corpus."""
    from holdfast.ops.text_compiled import word_hashes
    from holdfast.ops.window_score import index_items

    words, _, starts = word_hashes(*as_buffer([item.text for item in items]))
    empty = np.flatnonzero(np.diff(starts) == 0)
    if len(empty):
        item = items[empty[0]]
        raise wrong(f"item {item.number + 1} of {item.benchmark} holds no word, so that it cannot be looked for.")
    sample = sample_texts(sources, shards, piece, fields, SAMPLE)
    seen, _, ends = word_hashes(*as_buffer(sample))
    known = np.unique(words)
    code = np.minimum(np.searchsorted(known, seen), max(len(known) - 1, 0))
    wanted = known[code] == seen
    document = np.repeat(np.arange(len(sample)), np.diff(ends))[wanted]
    pairs = np.unique(code[wanted] * max(len(sample), 1) + document)  # every word of a document once
    counts = np.bincount(pairs // max(len(sample), 1), minlength=len(known))
    share = dict(zip(known.tolist(), (counts / max(len(sample), 200)).tolist(), strict=True))
    return index_items(words, starts, share)


def _look(text: np.ndarray, starts: np.ndarray, settings: Any, tools: Any) -> Arrays:
    """What `scan` notes of every document for this: hits, with the place in the text and the words there."""
    from holdfast.ops.window_score import best_windows

    items, threshold = settings
    words, places, ends = tools.word_hashes(text, starts)
    pairs, scores, spans = best_windows(words, ends, items, threshold)
    hits = []
    for (document, item), score, (low, high) in zip(pairs.tolist(), scores.tolist(), spans.tolist(), strict=True):
        last = ends[document] + high + 1
        begin = int(places[ends[document] + low])
        end = int(places[last]) if last < ends[document + 1] else int(starts[document + 1])
        shown = text[begin : min(end, begin + SHOWN)].tobytes().decode("utf-8", "ignore")
        base = int(starts[document])
        before = len(text[base:begin].tobytes().decode("utf-8", "replace"))
        size = len(text[begin:end].tobytes().decode("utf-8", "replace"))
        hits.append([document, item, round(score, 4), before, before + size, shown.strip()])
    return {"hits": np.frombuffer(json.dumps(hits).encode(), dtype=np.uint8)}


def _hits(index: Index, items: list[Item]) -> list[dict[str, Any]]:
    found = []
    for number, path in enumerate(index.pieces):
        for document, item, score, start, stop, words in json.loads(read_arrays(path, ("hits",))["hits"].tobytes()):
            where = index.describe(int(index.first[number]) + document)
            about = items[item]
            found.append(
                {"document": int(index.first[number]) + document, **where, "benchmark": about.benchmark,
                 "item": about.number + 1, "score": score, "span": [start, stop], "found": words,
                 "item_text": about.text[:SHOWN], "_item": item}
            )  # fmt: skip
    return found


def _provenance(hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for every document with a hit: its best one."""
    best: dict[int, dict[str, Any]] = {}
    for hit in hits:
        if hit["document"] not in best or hit["score"] > best[hit["document"]]["score"]:
            best[hit["document"]] = hit
    return [
        {"rule": "contaminated"}
        | {name: hit[name] for name in ("file", "line", "start", "stop", "id")}
        | {"matched_file": hit["benchmark"], "matched_line": hit["item"], "matched_id": None,
           "score": hit["score"], "span": hit["span"]}
        for hit in best.values()
    ]  # fmt: skip


def _summary(
    index: Index, items: list[Item], hits: list[dict[str, Any]], aside: list[dict[str, Any]],
    settings: dict[str, Any], alarm_rate: float,
) -> dict[str, Any]:  # fmt: skip
    documents = {hit["document"] for hit in hits}
    dirty = np.zeros(len(items), dtype=bool)
    dirty[[hit.pop("_item") for hit in hits]] = True
    sizes = Counter(item.benchmark for item in items)
    found = Counter(item.benchmark for item, bad in zip(items, dirty, strict=True) if bad)
    removed = Counter({"contaminated": len(documents)} if documents else {})
    summary = summary_of(index, settings, removed, len(documents), aside)
    summary["benchmarks"] = {name: {"items": size, "contaminated": found[name]} for name, size in sizes.items()}
    summary["scores"] = None
    known = np.array([item.score is not None for item in items])
    if known.any():
        values = np.array([item.score or 0.0 for item in items])
        summary["scores"] = compare_scores(values[known], dirty[known])
    if index.count and len(documents) > alarm_rate * index.count:
        summary["alarms"].append(f"{len(documents) / index.count:.0%} of all documents were removed")
    crowd = Counter((hit["benchmark"], hit["item"]) for hit in hits)
    for (name, number), count in crowd.most_common(5):
        if count > max(20, index.count // 1000):
            summary["alarms"].append(f"item {number} of {name} alone is in {count} documents: is it too general?")
    return summary
