"""KNNShapley against pyDVL's KNNShapleyValuation: the same values, and how long they take.

    python benchmarks/knn_shapley.py [--write] --peer PYTHON

PYTHON is the interpreter of an environment with pyDVL; both sides run on one thread, on the same rows, each timed in
its own process without imports (CPU seconds, the best of three). Rows are digits with jitter: 2,000 to be valued, 500
told, 64 columns, k = 5. `--write` appends to records/knn_shapley.json.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

RECORD = Path(__file__).parent / "records" / "knn_shapley.json"
K, ROWS, TOLD, REPEATS = 5, 2000, 500, 3
PEER = """
import sys, time, json, warnings
warnings.filterwarnings("ignore")
import numpy as np, pydvl
from pydvl.valuation import Dataset, KNNShapleyValuation
from sklearn.neighbors import KNeighborsClassifier
folder, k, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
X, y, told, labels = (np.load(f"{folder}/{name}.npy") for name in ("X", "y", "told", "labels"))
seconds = []
for _ in range(repeats):
    train, test = Dataset(X, y), Dataset(told, labels)
    method = KNNShapleyValuation(KNeighborsClassifier(n_neighbors=k), test, progress=False)
    start = time.process_time()
    method.fit(train)
    seconds.append(time.process_time() - start)
result = method.result if hasattr(method, "result") else method.values()
values = np.empty(len(y)); values[np.asarray(result.indices)] = np.asarray(result.values)
np.save(f"{folder}/theirs.npy", values)
print(json.dumps({"seconds": min(seconds), "version": pydvl.__version__}))
"""


def main() -> None:
    from sklearn.datasets import load_digits

    from holdfast.selection import KNNShapley

    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    rows = rng.choice(len(y), ROWS + TOLD)
    X = X[rows] + rng.normal(0, 0.5, (ROWS + TOLD, X.shape[1]))
    parts = {"X": X[:ROWS], "y": y[rows[:ROWS]], "told": X[ROWS:], "labels": y[rows[ROWS:]]}
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        ours = -KNNShapley(k=K).fit(parts["told"], parts["labels"]).score_rows(parts["X"], parts["y"])
        seconds.append(time.process_time() - start)
    with tempfile.TemporaryDirectory() as folder:
        for name, values in parts.items():
            np.save(f"{folder}/{name}.npy", values)
        peer = sys.argv[sys.argv.index("--peer") + 1]
        done = subprocess.run(
            [peer, "-c", PEER, folder, str(K), str(REPEATS)], capture_output=True, text=True, check=True
        )
        theirs, told = np.load(f"{folder}/theirs.npy"), json.loads(done.stdout.splitlines()[-1])
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.platform(),
        "peer": f"pyDVL {told['version']}",
        "rows": ROWS,
        "told": TOLD,
        "k": K,
        "cpu seconds": {"ours": round(min(seconds), 3), "pyDVL": round(told["seconds"], 3)},
        "ratio": round(told["seconds"] / min(seconds), 2),
        "largest difference": float(np.abs(ours - theirs).max()),
        "largest value": float(np.abs(theirs).max()),
    }
    print(json.dumps(record, indent=1))
    if "--write" in sys.argv:
        entries = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*entries, record], indent=1) + "\n")


if __name__ == "__main__":
    main()
