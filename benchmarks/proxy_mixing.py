"""Mixtures from proxies trained here: are left-out runs predicted, and is the mixture that is found better?

    HOLDFAST_DATA=... python benchmarks/proxy_mixing.py [--runs 32] [--write]

Four groups of real text: articles (WikiText-2), plays (Tiny Shakespeare), posts and reviews (SQuADShifts). `--runs`
proxies are trained as `holdfast corpus mix --train` does it, and 12 more that no fit sees: Spearman's correlation of
their predicted with their measured mean loss, and how many fall into their 90 % interval. Then the natural mixture, the
even one and the one that was found are trained with five other seeds each: the difference with its interval (paired t).
`--write` appends to records/proxy_mixing.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy import stats

from holdfast.corpus import mix, proxy_runs
from holdfast.corpus.proxy_training import RATE, Phase, Proxy, Texts, train_proxy
from holdfast.corpus.records import Fields
from holdfast.corpus.sources import find_sources
from holdfast.datasets.corpora import WORDS
from holdfast.mixing import BayesianMix

RECORD = Path(__file__).parent / "records" / "proxy_mixing.json"
LEFT_OUT, SEEDS = 12, 5


def texts(name: str) -> Iterator[str]:
    """The texts of a group."""
    data = Path(os.environ["HOLDFAST_DATA"])
    if name in ("articles", "plays"):
        path = "wikitext2_valid_test/valid.txt.gz" if name == "articles" else "tinyshakespeare/input.txt.gz"
        words = gzip.decompress((data / path).read_bytes()).decode().split(" ")
        yield from (" ".join(words[start : start + WORDS]) for start in range(0, len(words), WORDS))
        return
    file = {"posts": "reddit", "reviews": "amazon_reviews"}[name]
    with gzip.open(data / "squadshifts" / f"{file}_v1.0.json.gz") as packed:
        for article in json.load(packed)["data"]:
            yield from (paragraph["context"] for paragraph in article["paragraphs"])


def write_groups(folder: Path) -> dict[str, Path]:
    """The groups as JSON Lines."""
    for name in ("articles", "plays", "posts", "reviews"):
        lines = (json.dumps({"text": text}) + "\n" for text in texts(name) if text.strip())
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return {path.stem: path for path in sorted(folder.glob("*.jsonl"))}


def left_out(table: Any, names: list[str], runs: int) -> dict[str, Any]:
    """Runs that the fit has not seen, predicted by a Gaussian process on the others."""
    shares = table.select(names).to_numpy()
    losses = table.select([f"{name}_loss" for name in names]).to_numpy().mean(axis=1)
    mixer = BayesianMix().fit(proportions=shares[:runs], run_losses=losses[:runs])
    said, low, high = mixer.predict(shares[runs:])
    seen = losses[runs:]
    return {
        "spearman": float(stats.spearmanr(said, seen).statistic), "rmse": float(np.sqrt(np.mean((said - seen) ** 2))),
        "spread": float(seen.std()), "inside_90": int(((low <= seen) & (seen <= high)).sum()), "runs": len(seen),
    }  # fmt: skip


def trained(groups: dict[str, Path], mixtures: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The mean loss of every mixture with other seeds: other weights, other texts held out."""
    settings, found = Proxy(), {name: [] for name in mixtures}
    sources = {name: find_sources(path) for name, path in groups.items()}
    texts = Texts(sources, settings, Fields())
    for seed in range(1, SEEDS + 1):
        held, vocabulary = texts.groups(seed), texts.pairs.size
        for name, shares in mixtures.items():
            losses = train_proxy(held, [Phase(1.0, shares)], vocabulary, settings, seed)
            found[name].append(float(np.mean(list(losses.values()))))
    return found


def gain(losses: list[float], best: list[float]) -> dict[str, float]:
    """By how much the best mixture is below another, with the 90 % interval of the paired difference."""
    difference = np.array(losses) - np.array(best)
    half = stats.t.ppf(0.95, len(difference) - 1) * difference.std(ddof=1) / len(difference) ** 0.5
    return {
        "gain": float(difference.mean()),
        "low": float(difference.mean() - half),
        "high": float(difference.mean() + half),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=32)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        groups = write_groups(Path(place))
        names, started = list(groups), time.process_time()
        table = proxy_runs(groups, runs=asked.runs + LEFT_OUT)
        seconds = (time.process_time() - started) / (asked.runs + LEFT_OUT)
        natural = {name: float(table[name][0]) for name in names}
        found = mix(table[: asked.runs], groups=names, loss=[f"{name}_loss" for name in names], sizes=natural)
        best = np.array([row["best"] for row in found["proportions"]])
        mixtures = {"natural": np.array([*natural.values()]), "even": np.full(len(best), 1 / len(best)), "found": best}
        losses = trained(groups, mixtures)
    record = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "versions": {name: version(name) for name in ("holdfast", "numpy", "torch", "scikit-learn")},
        "groups": natural, "runs": asked.runs, "learning_rate": RATE,
        "cpu_seconds_a_run": round(seconds, 1), "method": found["method"],
        "proportions": found["proportions"], "coverage": found["coverage"],
        "left_out": left_out(table, names, asked.runs), "losses": losses,
        "below": {name: gain(losses[name], losses["found"]) for name in ("natural", "even")},
    }  # fmt: skip
    print(json.dumps(record, indent=1))
    if asked.write:
        records = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*records, record], indent=1) + "\n")


if __name__ == "__main__":
    main()
