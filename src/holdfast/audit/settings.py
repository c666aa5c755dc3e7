"""What a user can set about an audit, with the defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from holdfast.audit.choice import Choice


@dataclass(frozen=True)
class Settings:
    """The settings of one audit.

    `level` is the family-wise false-alarm rate of each check; intervals are 90 % intervals. `max_rows` bounds the rows
    that models are fitted on (checks that only count take all rows); what was sampled is said in the report.
    Parquet with more than `hold_rows` rows is not read whole (None: a million rows or 20 million cells): all rows are
    counted in passes over the files, and a random part of so many, never fewer than `max_rows`, is held for what needs
    single rows.
    `quick` skips pricing and the measuring of power, and the report says so. `ignore` maps a code to the reason.
    `chosen` maps a purpose (a slot of `holdfast.audit.profile`) to the method that planting chose for it.
    """

    seed: int = 0
    metric: str | None = None
    repeats: int = 5
    folds: int = 5
    level: float = 0.05
    max_rows: int = 50_000
    hold_rows: int | None = None
    rows_shown: int = 100
    quick: bool = False
    ignore: dict[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    chosen: dict[str, Choice] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain types, for the report."""
        return asdict(self)
