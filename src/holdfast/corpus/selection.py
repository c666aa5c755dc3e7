"""The verb `holdfast.corpus.select(...)`: keep the documents that are worth training on, say of the rest why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from holdfast.corpus.digests import HASH
from holdfast.corpus.output import write_outputs
from holdfast.corpus.records import Fields, read_pieces
from holdfast.corpus.scan import Arrays, Index, Scan, sample_texts, scan_shard
from holdfast.corpus.sources import cut, find_sources, wrong
from holdfast.corpus.summary import check_broken, summary_of, troubles
from holdfast.corpus.vectors import Lexical, look_at_words, vectors_of
from holdfast.corpus.workspace import Workspace, workspace
from holdfast.curation import D4, GOTD, ClusterClip, PerplexitySampling
from holdfast.engine.stage import Tell
from holdfast.engine.store import read_arrays
from holdfast.ops.byte_grams import ByteGrams
from holdfast.ops.text_features import counts_of, log_ratio, word_hashes

METHODS = ("importance", "transport", "balance", "diverse", "perplexity")
BUCKETS = 10_000
SAMPLE = 2000  # documents from which it is learnt how frequent words are
LEARNT = 4000  # texts that the small language model reads
TARGETS = 2000  # texts of the target that transport is measured to
WORD = 6  # bytes: perplexity is that of a word of so many
TOGETHER = 4000  # candidates whose transport is worked out together


@dataclass(frozen=True)
class Chosen:
    """Documents that stay; of the others a score, the rule, and the document that each repeats (-1: none)."""

    kept: np.ndarray
    score: np.ndarray
    rule: np.ndarray
    matched: np.ndarray
    extra: dict[str, Any]


def select(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    method: str,
    keep: float = 0.5,
    target: str | Path | Sequence[str | Path] | None = None,
    embeddings: str | Path | np.ndarray | None = None,
    text: str = "text",
    id: str = "id",
    broken: str = "aside",
    seed: int = 0,
    engine: str = "local",
    workers: int | None = None,
    force: bool = False,
    work: str | Path | None = None,
    progress: Tell | None = None,
) -> dict[str, Any]:
    """Write the share `keep` of the documents of `inputs` to the folder `out`; return the summary.

    `method`: importance (words like those of `target`, by importance resampling), transport (most needed to come to
    `target`, by gradients of an optimal transport), balance (all topics alike), diverse (D4: without semantic
    duplicates and prototypes), perplexity (the middle of a small language model learnt on `target`, or on a sample).
    Topics and distances are those of `embeddings` (a row a document), else of words. `restore` puts everything back.
    """
    check_broken(broken)
    _check(method, keep, target, embeddings)
    sources = find_sources(inputs)  # type: ignore[arg-type]
    fields = Fields(text, id)
    wanted = [] if target is None else find_sources(target)  # type: ignore[arg-type]
    settings = {"command": "select", "method": method, "keep": keep, "seed": seed, "fields": asdict(fields)}
    settings |= {
        "broken": broken,
        "hash": HASH,
        "target": [asdict(one) for one in wanted],
        "given": embeddings is not None,
    }
    with workspace(
        out, sources, settings, engine=engine, workers=workers, force=force, tell=progress, work=work
    ) as place:  # fmt: skip
        told = place.once(
            "decided",
            lambda: _decided(place, sources, fields, method, keep, _target_texts(wanted, fields), embeddings, seed,
                             broken, settings),
        )  # fmt: skip
        write_outputs(place, sources, told["rows"], cut(sources)[2], fields)
        place.finish(told["summary"])
    return dict(told["summary"])


def _decided(
    place: Workspace, sources: list[Any], fields: Fields, method: str, keep: float, aim: list[str], embeddings: Any,
    seed: int, broken: str, settings: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Read all, and decide what stays: the rows of the provenance, and the summary."""
    shards, weights, piece = cut(sources)
    look, shared = _prepared(
        method, embeddings is not None, aim, sample_texts(sources, shards, piece, fields, SAMPLE)
    )  # fmt: skip
    total = sum(source.size for source in sources)
    scan = Scan(sources, piece, fields, look, shared, total, exact=look is None)
    _, pieces = place.stage("scan", scan_shard, scan, shards, weights, "reading")
    index = Index(sources, pieces)
    chosen = _chosen(method, index, keep, seed, aim, shared, embeddings)
    found = _provenance(index, chosen)
    aside = troubles(index, "broken", broken)
    summary = summary_of(index, settings, Counter(row["rule"] for row in found), len(found), aside) | chosen.extra
    return {"rows": found + aside, "summary": summary}


