"""`holdfast explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted
from holdfast.cli.audit import _load_model, _pairs, _proba, _progress, _writable
from holdfast.cli.estimate import summary


def run(
    train: str, test: str, *, out: Path, roles: list[str], groups: list[str], column_groups: list[str],
    proba: list[str], model: Path | None, **settings: Any,
) -> None:  # fmt: skip
    """Explain, write the page, print what it says."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        given = {**_pairs(roles, "--role", "COLUMN=ROLE"), **dict.fromkeys([*groups], "group")}
        given |= dict.fromkeys(proba, "proba")
        together = _pairs(column_groups, "--column-group", "NAME=COLUMN,COLUMN")
        _writable(out)
        with _progress() as tell:
            found = holdfast.explain(
                train,
                test,
                roles=given,
                column_groups={name: columns.split(",") for name, columns in together.items()},
                model=_load_model(model),
                proba=_proba(test, proba, "test"),
                train_proba=_proba(train, proba, "train"),
                progress=tell,
                **settings,
            )
        page = found.save(out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
    summary(found.to_dict(), page)
