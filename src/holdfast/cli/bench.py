"""`holdfast bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.cli import fail
from holdfast.cli.audit import _pairs, _progress, _writable

if TYPE_CHECKING:
    from rich.table import Table

    from holdfast.bench.report import BenchReport

MOST = 15  # rows of a table on the terminal
WIDE = 110  # columns of a terminal that hold every column of a ranking


def run(family: str, train: str, test: str | None, *, out: Path, roles: list[str], **settings: Any) -> None:
    """Rank the methods of a family on a file, write page, record and profile, print the ranking."""
    import sys

    import holdfast
    from holdfast.audit.load import InputError
    from holdfast.cli import EXIT_INTERRUPTED

    try:
        given = _pairs(roles, "--role", "COLUMN=ROLE")
        _writable(out)
        with _progress() as tell:
            report = holdfast.bench(family, train, test, roles=given, progress=tell, out=out, **settings)
        page = report.save(out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        print(f"\nInterrupted. The plantings done so far are kept in {out}: the same command goes on from there.",
              file=sys.stderr)  # fmt: skip
        sys.exit(EXIT_INTERRUPTED)
    _show(report, page)


def _show(report: BenchReport, page: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    console, record = Console(), report.record
    console.print(Text(record["question"], style="bold"))
    for slot, choice in report.choices.items():
        rows = [row for row in report.ranking if row["slot"] == slot]
        console.print()
        console.print(_table(record, slot, rows[:MOST], console.width >= WIDE))
        if len(rows) > MOST:
            console.print(Text(f"and {len(rows) - MOST} more in the page", style="dim"))
        console.print(
            Text(f"Chosen: {choice['name']}" + (f": {choice['why']}." if choice["why"] else ""), style="bold")
        )
    for sentence in record["statement"]:
        console.print(Text(sentence))
    for name, reason in record["not_planted"].items():
        console.print(Text(f"Not planted: {name}: {reason}", style="dim"))
    if record["not_applicable"]:
        console.print(Text(f"{len(record['not_applicable'])} methods do not apply: see the page.", style="dim"))
    profile = page.with_name("profile.json")
    console.print(f"\nPage: {page}\nProfile for `holdfast audit --profile`: {profile}", highlight=False, markup=False)


def _because(choice: dict[str, Any]) -> str:
    if choice["why"]:
        return f": {choice['why']}."
    if choice["name"] == choice["first"]:
        return ""
    return f", by what was planted here and by what {choice['sets']} other data sets say."


def _table(record: dict[str, Any], slot: str, rows: list[dict[str, Any]], wide: bool) -> Table:
    """On a narrow terminal without costs and memory, which the page has: the name of a method has to be read."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from holdfast.report.bench import span
    from holdfast.report.text import clip, number, visible

    title = record["found"] if slot == record["family"] else f"{slot}: {record['found']}"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, title=title, title_justify="left")
    names = ("tier", "method", "found", "CPU s", *(("cost", "MiB") if wide else ()))
    for name in names:
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=name != "method")
    for row in rows:
        name = clip(visible(row["name"]), 90) + (" (default)" if row["default"] else "")
        style = "red" if row["mark"] else ""
        cells = ["–" if row["tier"] is None else str(row["tier"]), name, span(row["found"]), number(row["seconds"]),
                 span(row["cost"]), number(row["peak_mb"])]  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells[: len(names)]), style=style)
    return table