def _check(method: str, keep: float, target: Any, embeddings: Any) -> None:
    if method not in METHODS:
        raise wrong(f"method {method!r}: expected one of {', '.join(METHODS)}.")
    if not 0 < keep < 1:
        raise wrong(f"keep {keep}: expected a share of the documents above 0 and below 1, such as 0.5.")
    if target is None and method in ("importance", "transport"):
        raise wrong(f"{method} needs --target: texts that show what is wanted.")
    if target is not None and method in ("balance", "diverse"):
        raise wrong(f"{method} looks at no target. Did you mean importance or transport?")
    if embeddings is not None and method in ("importance", "perplexity"):
        raise wrong(f"{method} reads words, no embeddings.")
    if embeddings is not None and method == "transport":
        raise wrong("transport compares with the target, which has no embeddings: it makes its own vectors of words.")


def _target_texts(sources: list[Any], fields: Fields) -> list[str]:
    """The texts of the target, as many as are looked at."""
    texts: list[str] = []
    shards, _, piece = cut(sources) if sources else ([], [], 1)
    for shard in shards:
        for found in read_pieces(sources[shard.source], shard, piece, fields):
            texts += found.texts
        if len(texts) > 50_000:
            break
    if sources and not any(one.strip() for one in texts):
        raise wrong("--target holds no text.")
    return texts


def _prepared(
    method: str, given: bool, aim: list[str], sample: list[str]
) -> tuple[Callable[[np.ndarray, np.ndarray, Any, Any], Arrays] | None, Any]:
    if method == "importance":
        return _look_at_counts, None
    if method == "perplexity":
        texts = (aim or sample)[:LEARNT]
        return _look_at_bytes, [ByteGrams(order=5).learn(t for t in texts if _half(t) != half) for half in (0, 1)]
    return (None, None) if given else (look_at_words, Lexical.learn(sample))


def _look_at_counts(text: np.ndarray, starts: np.ndarray, settings: Any, tools: Any) -> Arrays:  # noqa: ARG001
    words, _, ends = tools.word_hashes(text, starts)
    counts = counts_of(words, ends, BUCKETS)
    data = np.minimum(counts.data, np.iinfo(np.uint16).max).astype(np.uint16)
    return {"columns": counts.indices.astype(np.uint16), "counts": data, "ends": counts.indptr.astype(np.int64)}


def _look_at_bytes(text: np.ndarray, starts: np.ndarray, models: list[ByteGrams], tools: Any) -> Arrays:  # noqa: ARG001
    """Every text by the model that has not read it, nor a copy."""
    whole = text.tobytes()
    texts = [whole[low:high].decode("utf-8", "replace") for low, high in pairwise(starts.tolist())]
    half, value = np.array(list(map(_half, texts)), dtype=np.int64), np.zeros(len(texts))
    for side, model in enumerate(models):
        rows = np.flatnonzero(half == side)
        value[rows] = model.log_probs(texts[row] for row in rows)
    return {"perplexity": np.exp(-WORD * value)}


