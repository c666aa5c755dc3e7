"""Label issues: time and memory against cleanlab's default `find_label_issues`, on the same arrays in one run.

    python benchmarks/labels.py [--write]

Needs the peer: pip install cleanlab==2.9.0. Each measurement is a fresh process; CPU seconds include child processes;
memory is the growth of the peak resident set while the call runs. `--write` appends to benchmarks/records/labels.json.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

SIZES = ((1_000_000, 10), (100_000, 1_000))
BARS = {(1_000_000, 10): 4.0, (100_000, 1_000): 6.0}
REPEATS = 5
RECORD = Path(__file__).parent / "records" / "labels.json"


def main() -> None:
    entries = [_compare(n, k) for n, k in SIZES]
    if "--write" in sys.argv:
        append(RECORD, {"cells": entries})


def _compare(n: int, k: int) -> dict[str, Any]:
    runs = {who: [_measured(who, n, k) for _ in range(REPEATS)] for who in ("holdfast", "cleanlab")}
    seconds = {who: sorted(run["seconds"] for run in each) for who, each in runs.items()}
    peaks = {who: max(run["extra_mb"] for run in each) for who, each in runs.items()}
    ratios = [theirs / ours for ours, theirs in zip(seconds["holdfast"], seconds["cleanlab"], strict=True)]
    ratio = float(np.median(seconds["cleanlab"]) / np.median(seconds["holdfast"]))
    print(f"{n:,} x {k:,}: {ratio:.1f}x faster (bar {BARS[n, k]:.0f}x; by rank {min(ratios):.1f} to {max(ratios):.1f})")
    for who in runs:
        flagged = runs[who][0]["flagged"]
        print(f"  {who:9s} {np.median(seconds[who]):6.2f} CPU s, {peaks[who]:7.1f} MB more, {flagged:,} flagged")
    return {"n": n, "k": k, "ratio": ratio, "bar": BARS[n, k], "cpu_seconds": seconds, "extra_mb": peaks}


def _measured(who: str, n: int, k: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", who, str(n), str(k)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def _one(who: str, n: int, k: int) -> None:
    call = _call(who)
    small = _data(2_000, 10)
    call(*small)  # imports and first-call costs are not what is compared
    probs, y = _data(n, k)
    _forget_peak()
    resident, seconds = _status("VmRSS"), _cpu()
    mask = call(probs, y)
    taken, peak = _cpu() - seconds, _status("VmHWM")
    print(json.dumps({"seconds": taken, "extra_mb": (peak - resident) / 1024, "flagged": int(mask.sum())}))


def _call(who: str) -> Any:
    if who == "holdfast":
        from holdfast.labels import ConfidentLearning

        return lambda probs, y: ConfidentLearning().find_issues(probs, y)
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        raise SystemExit("the peer is missing: pip install cleanlab==2.9.0") from None
    return lambda probs, y: find_label_issues(labels=y, pred_probs=probs)


def _data(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a decent model and labels, a fifth of them wrong; made in blocks so that the peak stays low."""
    rng = np.random.default_rng(0)
    probs, y = np.empty((n, k)), np.empty(n, np.int64)
    for start in range(0, n, 10_000):
        part = probs[start : start + 10_000]
        rows = np.arange(len(part))
        true = rng.integers(0, k, len(part))
        rng.random(out=part)
        part **= 4
        part *= 10 / k
        part[rows, true] += 2 * rng.random(len(part))
        part /= part.sum(axis=1, keepdims=True)
        y[start : start + 10_000] = np.where(rng.random(len(part)) < 0.2, rng.integers(0, k, len(part)), true)
    return probs, y


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _forget_peak() -> None:
    """Reset the peak resident set (Linux), so that making the data does not count."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add a run to a record file: what was measured, where, with which versions."""
    packages = ("numpy", "scikit-learn", "cleanlab", "holdfast")
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    versions = {name: version(name) for name in packages}
    runs = json.loads(path.read_text()) if path.exists() else []
    runs.append({"date": date.today().isoformat(), "machine": machine, "versions": versions, **entry})
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(runs, indent=1) + "\n")
    aside.replace(path)


if __name__ == "__main__":
    if "--one" in sys.argv:
        _one(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
