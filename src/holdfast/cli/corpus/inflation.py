"""`holdfast corpus inflation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


def inflation(
    results: Annotated[
        str,
        typer.Argument(
            help="Table of answers (.csv, .parquet), a row an item and model: correct, and what there is of model, "
            "holdout, reworded, date, popularity, text, log_likelihood."
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    cutoff: Annotated[str | None, typer.Option(help="When training ended, such as 2023-10-31.")] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(help="A column that says how hard an item is. May be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and permutations.")] = 0,
) -> None:
    """Test from right and wrong answers whether a score is inflated: by a holdout, rewordings, dates, other models."""
    with shared.plain():
        from holdfast.cli.scaling import show
        from holdfast.contamination.inflation import inflation as verb

        show(verb(results, cutoff=cutoff, covariates=covariate or (), seed=seed), out)
