"""Data similarity is not enough to explain what a language model can do: texts to learn from against tasks.

Word vectors are learnt on each of six corpora (a low-rank factor of words against documents), and a linear classifier
stands on the mean vector of a text. For every task and corpus: three similarities between corpus and task, and the
accuracy that the corpus gives, above that of the most frequent class. Rank correlations over the six corpora, by task,
with an interval over tasks.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from typing import Any

import numpy as np
from common import data, over_seeds, write

from holdfast.core import Estimate
from holdfast.ops.byte_grams import ByteGrams
from holdfast.ops.text_features import embedded, hashed_counts, rarity
from holdfast.ops.text_similarity import divergence, mean_cosine

BUCKETS, RANK, DOCUMENTS, WORDS = 1 << 13, 40, 500, 60


def results() -> dict[str, Any]:
    """Similarities and accuracies of every pair, and how they go together."""
    corpora, tasks = _corpora(), _tasks()
    table: dict[str, Any] = {}
    for name, texts in corpora.items():
        counts = hashed_counts(texts, BUCKETS, orders=(1,))
        weights = rarity(np.bincount(counts.indices, minlength=BUCKETS), len(texts))
        factor = _factor(counts, weights)
        model = ByteGrams(order=4, bits=18).learn(texts)
        for task, (task_texts, labels) in tasks.items():
            other = hashed_counts(task_texts, BUCKETS, orders=(1,))
            totals = [np.asarray(part.sum(axis=0)).ravel() for part in (counts, other)]
            table.setdefault(task, {})[name] = {
                "words": -divergence(*totals),
                "vectors": mean_cosine(embedded(counts, weights, 64), embedded(other, weights, 64)),
                "likelihood": float(model.log_probs(task_texts).mean()),
                "accuracy": _accuracy(other, weights, factor, labels),
            }
    measures = ("words", "vectors", "likelihood")
    found: dict[str, Any] = {"pairs": table}
    found["similarity with accuracy"] = {one: _over_tasks(table, one, "accuracy") for one in measures}
    found["with each other"] = {
        f"{one}, {other}": _over_tasks(table, one, other)
        for at, one in enumerate(measures)
        for other in measures[at + 1 :]
    }
    return found


def _over_tasks(table: dict[str, Any], one: str, other: str) -> Estimate:
    """Mean Spearman correlation over tasks, with the 90 % interval of a mean."""
    from scipy.stats import spearmanr

    pairs = [[[row[key] for row in rows.values()] for key in (one, other)] for rows in table.values()]
    found = over_seeds([float(spearmanr(*pair)[0]) for pair in pairs])
    return found._replace(low=max(found.low, -1.0), high=min(found.high, 1.0))


def _factor(counts: Any, weights: np.ndarray) -> np.ndarray:
    from scipy.sparse.linalg import svds

    scaled = counts.astype(float).multiply(weights[None]).tocsr()
    start = np.random.default_rng(0).normal(size=min(scaled.shape))
    _, values, rows = svds(scaled, k=RANK, v0=start)
    return rows.T * np.sqrt(values)[None]


def _accuracy(counts: Any, weights: np.ndarray, factor: np.ndarray, labels: np.ndarray) -> float:
    """Of a ridge classifier on the mean word vector, on the second half of the texts, above the most frequent class."""
    vectors = np.asarray(counts.astype(float).multiply(weights[None]).tocsr() @ factor)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    X = np.column_stack([np.ones(len(vectors)), vectors])
    half = len(X) // 2
    targets = labels[:, None] == np.unique(labels)[None]
    inverse = np.linalg.solve(
        X[:half].T @ X[:half] + 0.1 * np.eye(X.shape[1]), X[:half].T @ targets[:half].astype(float)
    )
    guess = np.unique(labels)[(X[half:] @ inverse).argmax(axis=1)]
    return float((guess == labels[half:]).mean() - np.bincount(labels[half:]).max() / (len(X) - half))


def _corpora() -> dict[str, list[str]]:
    shakespeare = gzip.decompress(data("tinyshakespeare", "input.txt.gz").read_bytes()).decode()
    wikipedia = gzip.decompress(data("wikitext2_valid_test", "valid.txt.gz").read_bytes()).decode()
    captions = gzip.decompress(data("ood_text", "train.txt.gz").read_bytes()).decode()
    problems = gzip.decompress(data("gsm8k", "train.jsonl.gz").read_bytes()).decode()
    return {
        "plays": _pieces(shakespeare), "encyclopaedia": _pieces(wikipedia), "captions": _pieces(captions),
        "problems": _pieces(problems), "film reviews": _pieces(_archive("movie_reviews.zip")),
        "speeches": _pieces(_archive("state_union.zip")),
    }  # fmt: skip


def _archive(name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data("nltk_corpora", name).read_bytes())) as archive:
        names = sorted(one for one in archive.namelist() if one.endswith(".txt"))
        return " ".join(archive.read(one).decode("latin-1") for one in names[:: max(1, len(names) // 60)])


def _pieces(text: str) -> list[str]:
    words = text.split()
    step = max(WORDS, len(words) // DOCUMENTS)
    return [" ".join(words[at : at + WORDS]) for at in range(0, len(words) - WORDS, step)][:DOCUMENTS]


def _tasks() -> dict[str, tuple[list[str], np.ndarray]]:
    """Texts and labels of five tasks, six hundred of each."""
    found = {}
    for name in ("amazon_cells_labelled.txt", "imdb_labelled.txt.gz", "yelp_labelled.txt.gz"):
        packed = data("sentiment_sentences_3domains", name).read_bytes()
        raw = (gzip.decompress(packed) if name.endswith(".gz") else packed).decode()
        rows = [line.rsplit("\t", 1) for line in raw.split("\n") if "\t" in line]
        found[name.partition("_")[0]] = [row[0] for row in rows], [int(row[1]) for row in rows]
    raw = gzip.decompress(data("sms_spam", "SMSSpamCollection.gz").read_bytes()).decode()
    rows = [line.split("\t", 1) for line in raw.split("\n") if "\t" in line]
    found["spam"] = [row[1] for row in rows], [int(row[0] == "spam") for row in rows]
    raw = gzip.decompress(data("ag_news", "test.csv.gz").read_bytes()).decode()
    news = [re.findall(r'"((?:[^"]|"")*)"', line) for line in raw.split("\n") if line]
    found["news"] = [" ".join(row[1:]) for row in news], [int(row[0]) for row in news]
    order = np.random.default_rng(0)
    chosen = {}
    for name, (texts, labels) in found.items():
        rows = order.permutation(len(texts))[:600]
        chosen[name] = [texts[row] for row in rows], np.array(labels)[rows]
    return chosen


if __name__ == "__main__":
    write(__file__, results)
