"""`holdfast corpus restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


def restore(
    folder: Annotated[str, typer.Argument(help="What a command of this group wrote.")],
    out: Annotated[str, typer.Option("--out", "-o", help="A new folder for the restored files.")],
    rule: Annotated[
        list[str] | None, typer.Option(help="Put back only what this rule removed (near, broken). May be repeated.")
    ] = None,
) -> None:
    """Put removed documents back where they were: all of them gives the original files, byte for byte."""
    from holdfast.corpus import restore as verb

    with shared.told(out, kept=False):
        for name, count in verb(folder, out, rules=rule or None).items():
            print(f"{out.rstrip('/')}/{name}: {count:,} records put back")
