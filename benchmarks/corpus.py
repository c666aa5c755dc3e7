"""Duplicates and contamination in a corpus: CPU seconds in units of B, recall, precision, peak memory.

    HOLDFAST_DATA=... python benchmarks/corpus.py [--documents 200000] [--large 2000000] [--write]

B = read + JSON + tokenise + xxhash64 of every word 5-gram with compiled code, on the same file in the same run, before
and after (`_corpus_unit.py`). Every measurement is a whole process with its imports; kernels were compiled before. The
corpus is real text and a Markov chain learnt from it, with 5 % exact copies and 5 % near copies
(`holdfast.datasets.corpora`). The large corpus is the same, again and again with other letters: nothing repeats across.
`--write` appends to records/corpus.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RECORD = HERE / "records" / "corpus.json"
CHILD = (
    "import json, sys, time\n"
    "import holdfast\n"
    "call = json.loads(sys.argv[1])\n"
    "getattr(holdfast.corpus, call.pop('verb'))(**call)\n"
    "peak = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024\n"
    "print(json.dumps([time.process_time(), peak]))\n"
)
UNIT = (
    "import sys\nsys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\nfrom _corpus_unit import unit\n"
    "print(unit([Path(sys.argv[2])])[0])\n"
)


def child(*words: str) -> Any:
    """What a process of its own prints, on one thread."""
    run = subprocess.run([sys.executable, "-c", *words], capture_output=True, text=True, check=False, env=environment())
    if run.returncode:
        raise SystemExit(run.stderr[-3000:])
    return json.loads(run.stdout.splitlines()[-1])


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def measure(source: Path, out: Path, **call: Any) -> dict[str, Any]:
    """CPU seconds and peak MiB of a verb, and B before and after."""
    shutil.rmtree(out, ignore_errors=True)
    before = child(UNIT, str(HERE), str(source))
    seconds, peak = child(CHILD, json.dumps({"inputs": str(source), "out": str(out)} | call))
    after = child(UNIT, str(HERE), str(source))
    unit = (before + after) / 2
    return {
        "cpu_seconds": seconds,
        "unit_before": before,
        "unit_after": after,
        "ratio": seconds / unit,
        "peak_mib": peak,
    }


def prepared(source: Path) -> Any:
    """The corpus, made once."""
    from holdfast.datasets.corpora import MadeCorpus, make_corpus

    truth = source.with_suffix(".truth.json")
    if not truth.exists():
        corpus = make_corpus(int(source.stem))
        corpus.write(source)
        truth.write_text(json.dumps({"origin": corpus.origin, "kind": corpus.kind}))
    known = json.loads(truth.read_text())
    with source.open(encoding="utf-8") as lines:
        documents = [json.loads(line)["text"] for line in lines]
    origin = {int(copy): original for copy, original in known["origin"].items()}
    return MadeCorpus(documents, origin, {int(copy): kind for copy, kind in known["kind"].items()})


def compile_kernels(folder: Path, out: Path) -> None:
    """So that no measurement holds the compiler."""
    source = folder / "warm.jsonl"
    source.write_text('{"text": "some words to begin with"}\n' * 250_000)
    item = folder / "item.jsonl"
    item.write_text('{"question": "which words are these?"}\n')
    for call in ({"verb": "dedup"}, {"verb": "decontaminate", "against": str(item)}):
        measure(source, out, **call)


def grams(text: str, k: int = 3) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + k]) for at in range(max(len(words) - k + 1, 1))}


def quality(corpus: Any, out: Path) -> dict[str, Any]:
    """Recall by kind of edit; precision against the true 3-gram Jaccard with the kept document, without our kernels."""
    rows = [json.loads(line) for line in (out / "provenance.jsonl").read_text().strip().split("\n")]
    centre = {int(row["id"][1:]): int(row["matched_id"][1:]) for row in rows}
    hits: Counter[str] = Counter()
    for copy, original in corpus.origin.items():
        hits[corpus.kind[copy]] += centre.get(copy, copy) == centre.get(original, original)
    planted = Counter(corpus.kind.values())
    near = [pair for pair, row in zip(centre.items(), rows, strict=True) if row["rule"] == "near"]
    true = [
        len(one & other) / len(one | other)
        for one, other in ((grams(corpus.documents[a]), grams(corpus.documents[b])) for a, b in near)
    ]
    family = [corpus.origin.get(a, a) == corpus.origin.get(b, b) for a, b in near]
    return {
        "recall": {kind: hits[kind] / planted[kind] for kind in planted},
        "precision_true_jaccard": float(np.mean(np.array(true) >= 0.35)),
        "precision_planted": float(np.mean(family)),
        "near_removed": len(near),
    }


def enlarge(source: Path, target: Path, times: int) -> Path:
    """The corpus again and again, each time with other letters."""
    letters = b"ghijklmopqsvwxyz"  # those that no JSON escape uses
    rng = np.random.default_rng(5)
    with target.open("wb") as file:
        for turn in range(times):
            table = bytes.maketrans(letters, bytes(rng.permutation(list(letters)).tolist()))
            with source.open("rb") as lines:
                for line in lines:
                    head, key, text = line.partition(b'"text": "')
                    file.write(head.replace(b'"d', b'"%d-' % turn) + key + text.translate(table))
    return target


def rephrased(folder: Path, out: Path) -> dict[str, Any]:
    """Rephrased and verbatim GSM8K items hidden in real documents, and hits in real documents without any."""
    from holdfast.corpus import decontaminate
    from holdfast.datasets.corpora import real_documents

    data = Path(os.environ["HOLDFAST_DATA"])
    packed = data / "gsm8k" / "test.jsonl.gz", data / "rephrased_gsm8k" / "rephrase_gsm8k.jsonl.gz"
    rows = [gzip.decompress(path.read_bytes()).decode().splitlines() for path in packed]
    asked = [json.loads(row)["question"] for row in rows[0]]
    other = [json.loads(row)["text"].split("\nAnswer")[0].removeprefix("Question: ") for row in rows[1]]
    hosts, rng = list(real_documents()), np.random.default_rng(0)
    hidden = []
    for text, host in zip(other + asked, hosts, strict=False):
        words = host.split(" ")
        at = int(rng.integers(len(words) + 1))
        hidden.append(" ".join([*words[:at], text, *words[at:]]))
    source = folder / "hidden.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in hidden + hosts))
    shutil.rmtree(out, ignore_errors=True)
    decontaminate(source, out, against=packed[0])
    hits = [json.loads(line) for line in (out / "hits.jsonl").read_text().strip().split("\n")]
    pairs, n = {(hit["line"] - 1, hit["item"] - 1) for hit in hits}, len(asked)
    return {
        "rephrased_found": float(np.mean([(row, row) in pairs for row in range(n)])),
        "verbatim_found": float(np.mean([(n + row, row) in pairs for row in range(n)])),
        "false_documents": len({row for row, _ in pairs if row >= 2 * n}),
        "clean_documents": len(hosts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--large", type=int, default=0, help="documents of the large corpus; 0: none")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "holdfast-corpus")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    source, out = asked.folder / f"{asked.documents}.jsonl", asked.folder / "out"
    corpus = prepared(source)
    small = asked.folder / "small.jsonl"
    small.write_bytes(b"".join(source.read_bytes()[:1_000_000].splitlines(keepends=True)[:-1]))
    compile_kernels(asked.folder, out)
    record: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "versions": {name: version(name) for name in ("numpy", "numba", "orjson", "xxhash")},
        "documents": asked.documents,
        "megabytes": source.stat().st_size / 1e6,
        "small_1_mb": measure(small, out, verb="dedup"),
        "near": measure(source, out, verb="dedup"),
    }
    print(json.dumps(record["near"]), flush=True)
    record["quality"] = quality(corpus, out)
    print(json.dumps(record["quality"]), flush=True)
    record["exact"] = measure(source, out, verb="dedup", exact_only=True)
    benchmark = str(Path(os.environ["HOLDFAST_DATA"]) / "gsm8k" / "test.jsonl.gz")
    record["decontaminate"] = measure(source, out, verb="decontaminate", against=benchmark)
    record["rephrased"] = rephrased(asked.folder, out)
    print(
        json.dumps({name: record[name] for name in ("small_1_mb", "exact", "decontaminate", "rephrased")}), flush=True
    )
    if asked.large:
        large = enlarge(source, asked.folder / "large.jsonl", asked.large // asked.documents)
        for name, settings in (("large", {}), ("large_exact", {"exact_only": True})):
            record[name] = {"documents": asked.large} | timed(large, out, **settings)
            print(json.dumps(record[name]), flush=True)
        large.unlink()
    if asked.write:
        records = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*records, record], indent=1) + "\n")


def timed(source: Path, out: Path, **settings: Any) -> dict[str, Any]:
    """Cost and results of finding duplicates in a large corpus, without B; what it wrote is deleted."""
    shutil.rmtree(out, ignore_errors=True)
    started, call = time.time(), {"verb": "dedup", "inputs": str(source), "out": str(out)} | settings
    seconds, peak = child(CHILD, json.dumps(call))
    found = {"cpu_seconds": seconds, "peak_mib": peak, "wall_seconds": time.time() - started}
    summary = json.loads((out / "summary.json").read_text())
    shutil.rmtree(out)
    return found | {name: summary[name] for name in ("removed", "clusters", "crowded_buckets")}


if __name__ == "__main__":
    main()
