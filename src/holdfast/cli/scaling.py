"""`holdfast scaling`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted


def run(runs: str, *, sizes: dict[str, str | None], at: list[str], out: Path | None, **settings: Any) -> None:
    """Fit, print the tables, write the numbers where asked."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        given = {kind: name for kind, name in sizes.items() if name is not None}
        found = holdfast.scaling(runs, sizes=given, at=_places(at), **settings)
        show(found, out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()


def show(found: Any, out: Path | None) -> None:
    """Tables on the terminal, JSON in a file."""
    from rich.console import Console

    from holdfast.report.tables import show_tables

    saved = None if out is None else found.save(out)
    console = Console()
    show_tables(found.to_dict(), console)
    if saved is not None:
        console.print(f"\nNumbers: {saved}", highlight=False, markup=False)


def _places(given: list[str]) -> dict[str, float]:
    from holdfast.audit.load import InputError

    places = {}
    for words in given:
        name, _, value = words.partition("=")
        try:
            places[name] = float(value)
        except ValueError:
            raise InputError(f"--at {words!r}: expected SIZE=NUMBER, such as parameters=7e9.") from None
    return places
