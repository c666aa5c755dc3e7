"""The MMD permutation test against alibi-detect: CPU seconds, peak memory, power when one column is in other units.

    python benchmarks/mmd.py [--peer PYTHON]     PYTHON: an interpreter that has alibi-detect and torch

One thread, each size in a process of its own, 100 permutations, d = 32. Appends to records/mmd.json. Without --peer,
alibi-detect's figures are those of an earlier run (0.13.0; at n = 10,000 fitted from runs of 2 and 7 permutations).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records" / "mmd.json"
PERMUTATIONS = 100
EARLIER = {2000: (19.9, 314.0), 10_000: (394.0, 5100.0)}
CELL = """
import resource, sys, time
import numpy as np
n, permutations = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
ref, cur = rng.normal(size=(n, 32)), rng.normal(0.02, 1, size=(n, 32))
{setup}
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
{work}
print(time.process_time() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
OURS = CELL.format(
    setup="from holdfast.shift import MaximumMeanDiscrepancy as M\n"
    "M(permutations=2).measure(ref_X=ref[:50], cur_X=cur[:50])",
    work="M(permutations=permutations).measure(ref_X=ref, cur_X=cur)",
)
THEIRS = CELL.format(
    setup="import torch; torch.set_num_threads(1)\nfrom alibi_detect.cd import MMDDrift as M\n"
    "ref, cur = ref.astype('float32'), cur.astype('float32')\n"
    "M(ref[:50], backend='pytorch', n_permutations=2, device='cpu').predict(cur[:50])",
    work="M(ref, backend='pytorch', n_permutations=permutations, device='cpu').predict(cur)",
)


def cell(python: str, code: str, n: int, permutations: int) -> tuple[float, float]:
    """CPU seconds and MB over what was there before."""
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    said = subprocess.run(
        [python, "-c", code, str(n), str(permutations)], capture_output=True, text=True, check=True, env=one_thread
    )
    seconds, megabytes = said.stdout.split()[-2:]
    return float(seconds), float(megabytes)


def size(n: int, peer: str | None) -> dict[str, Any]:
    ours = cell(sys.executable, OURS, n, PERMUTATIONS)
    theirs, run_again = EARLIER[n], False
    if peer and n == min(EARLIER):
        theirs, run_again = cell(peer, THEIRS, n, PERMUTATIONS), True
    elif peer:  # time is linear in the permutations: two short runs stand for a long one
        few, more = cell(peer, THEIRS, n, 2), cell(peer, THEIRS, n, 7)
        theirs, run_again = (few[0] + (more[0] - few[0]) / 5 * (PERMUTATIONS - 2), max(few[1], more[1])), True
    return {
        "rows": n,
        "cpu_seconds": ours[0],
        "megabytes": ours[1],
        "alibi_detect": {"cpu_seconds": theirs[0], "megabytes": theirs[1], "run_again": run_again},
        "faster": theirs[0] / ours[0],
        "smaller": theirs[1] / max(ours[1], 1.0),
    }


def rates(draws: int = 200) -> dict[str, float]:
    """p <= .05 without a shift (n = 100), and with .2 sd in all columns, one of them in units 1,000 times smaller."""
    import numpy as np

    from holdfast.shift import MaximumMeanDiscrepancy

    rng = np.random.default_rng(1)
    alarms = found = 0
    for seed in range(draws):
        ref, cur = rng.normal(size=(2, 100, 32))
        method = MaximumMeanDiscrepancy(permutations=PERMUTATIONS, seed=seed)
        alarms += (method.measure(ref_X=ref, cur_X=cur).pvalue or 0.0) <= 0.05
        scale = np.where(np.arange(32) == 5, 1000.0, 1.0)
        found += (method.measure(ref_X=ref * scale, cur_X=(cur + 0.2) * scale).pvalue or 0.0) <= 0.05
    return {"false_alarms": alarms / draws, "power_0.2_sd_one_column_x1000": found / draws, "draws": draws}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="an interpreter that has alibi-detect and torch")
    peer = parser.parse_args().peer
    record = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("numpy", "scipy")},
        "permutations": PERMUTATIONS,
        "sizes": [size(n, peer) for n in EARLIER],
        "rates": rates(),
    }
    print(json.dumps(record, indent=1))
    earlier = json.loads(RECORDS.read_text()) if RECORDS.exists() else []
    RECORDS.write_text(json.dumps([*earlier, record], indent=1) + "\n")


if __name__ == "__main__":
    main()