def _half(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass")) & 1


def _chosen(method: str, index: Index, keep: float, seed: int, aim: list[str], shared: Any, embeddings: Any) -> Chosen:
    n = index.count
    budget = max(1, round(keep * n))
    rule, matched = np.full(n, "unselected", dtype=object), np.full(n, -1, dtype=np.int64)
    if n == 0:
        return Chosen(np.empty(0, dtype=np.int64), np.empty(0), rule, matched, {})
    if method == "importance":
        return _by_importance(index, budget, seed, aim, rule, matched)
    if method == "perplexity":
        value = index.gather("perplexity")
        kept = PerplexitySampling(seed=seed, factor=1.0).select_rows(perplexity=value, budget=budget)
        if len(kept) < budget:  # few documents have a chance at all: the likeliest of the rest fill up
            rest = np.setdiff1d(np.arange(n), kept)
            kept = np.append(kept, rest[np.argsort(np.abs(value[rest] - np.median(value)))][: budget - len(kept)])
        return Chosen(kept, value, rule, matched, {"perplexity": np.quantile(value, [0, 0.25, 0.5, 0.75, 1]).tolist()})
    X = vectors_of(index, embeddings)
    if method == "balance":
        kept = ClusterClip(keep=1.0, seed=seed).select_rows(X=X, budget=budget)
        return Chosen(kept, np.full(n, np.nan), rule, matched, {})
    if method == "diverse":
        selector = D4(keep=keep, dedup=max(0.75, keep), seed=seed)
        kept = selector.select_rows(X=X)
        rule = np.array(["unselected", "semantic", "prototype"], dtype=object)[selector.stage_]
        return Chosen(kept, np.full(n, np.nan), rule, selector.matched_, {})
    gradient = _gradients(X, shared.of_texts(aim[:TARGETS]), seed)
    return Chosen(np.argsort(gradient, kind="stable")[:budget], gradient, rule, matched, {})


def _gradients(X: np.ndarray, target: np.ndarray, seed: int) -> np.ndarray:
    """Of all candidates, dealt out by chance to parts that are each measured against the whole target."""
    part = np.random.default_rng(seed).permutation(len(X)) % (1 + (len(X) - 1) // TOGETHER)
    gradient = np.empty(len(X))
    for number in range(int(part.max()) + 1):
        rows = np.flatnonzero(part == number)
        method = GOTD()
        method.select_rows(ref_X=X[rows], cur_X=target)
        gradient[rows] = method.gradient_
    return gradient


def _by_importance(
    index: Index, budget: int, seed: int, aim: list[str], rule: np.ndarray, matched: np.ndarray
) -> Chosen:
    """As `curation.DSIR`, from counts that lie on disk."""
    from scipy.sparse import csr_matrix

    from holdfast.ops.text_features import as_buffer

    def counted(path: Path) -> Any:
        held = read_arrays(path, ("columns", "counts", "ends"))
        shape = len(held["ends"]) - 1, BUCKETS
        return csr_matrix(
            (held["counts"].astype(np.int64), held["columns"].astype(np.int64), held["ends"]), shape=shape
        )

    wanted = np.asarray(counts_of(*word_hashes(*as_buffer(aim)), BUCKETS).sum(axis=0)).ravel()
    totals = sum(np.asarray(counted(path).sum(axis=0)).ravel() for path in index.pieces)
    ratio = log_ratio(wanted, np.asarray(totals), 1.0)
    weight = np.concatenate([np.asarray(counted(path) @ ratio).ravel() for path in index.pieces])
    order = np.argsort(-(weight + np.random.default_rng(seed).gumbel(size=len(weight))), kind="stable")
    stays = np.zeros(len(weight), dtype=bool)
    stays[order[:budget]] = True
    chosen = sum(
        np.asarray(counted(path)[stays[low:high]].sum(axis=0)).ravel()
        for path, low, high in zip(index.pieces, index.first[:-1], index.first[1:], strict=True)
    )
    share = (wanted + 1.0) / (wanted + 1.0).sum()
    reduction = float(share @ ratio) - float(share @ log_ratio(wanted, np.asarray(chosen), 1.0))
    return Chosen(order[:budget], weight, rule, matched, {"kl_reduction": reduction})


def _provenance(index: Index, chosen: Chosen) -> list[dict[str, Any]]:
    stays = np.zeros(index.count, dtype=bool)
    stays[chosen.kept] = True
    gone = np.flatnonzero(~stays)
    others = {int(one): index.describe(int(one)) for one in np.unique(chosen.matched[gone]) if one >= 0}
    rows = []
    for document in gone.tolist():
        match = others.get(int(chosen.matched[document]), {"file": None, "line": None, "id": None})
        score = float(chosen.score[document])
        rows.append(
            {"rule": str(chosen.rule[document])}
            | index.describe(document)
            | {"matched_file": match["file"], "matched_line": match["line"], "matched_id": match["id"],
               "score": round(score, 4) if np.isfinite(score) else None, "span": None}
        )  # fmt: skip
    return rows
