"""The table of `comparison.md`, from `comparison.toml` and the committed records. No record, no figure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from builder.markup import slug
from builder.records import figure, lookup, records

TABLE = Path(__file__).parents[1] / "comparison.toml"


def table(path: Path = TABLE) -> str:
    """A Markdown table of the rows whose record is there, and a sentence that names the others."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["row"]
    runs = records()
    shown = [_line(row, runs[row["record"]]) for row in rows if row["record"] in runs]
    absent = list(dict.fromkeys(row["record"].replace("_", " ") for row in rows if row["record"] not in runs))
    head = "| what | Holdfast | other tool | record |\n|---|---|---|---|\n"
    parts = [head + "\n".join(shown)] if shown else ["No record is committed yet."]
    if absent:
        parts.append(f"Without a committed record, and so without a figure: {', '.join(absent)}.")
    return "\n\n".join(parts)


def _line(row: dict[str, Any], run: dict[str, Any]) -> str:
    peer = _figures(row, "theirs", run)
    version = lookup(run, row["version"]) if "version" in row else ""
    name = f"{row['peer']} {version}".strip()
    if "again" in row and not lookup(run, row["again"]):
        peer += ", from an earlier run elsewhere"
    note = f" ({row['note']})" if "note" in row else ""
    record = f"[{row['record']}](evidence.html#{slug(row['record'])})"
    return f"| {row['what']}{note} | {_figures(row, 'ours', run)} | {name}: {peer} | {record} |"


def _figures(row: dict[str, Any], whose: str, run: dict[str, Any]) -> str:
    """A figure, or several that `format` joins: `ours = ["a > mean", "a > low"]`, `format = "{} ({} and up)"`."""
    paths = row[whose] if isinstance(row[whose], list) else [row[whose]]
    form = row.get(f"format_{whose}", row["format"])
    return str(form).format(*(figure(run, path) for path in paths))
