"""`holdfast corpus membership`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


def membership(
    texts: Annotated[str, typer.Argument(help="File of the texts that may have been read.")],
    unseen: Annotated[str, typer.Argument(help="File of texts of the same kind that the model cannot know.")],
    model: Annotated[
        str | None,
        typer.Option(help="A saved model or a Hugging Face folder; without one the files hold token_log_probs."),
    ] = None,
    reference: Annotated[str | None, typer.Option(help="A model that cannot have read the texts.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    field: Annotated[str, typer.Option(help="Field or column of the texts.")] = "text",
    rate: Annotated[float, typer.Option(help="Largest share of unread texts expected among those flagged.")] = 0.1,
    quick: Annotated[bool, typer.Option("--quick", help="Read every text once only.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the split that false alarms are counted on.")] = 0,
) -> None:
    """Test text by text whether a language model has read it, by several scores with honest p-values."""
    with shared.plain():
        from holdfast.cli.scaling import show
        from holdfast.contamination.membership import membership as verb

        found = verb(
            texts, unseen, model, reference=reference, field=field, rate=rate, thorough=not quick, seed=seed
        )  # fmt: skip
        show(found, out)
