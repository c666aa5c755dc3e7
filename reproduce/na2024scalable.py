"""Scalable data ablation approximations for language models: does an average of experts rank mixtures?

Tiny causal transformers on four groups of real text: articles (WikiText-2), plays (Tiny Shakespeare), posts and reviews
(SQuADShifts). A start is trained on all four; from it one expert goes on with each group, and one model with the
union of each of the eleven subsets of two groups or more, as many tokens of a group as its expert got. The loss of the
average of a subset's experts is held against that of the model trained on its union: rank correlation over subsets, on
the held-out texts of every group and of all. Beside it: the mean of the experts' losses, which needs no averaging of
weights; and how much worse, when trained, the subset is that is chosen without any training on unions.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import data, over_seeds, write
from scipy.stats import spearmanr

from holdfast.corpus.proxy_training import BATCH, RATE, Group, Proxy, Supply, Texts, losses, new_network
from holdfast.corpus.records import Fields
from holdfast.corpus.sources import find_sources
from holdfast.merging import UniformSoup
from holdfast.nets.batches import Batches
from holdfast.nets.language_model import padded, train_on_batches

NAMES = ("articles", "plays", "posts", "reviews")
SUBSETS = [subset for size in (2, 3, 4) for subset in combinations(range(len(NAMES)), size)]
SEEDS, START, EXPERT = 6, 1500, 150  # rows of codes: of the start, and of an expert
SETTINGS = Proxy(width=64, depth=2, context=128, read=300_000)
LEARNT = RATE / 3  # the rate with which experts go on


def results() -> dict[str, Any]:
    """Rank correlations and what a choice without training on unions costs, with 90 % intervals over seeds."""
    with tempfile.TemporaryDirectory() as folder:
        sources = {name: find_sources(written(Path(folder), name)) for name in NAMES}
        texts = Texts(sources, SETTINGS, Fields())
        runs = [of_seed(texts, seed) for seed in range(SEEDS)]
    return {name: over_seeds([run[name] for run in runs]) for name in runs[0]}


def sample() -> dict[str, Any]:
    """Another start, shorter by far, with two experts and their average."""
    with tempfile.TemporaryDirectory() as folder:
        sources = {name: find_sources(written(Path(folder), name)) for name in NAMES}
        texts = Texts(sources, SETTINGS, Fields())
    groups = texts.groups(0)
    supply = Supply(groups, 0)
    start = trained(new_network(texts.pairs.size, SETTINGS, 0), supply.take(np.full(4, 0.25), 80), RATE, 0)
    experts = [trained(start, supply.take(np.eye(4)[place], 80), LEARNT, 0) for place in (0, 1)]
    models = {"start": start, "articles": experts[0], "plays": experts[1], "average": UniformSoup().edit(experts)}
    return {name: dict(zip(NAMES, scored(model, groups), strict=True)) for name, model in models.items()}


def of_seed(texts: Texts, seed: int) -> dict[str, float]:
    """One start, its experts and unions."""
    groups = texts.groups(seed)
    supply = Supply(groups, seed)
    start = trained(new_network(texts.pairs.size, SETTINGS, seed), supply.take(np.full(4, 0.25), START), RATE, seed)
    rows = [supply.take(np.eye(4)[place], EXPERT) for place in range(4)]
    experts = [trained(start, some, LEARNT, seed) for some in rows]
    alone = [scored(expert, groups) for expert in experts]
    found: dict[str, list[np.ndarray]] = {"average of experts": [], "mean of their losses": [], "trained": []}
    for subset in SUBSETS:
        found["average of experts"].append(scored(UniformSoup().edit([experts[place] for place in subset]), groups))
        found["mean of their losses"].append(np.mean([alone[place] for place in subset], axis=0))
        union = [row for place in subset for row in rows[place]]
        found["trained"].append(scored(trained(start, union, LEARNT, seed), groups))
    return judged({name: np.array(some) for name, some in found.items()})


def judged(found: dict[str, np.ndarray]) -> dict[str, float]:
    """(subsets, groups) losses by way, as correlations with those of the trained models and losses of a choice."""
    truth, made = found["trained"], {}
    for way in ("average of experts", "mean of their losses"):
        for place, name in enumerate(NAMES):
            made[f"{way}, rank correlation on {name}"] = float(spearmanr(found[way][:, place], truth[:, place])[0])
        every = found[way].mean(axis=1)
        made[f"{way}, rank correlation on all"] = float(spearmanr(every, truth.mean(axis=1))[0])
        lost = truth.mean(axis=1)[int(every.argmin())] - truth.mean(axis=1).min()
        made[f"{way}, bits lost by its choice"] = float(lost)
    made["bits between the best and the worst subset"] = float(np.ptp(truth.mean(axis=1)))
    return made


def trained(network: Any, rows: list[list[int]], rate: float, seed: int) -> Any:
    """A copy that has gone on with these rows in a random order."""
    order = np.random.default_rng(seed).permutation(len(rows))
    batches = Batches(padded([rows[place] for place in order]), batch_size=BATCH)
    return train_on_batches(network, batches, learning_rate=rate, seed=seed).model


def scored(model: Any, groups: dict[str, Group]) -> np.ndarray:
    """Bits per byte on the held-out texts of every group."""
    found = losses(model, groups)
    return np.array([found[name] for name in NAMES])


def written(folder: Path, name: str) -> Path:
    """The texts of a group as JSON Lines."""
    if name in ("articles", "plays"):
        parts = ("wikitext2_valid_test", "valid.txt.gz") if name == "articles" else ("tinyshakespeare", "input.txt.gz")
        words = gzip.decompress(data(*parts).read_bytes()).decode().split(" ")
        texts = [" ".join(words[first : first + 120]) for first in range(0, len(words), 120)]
    else:
        file = {"posts": "reddit", "reviews": "amazon_reviews"}[name]
        with gzip.open(data("squadshifts", f"{file}_v1.0.json.gz")) as packed:
            texts = [part["context"] for article in json.load(packed)["data"] for part in article["paragraphs"]]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts if text.strip()), encoding="utf-8")
    return path


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results, sample)
