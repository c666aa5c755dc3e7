"""Near-duplicates beside datatrove and datasketch at their defaults, in units of B on the same documents in one run.

    HOLDFAST_DATA=... python benchmarks/corpus_peers.py PYTHON [--documents 200000] [--few 4000] [--write]

PYTHON has datatrove[processing], spacy and datasketch. They are slow, so that they get the first `--few` documents of
the corpus of `benchmarks/corpus.py`, ours all of them; each is told in units of B on the documents that it got, whole
processes with their imports. datatrove: word 5-grams, 14 bands of 8, its English tokeniser, one worker, four stages.
datasketch: 128 permutations, threshold .7, word 5-grams as they are written in Python. `--write` appends to
records/corpus_peers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus import HERE, UNIT, child, compile_kernels, environment, measure, prepared

RECORD = HERE / "records" / "corpus_peers.json"
SPENT = (
    "import resource\nused = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
    "seconds = sum(one.ru_utime + one.ru_stime for one in used)\n"
)
DATATROVE = (
    """
import json, sys
from importlib.metadata import version
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
source, out = sys.argv[1:]
config, reader = MinhashConfig(), JsonlReader(source)
stages = [
    ([reader, MinhashDedupSignature(out + "/signatures", config=config)], 1),
    ([MinhashDedupBuckets(out + "/signatures", out + "/buckets", config=config)], config.num_buckets),
    ([MinhashDedupCluster(out + "/buckets", out + "/removed", config=config)], 1),
    ([reader, MinhashDedupFilter(out + "/removed"), JsonlWriter(out + "/data", compression=None)], 1),
]
for number, (pipeline, tasks) in enumerate(stages):
    LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{out}/logs/{number}").run()
"""
    + SPENT
    + """
from pathlib import Path
kept = sum(len(path.read_text().splitlines()) for path in Path(out, "data").rglob("*.jsonl"))
print(json.dumps([seconds, kept, version("datatrove")]))
"""
)
DATASKETCH = (
    """
import json, sys
from importlib.metadata import version
from datasketch import MinHash, MinHashLSH
index, kept = MinHashLSH(threshold=0.7, num_perm=128), 0
for number, line in enumerate(open(sys.argv[1] + "/few.jsonl", encoding="utf-8")):
    words = json.loads(line)["text"].lower().split()
    sketch = MinHash(num_perm=128)
    sketch.update_batch([" ".join(words[at : at + 5]).encode() for at in range(max(len(words) - 4, 1))])
    if not index.query(sketch):
        kept += 1
        index.insert(number, sketch)
"""
    + SPENT
    + """
print(json.dumps([seconds, kept, version("datasketch")]))
"""
)


def peer(python: str, program: str, source: Path, out: Path) -> dict[str, Any]:
    """CPU seconds of a peer, and B before and after on the same documents."""
    shutil.rmtree(out, ignore_errors=True)
    few = str(source / "few.jsonl")
    before = child(UNIT, str(HERE), few)
    done = subprocess.run(
        [python, "-c", program, str(source), str(out)], capture_output=True, text=True, check=False, env=environment()
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    seconds, kept, version = json.loads(done.stdout.splitlines()[-1])
    unit = (before + child(UNIT, str(HERE), few)) / 2
    return {"version": version, "cpu_seconds": seconds, "unit": unit, "ratio": seconds / unit, "kept": kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--few", type=int, default=4000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "holdfast-corpus")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    source, out = asked.folder / f"{asked.documents}.jsonl", asked.folder / "out"
    prepared(source)
    compile_kernels(asked.folder, out)
    few = asked.folder / "few"
    few.mkdir(exist_ok=True)
    with source.open("rb") as lines:
        (few / "few.jsonl").write_bytes(b"".join(next(lines) for _ in range(asked.few)))
    record: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "documents": asked.documents, "documents_of_peers": asked.few,
        "holdfast": measure(source, out, verb="dedup"),
    }  # fmt: skip
    for name, program in (("datasketch", DATASKETCH), ("datatrove", DATATROVE)):
        record[name] = peer(asked.python, program, few, out)
        record[name]["times_ours"] = record[name]["ratio"] / record["holdfast"]["ratio"]
        print(json.dumps({name: record[name]}), flush=True)
    print(json.dumps(record, indent=1))
    if asked.write:
        records = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*records, record], indent=1) + "\n")


if __name__ == "__main__":
    main()
