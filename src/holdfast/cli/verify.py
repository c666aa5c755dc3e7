"""`holdfast verify`: exit code 0 where a repair's statement holds, 3 where it does not, 5 where it cannot be told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted
from holdfast.cli.audit import _load_model

EXITS = {"holds": 0, "does_not_hold": 3, "cannot_tell": 5}


def run(repair: Path, *, model: Path | None, **settings: Any) -> None:
    """Judge a repair again and leave with an exit code that says how it went."""
    import holdfast
    from holdfast.audit.load import InputError, safe_text

    try:
        found = holdfast.verify(repair, model=_load_model(model), **settings)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted("Nothing was judged.")
    print(safe_text(found.verdict, 600))
    print(f"Looks at the confirming rows so far: {found.to_dict()['looks']}", file=sys.stderr)
    sys.exit(EXITS[found.outcome])
