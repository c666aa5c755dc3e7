"""`holdfast drill`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.cli import EXIT_INTERRUPTED, fail
from holdfast.cli.audit import _pairs, _writable


def run(
    train: str, test: str | None, *, out: Path, roles: list[str], groups: list[str], faults: list[str],
    checks: list[str], **settings: Any,
) -> None:  # fmt: skip
    """Drill the checks on a file or two, write the page and the record, print the table."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        given = {**_pairs(roles, "--role", "COLUMN=ROLE"), **dict.fromkeys(groups, "group")}
        _writable(out)
        with _progress() as tell:
            done = holdfast.drill(
                train, test, roles=given, faults=faults, checks=checks, out=out, progress=tell, **settings
            )
        page = done.save(out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        print(f"\nInterrupted. What was seen is kept in {out}: the same command goes on from there.", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    _show(done.to_dict(), page)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """One live bar with the time that is about left on a terminal, plain silence elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage, done, total: None
        return
    columns = (
        BarColumn(bar_width=28), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), TextColumn("about"),
        TimeRemainingColumn(), TextColumn("left [dim]{task.description}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("reading")

        def tell(stage: str, done: int, total: int) -> None:
            bars.update(bar, completed=done, total=max(total, 1), description=stage.removeprefix("drilling "))

        yield tell


def _show(record: dict[str, Any], page: Path) -> None:
    from rich.console import Console

    from holdfast.report.drill import show

    console = Console()
    show(record, console)
    console.print(f"\nDrill: {page}  ({page.with_name('drill.json').name} beside it)", highlight=False, markup=False)
