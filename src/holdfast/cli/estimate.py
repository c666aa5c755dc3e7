"""`holdfast estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted
from holdfast.cli.audit import _load_model, _pairs, _progress, _writable


def run(
    train: str, production: str, *, out: Path, roles: list[str], groups: list[str], proba: list[str],
    model: Path | None, **settings: Any,
) -> None:  # fmt: skip
    """Estimate, write the page, print what it says."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        given = {**_pairs(roles, "--role", "COLUMN=ROLE"), **dict.fromkeys(groups, "group")}
        given |= dict.fromkeys(proba, "proba")
        _writable(out)
        with _progress() as tell:
            found = holdfast.estimate(
                train,
                production,
                roles=given,
                model=_load_model(model),
                proba=proba or None,
                train_proba=proba or None,
                work=out,
                progress=tell,
                **settings,
            )
        page = found.save(out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
    summary(found.to_dict(), page)


def summary(record: dict[str, Any], page: Path) -> None:
    """What the page says, on the terminal, and where it is."""
    from rich.console import Console

    from holdfast.report.sheet import show_sheet

    console = Console()
    show_sheet(record, console)
    console.print(f"\nPage: {page}  ({page.with_suffix('.json').name} beside it)", highlight=False, markup=False)
