"""Near-duplicates at every share of copies, beside Datalab's check: how many are found, how many accused wrongly.

    python benchmarks/near_duplicates.py [--rows 4000] [--write]

Rows are drawn from digits and breast cancer (scaled) and from a mixture of twenty clusters; copies are moved by a
hundredth of a standard deviation and shuffled in, so that they are 0 to 90 % of all rows. Five draws each. Needs the
peer for its column: pip install 'cleanlab[datalab]==2.9.0'; where it is missing it is left out and the record says so.
`--write` writes benchmarks/records/near_duplicates.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import StandardScaler

from holdfast.leakage import NearDuplicates

RECORD = Path(__file__).parent / "records" / "near_duplicates.json"
SHARES, DRAWS, JITTER = (0.0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.9), 5, 0.01


def _mixture(rng: np.random.Generator) -> np.ndarray:
    return (3 * rng.normal(size=(20, 32)))[rng.integers(20, size=4_000)] + rng.normal(size=(4_000, 32))


BEDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "digits": lambda rng: load_digits().data,
    "breast_cancer": lambda rng: load_breast_cancer().data,
    "mixture": _mixture,
}


def with_copies(X: np.ndarray, share: float, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` rows of which `share` are moved copies of others, and which rows have a twin."""
    originals = rng.permutation(len(X))[: round(most * (1 - share))]
    X = X[originals]
    origin = rng.integers(len(X), size=round(len(X) * share / (1 - share)))
    source = np.concatenate([np.arange(len(X)), origin])
    moved = X[source]
    moved[len(X) :] += JITTER * rng.normal(size=(len(origin), X.shape[1]))
    order = rng.permutation(len(source))
    return moved[order], (np.bincount(source)[source] > 1)[order]


def holdfast(X: np.ndarray) -> np.ndarray:
    """(n,) bool: rows in a group of near-duplicates."""
    return NearDuplicates().group_rows(X=X) >= 0


def datalab(X: np.ndarray) -> np.ndarray:
    """(n,) bool: rows with an issue by Datalab's check at its defaults."""
    from cleanlab import Datalab

    lab = Datalab({"row": np.arange(len(X))}, verbosity=0)
    lab.find_issues(features=X, issue_types={"near_duplicate": {}})
    return lab.get_issues("near_duplicate")["is_near_duplicate_issue"].to_numpy()


def measure(find: Callable[[np.ndarray], np.ndarray], bed: str, share: float, most: int) -> dict[str, float | None]:
    """Recall over the rows with a twin and the share of other rows that are accused, over `DRAWS` draws."""
    found = twins = accused = others = 0
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        X, twin = with_copies(StandardScaler().fit_transform(BEDS[bed](rng)), share, most, rng)
        named = find(X)
        found, twins = found + int(named[twin].sum()), twins + int(twin.sum())
        accused, others = accused + int(named[~twin].sum()), others + int((~twin).sum())
    return {"recall": found / twins if twins else None, "accused": accused / others if others else None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000, help="rows at most, copies included")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    sides = {"holdfast": holdfast} | ({"datalab": datalab} if find_spec("cleanlab") else {})
    table = []
    for bed in BEDS:
        for share in SHARES:
            row = {"bed": bed, "share": share}
            row |= {side: measure(find, bed, share, asked.rows) for side, find in sides.items()}
            table.append(row)
            print(json.dumps(row), flush=True)
    if asked.write:
        names = ("holdfast", "cleanlab", "numpy", "scikit-learn", "scipy")
        record = {
            "date": date.today().isoformat(),
            "machine": platform.machine(),
            "versions": {name: _version(name) for name in names},
            "rows": asked.rows,
            "draws": DRAWS,
            "jitter": JITTER,
            "table": table,
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
