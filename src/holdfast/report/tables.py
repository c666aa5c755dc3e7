"""What `holdfast scaling` and `holdfast compare` return: a sentence, a few tables, notes; text, JSON and a terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.report import text
from holdfast.report.page import to_json
from holdfast.report.writing import write_all

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Tables:
    """`record` holds plain JSON types: `schema`, `verdict`, `tables` (title, head, rows), `notes` and the numbers."""

    record: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        return str(self.record["verdict"])

    def __getitem__(self, name: str) -> Any:
        return self.record[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self.record

    def save(self, path: str | Path) -> Path:
        """Write the record as a JSON file, aside first; returns its path."""
        path = Path(path)
        write_all({path: to_json(self.record, indent=1) + "\n"}, what="the numbers")
        return path

    def __str__(self) -> str:
        parts = [self.verdict]
        for table in self.record["tables"]:
            rows = [table["head"], *([shown(cell) for cell in row] for row in table["rows"])]
            widths = [max(len(row[place]) for row in rows) for place in range(len(table["head"]))]
            lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
            parts.append("\n".join([table["title"], *(line.rstrip() for line in lines)]))
        return "\n\n".join([*parts, *self.record["notes"]])


def shown(cell: Any) -> str:
    """A cell as text: numbers to four digits, intervals in brackets, nothing that could steer a terminal."""
    if cell is None:
        return ""
    if isinstance(cell, dict):
        return f"{shown(cell['value'])} [{shown(cell['low'])}, {shown(cell['high'])}]"
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return text.clip(text.visible(" ".join(str(cell).split())), 60)
    if isinstance(cell, int) and abs(cell) < 1e6:
        return str(cell)
    return f"{cell:.4g}" if math.isfinite(cell) else "unbounded"


def show_tables(record: dict[str, Any], console: Console) -> None:
    """Print the sentence, the tables and the notes."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print()
    console.print(Text(shown_line(record["verdict"]), style="bold"))
    for table in record["tables"]:
        console.print()
        console.print(Text(table["title"], style="bold"))
        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name in table["head"]:
            drawn.add_column(Text(name), overflow="fold")
        for row in table["rows"]:
            drawn.add_row(*(Text(shown(cell)) for cell in row))
        console.print(drawn)
    for note in record["notes"]:
        console.print(Text(shown_line(note), style="dim"))


def shown_line(words: str) -> str:
    """A sentence that cannot steer a terminal."""
    return text.clip(text.visible(" ".join(words.split())), 600)
