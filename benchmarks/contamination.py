"""Tests of contamination: false alarms on a model that has read nothing of the test, power against how often it has.

    python benchmarks/contamination.py [--write] [--quick]

Text: WikiText-2 (HOLDFAST_DATA), cut into pieces of 14 words and dealt out at random; the worlds are those of the
language family (`faults/worlds/language.py`) with this text. A tiny transformer (64 wide, 2 layers) is trained for each
number of repeats, 0, 1, 2, 4, 8, 16, 32, among 2,000 other pieces. With 0 every test runs in 300 clean draws: the
count of p < .05 must lie within the 99 % binomial interval around the test's level. That is 5 %, but for exact tests
with few outcomes, which can only reach some levels: the largest below 5 % (option shuffling: so many of 30 items in one
of 8 orders; the exact order test: one of 25 places). All tests together
are joined by Holm's rule. With more, the power is the share of 40 draws with p < .05, and the AUROC of every score is
that of read against unread texts. Draws take other rows of one model. `--write` appends to records/contamination.json.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

RECORD = Path(__file__).parent / "records" / "contamination.json"
REPEATS = (0, 1, 2, 4, 8, 16, 32)
NULLS, DRAWS, LEVEL = 300, 40, 0.05
BACKGROUND = 2000  # other pieces, read once each


def main() -> None:
    quick = "--quick" in sys.argv
    record: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(), "machine": platform.platform(), "text": "WikiText-2",
        "level": LEVEL, "clean draws": NULLS, "draws": DRAWS,
    }  # fmt: skip
    for repeats in REPEATS[:: 3 if quick else 1]:
        said = subprocess.run(
            [sys.executable, __file__, "--repeats", str(repeats)], capture_output=True, text=True, check=False
        )
        if said.returncode:
            raise SystemExit(said.stderr[-2000:])
        record["clean" if repeats == 0 else f"read {repeats} times"] = json.loads(said.stdout.splitlines()[-1])
    print(json.dumps(record, indent=1))
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def cell(repeats: int) -> dict[str, Any]:
    """One model: false alarms where it has read nothing, power and AUROC elsewhere."""
    from holdfast.faults.worlds import _reader as reader

    start = time.process_time()
    reader.pieces = wikitext  # type: ignore[assignment]
    reader.model = lambda width=64: reader._model(64)  # one width is enough here
    reader.CLEAN, reader.CONTROL, reader.ORDERS = 1200, 200, 24  # the exact order test needs 19 orders for p = .05
    reader.REPEATS = dict.fromkeys(reader.REPEATS, repeats)
    planted = reader._read_texts
    reader._read_texts = lambda: planted() + wikitext()[-BACKGROUND:]
    found = {"false alarms": alarms()} if repeats == 0 else {"power": power(), "auroc": aurocs()}
    return {**found, "cpu seconds": round(time.process_time() - start)}


@cache
def wikitext() -> list[str]:
    """Pieces of 14 words in a random order, none twice."""
    folder = Path(os.environ["HOLDFAST_DATA"]) / "wikitext2_valid_test"
    found: dict[str, None] = {}
    for name in ("valid.txt.gz", "test.txt.gz"):
        for line in gzip.decompress((folder / name).read_bytes()).decode().splitlines():
            words = [word for word in line.replace("<unk>", "").split() if word not in ("@-@", "@,@", "@.@")]
            for first in range(0, len(words) - 14, 14) if not line.startswith(" =") else ():
                found[" ".join(words[first : first + 14])[:90].strip()] = None
    texts = sorted(text for text in found if len(text.split()) >= 10)
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))][:6000]


def tests() -> dict[str, tuple[Any, str]]:
    """The tests by name, each with the world in which its fault stands."""
    from holdfast import language

    return {
        "dataset inference": (language.DatasetInference(), "read_set"),
        "rewording gap": (language.RewordingGap(), "reworded_members"),
        "order test, pieces": (language.OrderTest(), "ordered_benchmark"),
        "order test, exact": (language.OrderTest(test="exact"), "ordered_benchmark"),
        "option shuffling": (language.OptionShuffling(), "multiple_choice"),
        "slot guessing": (language.SlotGuessing(), "multiple_choice"),
        "guided completion": (language.GuidedCompletion(), "tagged_partition"),
    }


def asked(method: Any, evidence: dict[str, Any]) -> Any:
    verb = getattr(type(method), method.verbs[0])
    return verb(method, **{name: evidence[name] for name in signature(verb).parameters if name in evidence})


def alarms() -> dict[str, Any]:
    """The share of clean draws with p < LEVEL, the interval that chance allows, and the same of all tests together."""
    from scipy.stats import binom

    from holdfast.faults.worlds import language as worlds
    from holdfast.language import KnownTexts
    from holdfast.ops.multiple_testing import holm

    pvalues: dict[str, list[float]] = {name: [] for name in tests()}
    texts, flagged = [], 0
    for seed in range(NULLS):
        world = worlds.none(seed)
        for name, (method, _) in tests().items():
            pvalues[name].append(asked(method, world.evidence).pvalue)
        finder = KnownTexts().fit(score=world.train["score"])
        flagged += int((finder.group_rows(score=world.evidence["score"]) >= 0).any())
        texts.append(float((finder.pvalues_ < LEVEL).mean()))
    found = {name: sum(p < LEVEL for p in some) for name, some in pvalues.items()}
    levels = {name: reached(name, world.evidence) for name in pvalues}
    allowed = {name: [int(binom.ppf(tail, NULLS, level)) for tail in (0.005, 0.995)] for name, level in levels.items()}
    together = np.array([holm(np.array(row)).min() for row in zip(*pvalues.values(), strict=True)])
    return {
        "alarms": found, "levels": {name: round(level, 4) for name, level in levels.items()}, "allowed": allowed,
        "outside": [name for name, count in found.items() if not allowed[name][0] <= count <= allowed[name][1]],
        "all tests joined (Holm)": int((together < LEVEL).sum()),
        "share of single clean texts with p < .05": float(np.mean(texts)),
        "draws in which a text was flagged at a false discovery rate of .1": flagged,
    }  # fmt: skip


def reached(name: str, evidence: dict[str, Any]) -> float:
    """The largest level of at most LEVEL that the test can have."""
    from scipy.stats import binom

    if name == "option shuffling":
        items, orders = evidence["option_log_likelihood"].shape
        tails = binom.sf(np.arange(items) - 1, items, 1 / orders)
        return float(tails[tails < LEVEL].max())
    if name == "order test, exact":
        places = len(evidence["shuffled_log_likelihood"]) + 1
        return (math.ceil(LEVEL * places) - 1) / places
    return LEVEL


def power() -> dict[str, float]:
    from holdfast.faults.worlds import language as worlds

    found = {}
    for name, (method, world) in tests().items():
        pvalues = [asked(method, getattr(worlds, world)(seed).evidence).pvalue for seed in range(DRAWS)]
        found[name] = float(np.mean(np.array(pvalues) < LEVEL))
    return found


def aurocs() -> dict[str, float]:
    from holdfast import language
    from holdfast.faults.worlds import language as worlds

    scorers: dict[str, Callable[[], Any]] = {
        "Min-K%": language.MinKProb, "loss": lambda: language.MinKProb(share=1.0), "Min-K%++": language.MinKPlusPlus,
        "zlib ratio": language.ZlibRatio, "reference ratio": language.ReferenceRatio,
        "polarized augment calibration": language.PolarizedAugmentCalibration,
        "n-gram accuracy": language.NGramAccuracy, "memorisation": language.MemorizationScore,
    }  # fmt: skip
    found = {}
    for name, make in scorers.items():
        draws = []
        for seed in range(10):
            world = worlds.members(seed)
            scores = asked(make(), world.evidence)
            read, unread = scores[world.truth], scores[~world.truth]
            wins = (read[:, None] > unread).mean() + (read[:, None] == unread).mean() / 2
            draws.append(float(wins))
        found[name] = round(float(np.mean(draws)), 3)
    return found


if __name__ == "__main__":
    if "--repeats" in sys.argv:
        print(json.dumps(cell(int(sys.argv[-1]))))
    else:
        main()
