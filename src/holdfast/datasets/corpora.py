"""Text corpora with known duplicates, for tests and benchmarks: real documents, longer runs by a Markov chain.

Real text comes from the folder that the environment variable `HOLDFAST_DATA` names; without it, from a small bundled
file, so that a test runs everywhere.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

WORDS = 300  # about so many in a document that is cut from a longer text
BUNDLED = Path(__file__).parent / "bundled" / "text" / "passages.txt"


@dataclass
class MadeCorpus:
    """Documents, and for every planted copy (its number) the original's number and the kind of its edits."""

    documents: list[str]
    origin: dict[int, int] = field(default_factory=dict)
    kind: dict[int, str] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        """As JSON Lines with `id` and `text`."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(
                json.dumps({"id": f"d{number}", "text": text}, ensure_ascii=False) + "\n"
                for number, text in enumerate(self.documents)
            )
        return path


@cache
def real_documents() -> tuple[str, ...]:
    """Distinct English documents of at least 200 characters, in an order that never changes."""
    folder = os.environ.get("HOLDFAST_DATA")
    source = _from_folder(Path(folder)) if folder else BUNDLED.read_text(encoding="utf-8").split("\n\n")
    documents = sorted({text.strip() for text in source if len(text.strip()) >= 200})
    return tuple(documents[place] for place in np.random.default_rng(1).permutation(len(documents)))


def make_corpus(count: int, *, copies: float = 0.05, edited: float = 0.05, seed: int = 0) -> MadeCorpus:
    """A corpus with exact copies and near copies at the given shares, shuffled.

    Half of the near copies have 5 to 15 % of their words changed all over ("scattered"), half one run of words
    ("block"): changed, taken out or new, a third each. Where there are too few real documents, those of a Markov chain
    of order two (one, at three steps of ten), learnt from them, fill up.
    """
    rng = np.random.default_rng(seed)
    n_copies, n_edited = int(count * copies), int(count * edited)
    real = real_documents()
    bases = list(real[: count - n_copies - n_edited])
    bases += markov_documents(count - n_copies - n_edited - len(bases), seed)
    vocabulary = np.array(" ".join(real[:500]).split())
    planted = rng.choice(len(bases), size=n_copies + n_edited, replace=n_copies + n_edited > len(bases))
    kinds = ["exact"] * n_copies + [("scattered", "block")[number % 2] for number in range(n_edited)]
    texts = bases + [_copy(bases[base], kind, vocabulary, rng) for base, kind in zip(planted, kinds, strict=True)]
    place = rng.permutation(len(texts))
    corpus = MadeCorpus([""] * len(texts))
    for number, text in enumerate(texts):
        corpus.documents[place[number]] = text
    for number, (base, kind) in enumerate(zip(planted, kinds, strict=True), start=len(bases)):
        corpus.origin[int(place[number])] = int(place[base])
        corpus.kind[int(place[number])] = kind
    return corpus


def markov_documents(count: int, seed: int = 0, block: int = 50_000) -> Iterator[str]:
    """Documents of a Markov chain over the words of the real ones, about as long as those."""
    if count <= 0:
        return
    words = " ".join(real_documents()).split()
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int32)
    table = list(known)
    pairs = codes[:-1].astype(np.int64) * len(table) + codes[1:]
    groups = [_group(pairs), _group(codes[1:])]
    rng = np.random.default_rng(seed)
    for start in range(0, count, block):
        n = min(block, count - start)
        lengths = np.clip(rng.lognormal(5.5, 0.5, size=n), 40, 2000).astype(np.int64)
        at = rng.integers(len(pairs), size=n)
        path = np.empty((n, int(lengths.max())), dtype=np.int32)
        for step in range(path.shape[1]):
            path[:, step] = codes[at + 1]
            short = rng.random(n) < 0.3
            for (order, first, size), chosen in zip(groups, (~short, short), strict=True):
                here = at[chosen]
                at[chosen] = order[first[here] + (rng.random(len(here)) * size[here]).astype(np.int64)] + 1
            at[at >= len(pairs)] = 0
        for row, length in zip(path, lengths, strict=True):
            yield " ".join([table[code] for code in row[:length]])


def edit_words(text: str, share: float, vocabulary: np.ndarray, rng: np.random.Generator) -> str:
    """Change a share of the words, each in a place of its own: swapped for another, taken out, or followed by one."""
    words = text.split()
    for at in sorted(rng.choice(len(words), size=max(1, round(share * len(words))), replace=False), reverse=True):
        action = rng.integers(3)
        words[at : at + 1] = [[str(rng.choice(vocabulary))], [], [words[at], str(rng.choice(vocabulary))]][action]
    return " ".join(words)


def _copy(text: str, kind: str, vocabulary: np.ndarray, rng: np.random.Generator) -> str:
    if kind == "exact":
        return text
    share = rng.uniform(0.05, 0.15)
    if kind == "scattered":
        return edit_words(text, share, vocabulary, rng)
    words = text.split()
    size = max(1, round(share * len(words)))
    at = int(rng.integers(len(words) - size + 1))
    new = [str(word) for word in rng.choice(vocabulary, size=size)]
    words[at : at + size] = [new, [], words[at : at + size] + new][rng.integers(3)]
    return " ".join(words)


def _group(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places in the order of their keys; for every place where its key's run begins, and how long the run is."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(keys)))
    first, size = np.empty(len(keys), dtype=np.int64), np.empty(len(keys), dtype=np.int64)
    first[order], size[order] = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    return order, first, size


def _from_folder(folder: Path) -> Iterator[str]:
    for name in ("movie_reviews", "state_union", "inaugural", "webtext", "brown"):
        with zipfile.ZipFile(folder / "nltk_corpora" / f"{name}.zip") as archive:
            for member in archive.namelist():
                leaf = member.rpartition("/")[2]
                if not re.fullmatch(r"c[a-r]\d\d" if name == "brown" else r"(?!README).*\.txt", leaf):
                    continue
                text = archive.read(member).decode("latin1")
                yield from _pieces(re.sub(r"/[^ \n]+", "", text) if name == "brown" else text, name == "movie_reviews")
    with tarfile.open(folder / "imdb_test_subset" / "imdb_test_1310reviewed_5000random.tar.xz") as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.name.endswith(".txt") else None
            if file is not None:
                yield file.read().decode().replace("<br />", "\n")
    for name in ("amazon_reviews", "new_wiki", "reddit"):
        with gzip.open(folder / "squadshifts" / f"{name}_v1.0.json.gz") as packed:
            for article in json.load(packed)["data"]:
                yield from (paragraph["context"] for paragraph in article["paragraphs"])
    for name in ("wikitext2_valid_test/valid", "wikitext2_valid_test/test", "tinyshakespeare/input"):
        yield from _pieces(gzip.decompress((folder / f"{name}.txt.gz").read_bytes()).decode())


def _pieces(text: str, whole: bool = False) -> Iterator[str]:
    if whole:
        yield text
        return
    words = text.split(" ")
    for start in range(0, len(words), WORDS):
        yield " ".join(words[start : start + WORDS])
