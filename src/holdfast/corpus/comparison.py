"""The verb `holdfast.corpus.compare(...)`: in what two corpora differ, and what stands in one and not in the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.core import Estimate
from holdfast.corpus.digests import digests
from holdfast.corpus.records import Fields, read_pieces
from holdfast.corpus.sources import cut, find_sources, wrong
from holdfast.corpus.vectors import Lexical
from holdfast.engine.stage import Tell
from holdfast.ops.byte_grams import ByteGrams
from holdfast.ops.text_features import as_buffer, counts_of, word_hashes
from holdfast.ops.text_similarity import divergence, mean_cosine, shared_mass
from holdfast.report.tables import Tables
from holdfast.shift import ContrastiveGenerativeExploration, StatisticalTendencies, TextGap

BUCKETS = 1 << 16
DOMAINS = 200  # more are put together as "others"
PER_DOMAIN = 1000  # documents of a domain that are held to draw samples from
SHOWN = 5
NOVEL = 0.05  # of the documents of A that were left out, so many count as new


@dataclass
class _Domain:
    """Of one side of one domain: documents, words, counts of hashed words, and a sample of the documents."""

    documents: int = 0
    words: int = 0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(BUCKETS, dtype=np.int64))
    sample: list[tuple[float, str]] = field(default_factory=list)
    shared: int = 0


@dataclass
class _Side:
    """One corpus: its domains, the keys of its texts, and how many records could not be read."""

    domains: dict[str, _Domain]
    keys: np.ndarray
    labels: list[str]
    label: np.ndarray
    broken: int

    def sample(self, count: int) -> tuple[list[str], list[str]]:
        """Texts of all domains, by chance, and the domain of each."""
        drawn = sorted((*one, name) for name, domain in self.domains.items() for one in domain.sample)[:count]
        return [text for _, text, _ in drawn], [name for _, _, name in drawn]

    def total(self) -> np.ndarray:
        """Counts of hashed words over all domains."""
        return np.sum([domain.counts for domain in self.domains.values()], axis=0)


def compare(
    a: str | Path | Sequence[str | Path],
    b: str | Path | Sequence[str | Path],
    *,
    text: str = "text",
    domain: str | None = None,
    sample: int = 600,
    seed: int = 0,
    progress: Tell | None = None,
) -> Tables:
    """Compare two corpora; both are read once, and a sample of each domain is looked at closely.

    Parameters
    ----------
    a, b
        Files, folders or URLs, as for every command of this package: b is compared with a.
    text, domain
        The field of the text, and the field that says to which domain a document belongs; by default its file.
    sample
        Documents of each side on which laws, gaps and novelty are worked out.

    Returns
    -------
    Tables
        `overlap` (texts of one that stand in the other word for word), `laws` and `gaps` (statistical tendencies and
        signs of decoding, each with a p-value), `similarity` (words, vectors, perplexity; with intervals), `novelty`
        (share of b that is new against a, the documents that are most so, and lines made up to show what is),
        `domains` (share of each on both sides, what is new in it, its nearest domain on the other side).
    """
    if sample < 20:
        raise wrong(f"sample {sample}: expected at least 20 documents.")
    tell = progress or (lambda title, done, total: None)
    sides = [_read(given, Fields(text, domain or "id"), domain, seed, tell) for given in (a, b)]
    for name, side in zip(("A", "B"), sides, strict=True):
        if not len(side.keys):
            raise wrong(f"corpus {name} holds no document.")
    one, other = sides
    _count_shared(one, other)
    (ref, _), (cur, names) = (side.sample(sample) for side in sides)
    texts = [ref, cur]
    if min(len(part) for part in texts) < 8:
        raise wrong(f"{len(texts[0])} and {len(texts[1])} documents; expected at least 8 on each side.")
    found: dict[str, Any] = {
        "overlap": _overlap(one, other), **_tests(texts, seed), "similarity": _similarity(one, other, texts, seed),
        **_novelty(one, other, texts, names),
    }  # fmt: skip
    return Tables(_record(found))


def _read(given: Any, fields: Fields, domain: str | None, seed: int, tell: Tell) -> _Side:
    sources = find_sources(given)
    shards, weights, piece = cut(sources)
    rng = np.random.default_rng(seed)
    side = _Side({}, np.empty((0, 2), dtype=np.uint64), [], np.empty(0, dtype=np.int64), 0)
    keys, labels, done = [], [], 0
    for shard, weight in zip(shards, weights, strict=True):
        for found in read_pieces(sources[shard.source], shard, piece, fields):
            names = (
                [name or "(none)" for name in found.ids] if domain else [sources[shard.source].name] * len(found.texts)
            )
            labels.append(_add(side, names, found.texts, rng))
            keys += digests(found.texts)
            side.broken += len(found.broken)
        done += weight
        tell("reading", done, sum(weights))
    side.keys = np.frombuffer(b"".join(keys), dtype=np.uint64).reshape(-1, 2)
    side.label = np.concatenate([*labels, np.empty(0, dtype=np.int64)])
    return side


def _add(side: _Side, names: list[str], texts: list[str], rng: np.random.Generator) -> np.ndarray:
    """Count a piece; the number of every document's domain."""
    words, ends = word_hashes(*as_buffer(texts))
    counts, draws = counts_of(words, ends, BUCKETS, orders=(1,)), rng.random(len(texts))
    names = [name if name in side.domains or len(side.domains) < DOMAINS else "others" for name in names]
    for name in dict.fromkeys(names):
        if name not in side.domains:
            side.domains[name] = _Domain()
            side.labels.append(name)
    code = np.array([side.labels.index(name) for name in names], dtype=np.int64)
    for number in np.unique(code).tolist():
        rows, about = np.flatnonzero(code == number), side.domains[side.labels[number]]
        about.documents += len(rows)
        about.words += int(np.diff(ends)[rows].sum())
        about.counts += np.asarray(counts[rows].sum(axis=0)).ravel()
        about.sample += [(float(draws[row]), texts[row]) for row in rows if texts[row].strip()]
        about.sample = sorted(about.sample)[:PER_DOMAIN]
    return code


