"""What `holdfast.repair` returns: the record, the repaired tables, the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.audit.records import digest_of
from holdfast.repair.tables import Table
from holdfast.verify.case import Case

if TYPE_CHECKING:
    import polars

SCHEMA = "holdfast/verification/1"


@dataclass(frozen=True)
class Repair:
    """The outcome of a repair. Nothing of it is on disk before `save`, unless `out` was given."""

    record: dict[str, Any]
    case: Case
    tables: dict[str, Table]
    frames: dict[str, polars.DataFrame]
    ledger: polars.DataFrame
    model: Any = None

    @property
    def verdict(self) -> str:
        """The verification in one or two sentences."""
        return str(self.record["verdict"])

    @property
    def outcome(self) -> str:
        """ "better", "no_better", "worse", "doubtful" (rests on labels that look wrong) or "not_judged"."""
        return str(self.record["judgement"]["outcome"])

    @property
    def applied(self) -> tuple[str, ...]:
        """The names of the remedies that were applied, such as "LAB001.0"."""
        return tuple(self.record["applied"])

    @property
    def train(self) -> polars.DataFrame | None:
        """The repaired training table, cells as the file spells them; None where nothing changed."""
        return self.frames.get("train")

    @property
    def test(self) -> polars.DataFrame | None:
        """The repaired test table; None where nothing changed."""
        return self.frames.get("test")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, sealed by a digest: the content of verification.json but for what only saving knows."""
        return {**self.record, "digest": digest_of(self.record)}

    def save(self, folder: str | Path) -> Path:
        """Write everything into the folder, whole or not at all; returns the path of verification.html."""
        from holdfast.repair.output import check_folder, save

        return save(self, check_folder(Path(folder), self.case.loaded))

    def __str__(self) -> str:
        return self.verdict
