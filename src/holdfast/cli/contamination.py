"""`holdfast corpus contamination`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted


def run(model: str, benchmark: str, unseen: str, *, out: Path | None, **settings: Any) -> None:
    """Test, print the tables, write the numbers where asked."""
    import holdfast
    from holdfast.audit.load import InputError
    from holdfast.cli.scaling import show

    try:
        show(holdfast.contamination(model, benchmark, unseen, **settings), out)
    except (InputError, OSError, ModuleNotFoundError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
