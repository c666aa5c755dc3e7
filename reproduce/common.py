"""What the scripts share: where the data are, and how a record is written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.core import Estimate

RECORDS = Path(__file__).parent / "records"


def data(*parts: str) -> Path:
    """A file under HOLDFAST_DATA; leaves with one clear line where that is not set or holds no such file."""
    root = os.environ.get("HOLDFAST_DATA")
    if not root:
        sys.exit("HOLDFAST_DATA is not set: it names the folder with the published tables that this script reads.")
    path = Path(root).joinpath(*parts)
    if not path.exists():
        sys.exit(f"HOLDFAST_DATA holds no {'/'.join(parts)}, which this script reads.")
    return path


def plain(value: Any) -> Any:
    """Estimates as dicts, numbers to six digits: what a record holds and what a rerun is compared with."""
    if isinstance(value, Estimate):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, bool) or value is None or isinstance(value, (str, int)):
        return value
    return float(f"{float(value):.6g}")


def over_seeds(values: list[float]) -> Estimate:
    """The mean over seeds, pairs or other repeats, and its 90 % interval by Student's t."""
    from scipy.stats import t

    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = float(t.ppf(0.95, len(values) - 1)) * error
    return Estimate(mean, mean - reach, mean + reach, len(values))


def write(
    script: str, results: Callable[[], dict[str, Any]], sample: Callable[[], dict[str, Any]] | None = None
) -> None:  # fmt: skip
    """Run a script and write its record, aside first.

    Of a script that takes minutes the tests do a `sample` again, which stands in the record under that name; with
    `--sample` only that is made and put into the record that is there.
    """
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{Path(script).stem}.json"
    aside = path.with_suffix(".tmp")
    found = json.loads(path.read_text(encoding="utf-8")) if sample and "--sample" in sys.argv else results()
    text = json.dumps(plain(found | ({"sample": sample()} if sample else {})), indent=2, ensure_ascii=False)
    aside.write_text(text + "\n", encoding="utf-8")
    aside.replace(path)
    print(text)
