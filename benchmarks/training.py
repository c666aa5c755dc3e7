"""Training objectives against plain training, in every world of their family that they speak of.

    python benchmarks/training.py [--write] [FAMILY or FAMILY.Method ...]

Small networks on real digits (`holdfast.faults.worlds`), seeds 0 to 4; the gain is the score less that of plain
training from the same start, on the same batches, for the same number of epochs (or of the bar that the world names),
with its 90 % interval (t) and the CPU time of training relative to plain training. `--write` appends to
records/training.json.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import t

from holdfast.faults.worlds import worlds
from holdfast.lazy import methods
from holdfast.testing.laws.objective import assembled, ready

RECORD = Path(__file__).parent / "records" / "training.json"
SEEDS = 5


def main() -> None:
    families = [name for name in sys.argv[1:] if not name.startswith("--")]
    rows = [row for family in families or ("training", "augmentation", "generalization") for row in table(family)]
    record = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.platform(), "seeds": SEEDS}
    record["rows"] = rows
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


def table(family: str) -> list[dict[str, Any]]:
    family, _, only = family.partition(".")
    made, bars = worlds(family), {}
    rows = []
    for name, cls in methods(family).items():
        if only and name != f"{family}.{only}":
            continue
        for world in dict.fromkeys([*cls.claims, *cls.blind, cls.quiet]) if cls.role == "objective" else ():
            if world not in bars:
                bars[world] = [barred(made[world](seed)) for seed in range(SEEDS)]
            ours = [judged(cls, made[world](seed)) for seed in range(SEEDS)]
            gains = np.array([a[0] - b[0] for a, b in zip(ours, bars[world], strict=True)])
            half = float(t.ppf(0.95, SEEDS - 1) * gains.std(ddof=1) / SEEDS**0.5)
            rows.append({
                "method": name, "world": world, "says": said(cls, world),
                "plain": round(float(np.mean([bar[0] for bar in bars[world]])), 4),
                "gain": round(float(gains.mean()), 4), "half width": round(half, 4),
                "cpu": round(sum(a[1] for a in ours) / sum(b[1] for b in bars[world]), 2),
            })  # fmt: skip
            print(json.dumps(rows[-1]), flush=True)
    return rows


def said(cls: Any, world: str) -> str:
    return "claims" if world in cls.claims else "blind" if world in cls.blind else "quiet"


def barred(world: Any) -> tuple[float, float]:
    """The score that is to be beaten, and the CPU seconds of its training."""
    start = time.process_time()
    score = world.truth.plain.__wrapped__()  # trained anew: the time counts
    return score, time.process_time() - start


def judged(cls: Any, world: Any) -> tuple[float, float]:
    """The score after training, and the CPU seconds of fitting and training."""
    start = time.process_time()
    method = ready(cls(), world)
    run = world.truth.train(method)
    made = assembled(method, run.model)
    taken = time.process_time() - start
    return world.truth.score(made), taken


if __name__ == "__main__":
    main()