def _count_shared(one: _Side, other: _Side) -> None:
    """How many documents of every domain stand in the other corpus word for word."""
    for mine, theirs in ((one, other), (other, one)):
        known = np.unique(theirs.keys[:, 0] ^ theirs.keys[:, 1])
        inside = np.isin(mine.keys[:, 0] ^ mine.keys[:, 1], known)
        for number, count in enumerate(np.bincount(mine.label[inside], minlength=len(mine.labels)).tolist()):
            mine.domains[mine.labels[number]].shared = int(count)


def _stands_in(side: _Side, texts: list[str]) -> np.ndarray:
    """Which texts a corpus holds word for word."""
    mine = np.frombuffer(b"".join(digests(texts)), dtype=np.uint64).reshape(-1, 2)
    return np.isin(mine[:, 0] ^ mine[:, 1], side.keys[:, 0] ^ side.keys[:, 1])


def _overlap(one: _Side, other: _Side) -> dict[str, Any]:
    shared = [sum(domain.shared for domain in side.domains.values()) for side in (one, other)]
    return {
        "a": {"documents": len(one.keys), "also_in_b": shared[0], "broken": one.broken},
        "b": {"documents": len(other.keys), "also_in_a": shared[1], "broken": other.broken},
    }


def _tests(texts: list[list[str]], seed: int) -> dict[str, Any]:
    few = min(len(part) for part in texts)
    ref, cur = (np.array(part[:few], dtype=object) for part in texts)  # equal sides: some measures see sizes
    laws, gaps = StatisticalTendencies(seed=seed), TextGap(permutations=99, seed=seed)
    found = {"laws": laws.measure(ref_text=ref, cur_text=cur), "gaps": gaps.measure(ref_text=ref, cur_text=cur)}
    parts = {"laws": laws.tendencies_, "gaps": gaps.gaps_}
    return {
        name: {"all": whole._asdict(), **{key: one._asdict() for key, one in parts[name].items()}}
        for name, whole in found.items()
    }


def _similarity(one: _Side, other: _Side, texts: list[list[str]], seed: int) -> dict[str, Any]:
    """Whole corpora by words; samples, with intervals over their documents, by vectors and a language model."""
    ref, cur = texts
    lexical = Lexical.learn([*ref, *cur])
    X, Y = lexical.of_texts(ref), lexical.of_texts(cur)
    half = len(ref) // 2
    model = ByteGrams(order=5).learn(ref[:half])
    read = set(ref[:half])
    gap = -model.log_probs(ref[half:]), -model.log_probs([text for text in cur if text not in read] or cur)
    rng = np.random.default_rng(seed)

    def again(part: np.ndarray) -> np.ndarray:
        return part[rng.integers(len(part), size=len(part))]

    cosines = [mean_cosine(again(X), again(Y)) for _ in range(99)]
    means = [again(gap[1]).mean() - again(gap[0]).mean() for _ in range(99)]
    low, high = np.quantile(cosines, [0.05, 0.95])
    value = mean_cosine(X, Y)
    bits = float(gap[1].mean() - gap[0].mean())
    few, many = np.quantile(means, [0.05, 0.95])
    n = len(ref) + len(cur)
    return {
        "words": {"shared": shared_mass(one.total(), other.total()), "b_from_a": divergence(one.total(), other.total()),
                  "a_from_b": divergence(other.total(), one.total())},
        "vectors": Estimate(value, min(float(low), value), max(float(high), value), n)._asdict(),
        "surprise": Estimate(bits, min(float(few), bits), max(float(many), bits), n)._asdict(),
    }  # fmt: skip


