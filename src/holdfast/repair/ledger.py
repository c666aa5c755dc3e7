"""The ledger: one line for every row, cell, column or model step that a repair changed; and the way back."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.load import InputError, safe_text
from holdfast.repair.tables import digest_of_bytes
from holdfast.verify.plan import Candidate

SCHEMA = {
    "set": pl.String, "row": pl.Int64, "action": pl.String, "column": pl.String, "before": pl.String,
    "after": pl.String, "code": pl.String, "reason": pl.String, "method": pl.String, "source": pl.String,
}  # fmt: skip


@dataclass
class Ledger:
    """Lines in the order in which things were done. Cells stand as text; null is a missing cell or none at all.

    `row` is the 0-based number in the original; it is null where a whole column or the model changed. The `before` of a
    dropped row is the row as JSON. Weights of several remedies are one product, written once.
    """

    parts: list[pl.DataFrame] = field(default_factory=list)
    weighed: list[Candidate] = field(default_factory=list)

    def frame(self) -> pl.DataFrame:
        """All lines as a table."""
        return pl.concat(self.parts) if self.parts else pl.DataFrame(schema=SCHEMA)

    def rows(self, candidate: Candidate, name: str, rows: np.ndarray, before: list[str]) -> None:
        """Rows that were dropped."""
        self._add(candidate, name, rows, None, pl.Series(before, dtype=pl.String), None)

    def cells(
        self, candidate: Candidate, name: str, column: str, rows: np.ndarray, before: pl.Series, after: pl.Series
    ) -> None:
        """Cells that were changed."""
        self._add(candidate, name, rows, column, before.cast(pl.String), after.cast(pl.String))

    def weights(self, column: str, rows: np.ndarray, before: pl.Series, after: pl.Series) -> None:
        """The row weights that came out of all remedies that weigh."""
        for_all = Candidate(
            "+".join(one.name for one in self.weighed), 0, self.weighed[0].remedy,
            tuple(dict.fromkeys(source for one in self.weighed for source in one.sources)),
        )  # fmt: skip
        self._add(for_all, "train", rows, column, before.cast(pl.String), after.cast(pl.String), for_all.code)

    def note(self, candidate: Candidate, name: str, column: str | None, before: str | None, after: str | None) -> None:
        """A whole column, or a step of the model."""
        then, now = (pl.Series([one], dtype=pl.String) for one in (before, after))
        self._add(candidate, name, None, column, then, now)

    def _add(
        self, candidate: Candidate, name: str, rows: np.ndarray | None, column: str | None, before: pl.Series | None,
        after: pl.Series | None, code: str = "",
    ) -> None:  # fmt: skip
        count = 1 if rows is None else len(rows)
        empty = pl.Series([None] * count, dtype=pl.String)
        remedy = candidate.remedy
        self.parts.append(
            pl.DataFrame(
                {
                    "set": [name] * count,
                    "row": pl.Series([None] if rows is None else rows, dtype=pl.Int64),
                    "action": [remedy.action] * count,
                    "column": pl.Series([column] * count, dtype=pl.String),
                    "before": empty if before is None else before.alias("before"),
                    "after": empty if after is None else after.alias("after"),
                    "code": [code or candidate.name] * count,
                    "reason": [remedy.title] * count,
                    "method": [json.dumps(remedy.settings, default=str) if remedy.settings else remedy.action] * count,
                    "source": [", ".join(candidate.sources)] * count,
                },
                schema=SCHEMA,
            )
        )


def undo(folder: str | Path, out: str | Path) -> list[Path]:
    """Write the original files of a repair into `out`, bit for bit; returns their paths.

    The originals lie compressed in the folder's `originals/`; their digest was written down when they were repaired
    and is checked here. Raises `InputError` where the folder is no repair, an original is damaged, or `out` already
    holds a file of that name.
    """
    from holdfast.verify.case import read_json

    folder, out = Path(folder), Path(out)
    record = read_json(folder / "verification.json", "the verification.json of a repair")
    originals = record.get("originals") if isinstance(record, dict) else None
    if not isinstance(originals, list):
        raise InputError(
            f"{safe_text(folder, 200)} is not the folder of a repair: its verification.json has no originals."
        )
    contents = {}
    for one in originals:
        path = out / Path(str(one["name"])).name
        if path.exists():
            raise InputError(
                f"{safe_text(path, 200)} exists already. Nothing was undone. Give an empty folder (--out)."
            )
        contents[path] = _unpacked(folder, one)
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
        aside.write_bytes(content)
        aside.replace(path)
    return list(contents)


def _unpacked(folder: Path, one: dict[str, Any]) -> bytes:
    kept = folder / "originals" / Path(str(one["kept"])).name
    try:
        content = gzip.decompress(kept.read_bytes())
    except (OSError, EOFError, ValueError) as problem:
        raise InputError(
            f"{safe_text(kept, 200)} cannot be read ({safe_text(problem, 80)}). Nothing was undone."
        ) from None
    if digest_of_bytes(content) != one["digest"]:
        raise InputError(
            f"{safe_text(kept, 200)} was changed after the repair: its digest differs. Nothing was undone."
        )
    return content
