"""What an audit writes down: frozen, JSON-able records. The report is a pure function of them.

A `Finding` is the result of one check. It never travels without its uncertainty (`Estimate`), what it costs
(`Price`), what to do about it (`Remedy`) and, where nothing was found, how small a fault would have been found
(`Power`). `docs/report-schema.md` documents the JSON that `AuditRecord.to_dict` returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from hashlib import blake2b
from typing import Any, Literal, get_args

from holdfast.core import Estimate

SCHEMA = "holdfast/report/1"

Outcome = Literal["found", "clear", "unsure", "not_applicable", "skipped", "error"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class Remedy:
    """A plan, never an act: what to change, in which set, and why. Applied to copies only.

    `safe` means reversible with no label invented. `values` runs parallel to `rows` (new labels, weights).
    """

    action: str
    title: str
    safe: bool
    set: Literal["train", "test", "model"] = "train"
    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Price:
    """What the metric gains when `remedy` is applied and the model is fitted again.

    `gain` is positive when the remedy helps, whatever the direction of the metric. Without a gain, `reason` says
    why it could not be priced.
    """

    metric: str
    remedy: str = ""
    gain: Estimate | None = None
    repeats: int = 0
    before: float | None = None
    after: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Power:
    """The smallest planted fault that the check found with probability `probability` on this data.

    `smallest` is None when even the largest planted fault was missed; `curve` lists (strength, detection rate, draws).
    """

    fault: str
    unit: str
    smallest: float | None
    probability: float = 0.8
    curve: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True)
class Row:
    """One row concerned: its 0-based number in the file, how strongly, why, and its cells as text."""

    row: int
    score: float | None = None
    note: str = ""
    cells: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """The rows a finding concerns: `total` of them in `set`; the worst come first in `shown`."""

    set: Literal["train", "test"]
    total: int
    shown: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()


# --- details: typed evidence that a renderer knows how to draw -------------------------------------------------
@dataclass(frozen=True)
class Table:
    """A small table. `types` names each column's kind: text, number, percent, row or pvalue."""

    title: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Bars:
    """Named values with intervals: (label, value, low, high); low and high may be None."""

    title: str
    unit: str
    items: tuple[tuple[str, float, float | None, float | None], ...]
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True)
class Histogram:
    """Two distributions over the same bins or categories, as shares that sum to 1. `labels` name the bins."""

    title: str
    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    reference_name: str = "train"
    current_name: str = "test"
    kind: Literal["histogram"] = "histogram"


@dataclass(frozen=True)
class Curve:
    """Lines over a shared axis: (name, x, y, low, high); low and high may be empty. `diagonal` draws y = x."""

    title: str
    x_label: str
    y_label: str
    series: tuple[tuple[str, tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...]
    diagonal: bool = False
    kind: Literal["curve"] = "curve"


Detail = Table | Bars | Histogram | Curve


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    `summary` is one plain sentence; `because` lists what was measured, in words with numbers; `estimate` is the
    size of the fault (its unit is `unit`); `reason` says why a check was skipped, not applicable or crashed.
    """

    code: str
    title: str
    outcome: Outcome
    summary: str = ""
    reason: str = ""
    because: tuple[str, ...] = ()
    estimate: Estimate | None = None
    unit: str = ""
    rows: Rows | None = None
    columns: tuple[str, ...] = ()
    details: tuple[Detail, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    price: Price | None = None
    power: Power | None = None
    what_to_do: str = ""
    sources: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class SetRecord:
    """One data set as it was read: `held_rows` of its rows were held in memory, models used `used_rows` of those."""

    name: str
    path: str
    rows: int
    columns: int
    fingerprint: str
    labelled: bool
    used_rows: int
    notes: tuple[str, ...] = ()
    held_rows: int | None = None


@dataclass(frozen=True)
class ColumnRecord:
    """One column: its role, kind, how much of it is missing in each set, and whether role and kind were given."""

    name: str
    role: str
    kind: str
    missing_train: float | None = None
    missing_test: float | None = None
    distinct: int | None = None
    given: bool = False


@dataclass(frozen=True)
class AuditRecord:
    """Everything an audit found: the content of `report.json`."""

    verdict: str
    tone: Literal["good", "warn", "bad", "unknown"]
    task: dict[str, Any]
    sets: tuple[SetRecord, ...]
    columns: tuple[ColumnRecord, ...]
    model: dict[str, Any]
    findings: tuple[Finding, ...]
    settings: dict[str, Any]
    left_out: tuple[str, ...] = ()
    ignored: dict[str, str] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    created: str = ""
    version: str = ""
    schema: str = SCHEMA
    digest: str = ""  # over all other fields, made when the record is written

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON types, sealed by a digest; NaN and infinities become None."""
        plain = to_plain(self)
        return {**plain, "digest": digest_of(plain)}


def digest_of(plain: dict[str, Any]) -> str:
    """32 hex digits over a record of plain JSON types, its own "digest" left out: tells a file that was changed.

    When it was made and how long that took are left out too: the same seed gives the same digest.

    >>> sealed = {"rows": [1, 2], "digest": digest_of({"rows": [1, 2]})}
    >>> digest_of(sealed) == sealed["digest"], digest_of({**sealed, "rows": [1, 3]}) == sealed["digest"]
    (True, False)
    """
    content = {name: value for name, value in plain.items() if name not in ("digest", "created", "timings")}
    if isinstance(content.get("findings"), list):
        content["findings"] = [{**finding, "seconds": 0} for finding in content["findings"]]
    written = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(written.encode(), digest_size=16).hexdigest()


def to_plain(value: Any) -> Any:
    """Turn records, numpy scalars and tuples into plain JSON types (recursively).

    >>> to_plain(Price(metric="accuracy", gain=Estimate(0.01, -0.02, float("nan"), 10)))["gain"]
    {'value': 0.01, 'low': -0.02, 'high': None, 'n': 10, 'pvalue': None}
    """
    if isinstance(value, Estimate):
        return {name: to_plain(getattr(value, name)) for name in value._fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if hasattr(value, "tolist") and not isinstance(value, str):
        return to_plain(value.tolist())
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
