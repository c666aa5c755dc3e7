"""`holdfast corpus contamination`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import fail, interrupted


def contamination(
    model: Annotated[str, typer.Argument(help="A saved model (.safetensors) or the folder of a Hugging Face model.")],
    benchmark: Annotated[str, typer.Argument(help="File of the texts that may have been seen (.jsonl, .csv, .txt).")],
    unseen: Annotated[str, typer.Argument(help="File of texts of the same kind that the model cannot know.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    reference: Annotated[str | None, typer.Option(help="A model that cannot have seen the benchmark.")] = None,
    field: Annotated[str, typer.Option(help="Field or column of the texts.")] = "text",
    name: Annotated[str, typer.Option(help="What the benchmark is called, such as 'GSM8K, test:'.")] = "",
    trained_on: Annotated[
        str | None, typer.Option(help="File of texts in the order in which a training run of yours read them.")
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option(help="Run this test only. May be repeated; by default all that apply.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Read every text once only.")] = False,
    ordered: Annotated[
        bool,
        typer.Option("--ordered/--sorted", help="The orders of items and options mean nothing, or they are sorted."),
    ] = True,
    piece: Annotated[int, typer.Option(help="Items a piece of the order test.")] = 5,
    orders: Annotated[int, typer.Option(help="Random orders of each piece.")] = 20,
    rate: Annotated[float, typer.Option(help="Largest share of unseen texts expected among those flagged.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of orders and splits.")] = 0,
) -> None:
    """Test whether a language model has seen a benchmark: as a set, its order, wording, options and name, by text."""
    import holdfast
    from holdfast.audit.load import InputError
    from holdfast.cli.scaling import show

    try:
        found = holdfast.contamination(
            model, benchmark, unseen, reference=reference, field=field, name=name, trained_on=trained_on,
            tests=test or (), ordered=ordered, thorough=not quick, piece=piece, orders=orders, rate=rate, seed=seed,
        )  # fmt: skip
        show(found, out)
    except (InputError, OSError, ModuleNotFoundError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