def _novelty(one: _Side, other: _Side, texts: list[list[str]], names: list[str]) -> dict[str, Any]:
    """What of b is new against a, over all and by domain: judged by documents of a that were left out.

    A document is scored by models that have not read it, so that what is odd but stands alone is not called new.
    """
    ref, cur = texts
    half = len(ref) // 2
    known, left = np.array(ref[:half], dtype=object), np.array(ref[half:], dtype=object)
    new, copied = np.array(cur, dtype=object), _stands_in(one, cur)
    score, clean = np.empty(len(new)), np.empty(len(left))
    for turn in (0, 1):
        others = np.concatenate([left[1 - turn :: 2], new[1 - turn :: 2][~copied[1 - turn :: 2]]])
        method = ContrastiveGenerativeExploration().fit(ref_text=known, cur_text=others)
        score[turn::2] = method.score_rows(text=new[turn::2])
        clean[turn::2] = method.score_rows(text=left[turn::2])
    is_new = (score > float(np.quantile(clean, 1 - NOVEL))) & ~copied
    score[copied] = -np.inf
    shown = [row for row in np.argsort(-score, kind="stable")[:SHOWN].tolist() if not copied[row]]
    whole = ContrastiveGenerativeExploration().fit(ref_text=known, cur_text=np.concatenate([left, new]))
    return {
        "novelty": {
            "share": _share(int(is_new.sum()), len(score)), "chance": NOVEL,
            "documents": [{"text": cur[row][:300], "score": float(score[row])} for row in shown],
            "made_up": whole.generate(SHOWN),
        },
        "domains": [
            _domain(name, one, other, is_new[np.array(names) == name])
            for name in dict.fromkeys([*one.labels, *other.labels])
        ],
    }  # fmt: skip


def _domain(name: str, one: _Side, other: _Side, is_new: np.ndarray) -> dict[str, Any]:
    mine, theirs = one.domains.get(name, _Domain()), other.domains.get(name)
    row: dict[str, Any] = {"domain": name, "a": mine.documents, "b": 0, "also_in_a": 0, "looked_at": len(is_new)}
    row |= {"new": float(is_new.mean()) if len(is_new) else None, "nearest": None, "alike": None}
    if theirs is None:
        return row
    near = _nearest(one, theirs)
    alike = shared_mass(one.domains[near].counts, theirs.counts)
    return row | {"b": theirs.documents, "also_in_a": theirs.shared, "nearest": near, "alike": alike}


def _nearest(side: _Side, domain: _Domain) -> str:
    """The domain whose words are most like those of another."""
    return max(side.labels, key=lambda label: shared_mass(side.domains[label].counts, domain.counts))


def _share(count: int, n: int) -> dict[str, Any]:
    """With the Wilson interval at 90 %."""
    z, share = 1.6448536269514722, count / n
    middle, half = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (float(np.clip(part / (1 + z * z / n), 0, 1)) for part in (middle - half, middle + half))
    return Estimate(share, min(low, share), max(high, share), n)._asdict()


def _record(found: dict[str, Any]) -> dict[str, Any]:
    overlap, similarity, novelty = found["overlap"], found["similarity"], found["novelty"]
    new = novelty["share"]
    tests = [
        [f"{title}: {name}", one, one["pvalue"]]
        for title, part in (("law", found["laws"]), ("gap", found["gaps"]))
        for name, one in part.items()
        if name != "all"
    ]
    worst = sorted(found["domains"], key=lambda row: -(row["new"] or 0) * row["b"])
    tables = [
        {
            "title": "How alike",
            "head": ["measure", "value"],
            "rows": [
                ["words in common (1 = used alike)", similarity["words"]["shared"]],
                ["divergence of B from A, nats a word", similarity["words"]["b_from_a"]],
                ["cosine of mean vectors", similarity["vectors"]],
                ["surprise of A's language model at B, nats a byte", similarity["surprise"]],
                ["share of B that is new", new],
            ],
        },
        {
            "title": "Laws of language and signs of decoding, B against A",
            "head": ["test", "estimate", "p"],
            "rows": tests,
        },
        {
            "title": "By domain",
            "head": ["domain", "in A", "in B", "copies from A", "new", "nearest in A", "alike"],
            "rows": [
                [row["domain"], row["a"], row["b"], row["also_in_a"], row["new"], row["nearest"], row["alike"]]
                for row in worst[:30]
            ],
        },
        {
            "title": "Newest documents of B",
            "head": ["score", "text"],
            "rows": [[row["score"], row["text"]] for row in novelty["documents"]],
        },
        {"title": "Made up to show what is new", "head": ["line"], "rows": [[line] for line in novelty["made_up"]]},
    ]
    notes = [
        "Similarity alone does not say which corpus makes the better model: measure that on a task.",
        f"By the same rule {novelty['chance']:.0%} of A itself would count as new.",
    ]
    broken = overlap["a"]["broken"] + overlap["b"]["broken"]
    if broken:
        notes.append(f"{broken} broken records were left out.")
    parts = [
        f"{overlap['b']['also_in_a']:,} of {overlap['b']['documents']:,} documents of B stand in A word for word "
        f"({overlap['a']['also_in_b']:,} of {overlap['a']['documents']:,} the other way)",
        f"{new['value']:.0%} of B ({new['low']:.0%} to {new['high']:.0%}) is new",
    ]
    return {"schema": "holdfast/corpus-compare/1", "verdict": "; ".join(parts) + ".", **found, "tables": tables,
            "notes": notes}  # fmt: skip
