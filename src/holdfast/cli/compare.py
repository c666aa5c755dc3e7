"""`holdfast compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted
from holdfast.cli.scaling import show


def run(runs: str, *, out: Path | None, **settings: Any) -> None:
    """Compare, print the tables, write the numbers where asked."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        show(holdfast.compare(runs, **settings), out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
