"""`holdfast corpus mix`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


def mix(
    runs: Annotated[str, typer.Argument(help="A table of runs: the share of every group, and losses.")],
    losses: Annotated[str | None, typer.Argument(help="The losses, where they stand in a table of their own.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A column of shares. May be repeated.")] = None,
    loss: Annotated[list[str] | None, typer.Option(help="A column of losses; the mean of several.")] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="GROUP=TOKENS, the natural amount of a group. May be repeated.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="process, trees, line, law, or auto: the best on left-out runs.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of folds and candidates.")] = 0,
) -> None:
    """From finished runs the best proportions of the sources, how sure that is, and the run to make next."""
    with shared.plain():
        from holdfast.cli.scaling import show
        from holdfast.corpus import mix as verb

        sizes = shared.named_numbers(size or [], "--size")
        found = verb(
            runs, losses, groups=group or (), loss=loss or (), sizes=sizes or None, method=method, seed=seed
        )  # fmt: skip
        show(found, out)
