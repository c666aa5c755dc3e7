"""`holdfast repair`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted
from holdfast.cli.audit import _load_model, _progress, _writable


def run(report: Path, *, out: Path, undo: bool, model: Path | None, **settings: Any) -> None:
    """Repair copies of an audit's data, or undo a repair; print what was done."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        _writable(out)
        if undo:
            _undo(report, out)
            return
        with _progress() as tell:
            done = holdfast.repair(report, out=out, model=_load_model(model), progress=tell, **settings)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        kept = "" if undo else " What was fitted is kept: the same command goes on from there."
        interrupted(f"Nothing was written to {out}.{kept}")
    _summary(done.to_dict(), out)


def _undo(folder: Path, out: Path) -> None:
    from holdfast.repair.ledger import undo

    for path in undo(folder, out):
        print(f"Restored bit for bit: {path}")


def _summary(record: dict[str, Any], out: Path) -> None:
    from rich.console import Console

    from holdfast.report.verification import show

    console = Console()
    show(record, console)
    console.print(f"\nWritten to {out}: verification.html, ledger.jsonl", highlight=False, markup=False)
