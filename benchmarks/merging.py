"""Merging of checkpoints beside mergekit: CPU, anonymous memory, and whether the values are the same.

    python benchmarks/merging.py [--peer PYTHON] [--layers N] [--write]

PYTHON is an interpreter that has mergekit 0.1.5 and torch 2.13.0. A base and two models of 271 million weights in
bfloat16, shaped like Llama, drawn at random, in a folder for temporary files. Both sides are whole processes with one
thread, imports counted, their CPU that of user and system. Memory is the largest RssAnon of the process, seen fifty
times a second: pages of files that are mapped do not count. Ours is run with one worker and with two, at this size and
at a quarter of it. Values are compared on small checkpoints in float32, where both sides compute in float32.
`--write` appends to records/merging.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

RECORDS = Path(__file__).parent / "records" / "merging.json"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
OURS = """
import sys, holdfast
method, workers, out, *models = sys.argv[1:]
base = {"base": models.pop(0)} if method == "TiesMerging" else {}
holdfast.merge([m for m in models], method=method, out=out, workers=int(workers), **base)
"""
THEIRS = """
import sys, torch, yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
torch.set_num_threads(1)
method, dtype, out, *models = sys.argv[1:]
base = {"base_model": models.pop(0)} if method == "ties" else {}
each = {"weight": 1.0, "density": 0.5} if method == "ties" else {"weight": 1.0}
config = {"merge_method": method, "dtype": dtype, "models": [{"model": m, "parameters": each} for m in models], **base}
run_merge(MergeConfiguration.model_validate(config), out, MergeOptions(copy_tokenizer=False, quiet=True))
"""
METHODS = {"UniformSoup": "linear", "TiesMerging": "ties"}


def checkpoint(folder: Path, seed: int, layers: int, width: int, words: int, dtype: torch.dtype) -> Path:
    """A folder with a config and weights; seed 0 is the base, from which the others differ a little."""
    inner, heads = 2816 * width // 1024, width // 64
    shapes = {
        "model.embed_tokens.weight": (words, width),
        "lm_head.weight": (words, width),
        "model.norm.weight": (width,),
    }
    for layer in range(layers):
        name = f"model.layers.{layer}"
        shapes |= {f"{name}.self_attn.{part}_proj.weight": (width, width) for part in "qkvo"}
        shapes |= {f"{name}.mlp.{part}_proj.weight": (inner, width) for part in ("gate", "up")}
        shapes[f"{name}.mlp.down_proj.weight"] = (width, inner)
        shapes |= {f"{name}.{part}_layernorm.weight": (width,) for part in ("input", "post_attention")}
    common, own = (torch.Generator().manual_seed(number) for number in (0, 1000 + seed))
    state = {}
    for name, shape in shapes.items():
        base = 0.02 * torch.randn(shape, generator=common)
        state[name] = (base + (0.002 * torch.randn(shape, generator=own) if seed else 0)).to(dtype)
    folder.mkdir()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width, "intermediate_size": inner,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": words,
        "tie_word_embeddings": False, "torch_dtype": str(dtype).removeprefix("torch."),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def process(python: str, code: str, *arguments: str) -> dict[str, float]:
    """CPU seconds and the largest anonymous memory of a process that runs this code."""
    before = os.times()
    with tempfile.TemporaryFile("w+") as said:
        started = subprocess.Popen(
            [python, "-c", code, *arguments], env={**os.environ, **ONE_THREAD}, stdout=said, stderr=said
        )
        most = 0
        while started.poll() is None:
            most = max(most, anonymous(started.pid))
            time.sleep(0.02)
        if started.returncode:
            said.seek(0)
            raise RuntimeError(said.read()[-2000:])
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return {"cpu seconds": round(seconds, 2), "anonymous MB": round(most / 1024)}


def anonymous(pid: int) -> int:
    """RssAnon in kilobytes; 0 once the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def large(folder: Path, layers: int, peer: str | None) -> dict[str, Any]:
    """The cost of both methods on both sides, and whether two workers write the same bytes."""
    models = [str(checkpoint(folder / f"{seed}", seed, layers, 1024, 32000, torch.bfloat16)) for seed in range(3)]
    found: dict[str, Any] = {}
    for ours, theirs in METHODS.items():
        given = models if ours == "TiesMerging" else models[1:]
        row: dict[str, Any] = {}
        digests = set()
        for workers in ("1", "2"):
            out = folder / f"{ours}-{workers}.safetensors"
            row[f"holdfast, {workers} worker(s)"] = process(sys.executable, OURS, ours, workers, str(out), *given)
            digests.add(digest(out))
            out.unlink()
        row["same bytes for 1 and 2 workers"] = len(digests) == 1
        if peer:
            row["mergekit"] = process(peer, THEIRS, theirs, "bfloat16", str(folder / theirs), *given)
            cost, mine = row["mergekit"]["cpu seconds"], row["holdfast, 1 worker(s)"]["cpu seconds"]
            row["times less CPU"] = round(cost / mine, 2)
        found[theirs] = row
    return found


def digest(file: Path) -> str:
    with file.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def values(folder: Path, peer: str) -> dict[str, Any]:
    """How far apart the merged weights are, in float32."""
    models = [str(checkpoint(folder / f"{seed}", seed, 2, 256, 1000, torch.float32)) for seed in range(3)]
    found = {}
    for ours, theirs in METHODS.items():
        given = models if ours == "TiesMerging" else models[1:]
        mine, other = folder / f"{ours}.safetensors", folder / theirs
        process(sys.executable, OURS, ours, "1", str(mine), *given)
        process(peer, THEIRS, theirs, "float32", str(other), *given)
        a = load_file(mine)
        b = {name: value for file in other.glob("*.safetensors") for name, value in load_file(file).items()}
        gaps = torch.cat([(a[name] - b[name]).abs().flatten() for name in a])
        found[theirs] = {
            "weights": len(gaps), "largest difference": float(gaps.max()),
            "further apart than 1e-6": int((gaps > 1e-6).sum()),
        }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer")
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    record: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}",
        "peer": "mergekit 0.1.5" if asked.peer else None,
    }
    with tempfile.TemporaryDirectory() as folder:
        record["layers"] = asked.layers
        record["large"] = large(made(folder, "large"), asked.layers, asked.peer)
        record["a quarter"] = large(made(folder, "quarter"), asked.layers // 4, None)
        if asked.peer:
            record["values"] = values(made(folder, "values"), asked.peer)
    print(json.dumps(record, indent=1))
    if asked.write:
        records = json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else []
        RECORDS.write_text(json.dumps([*records, record], indent=1) + "\n", encoding="utf-8")


def made(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


if __name__ == "__main__":
    main()
