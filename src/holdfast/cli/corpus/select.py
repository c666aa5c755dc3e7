"""`holdfast corpus select`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


@shared.with_common
def select(
    common: shared.Common,
    inputs: shared.Inputs,
    out: shared.Out,
    method: Annotated[
        str, typer.Option(help="importance, transport (both need --target), balance, diverse, or perplexity.")
    ],
    keep: Annotated[float, typer.Option(help="The share of the documents that stays.")] = 0.5,
    target: Annotated[list[str] | None, typer.Option(help="Files with texts of the wanted kind.")] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="A .npy file with a vector a document, in order; else vectors of words.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of clusters and draws.")] = 0,
) -> None:
    """Keep the documents that are worth training on; every other one with the reason, to be put back by restore."""
    with shared.told(out) as tell:
        from holdfast.corpus import select as verb

        summary = verb(
            inputs, out, method=method, keep=keep, target=target, embeddings=embeddings, seed=seed, progress=tell,
            **common.settings(),
        )  # fmt: skip
    if "kl_reduction" in summary:
        print(
            f"Kullback-Leibler divergence from the target lower by {summary['kl_reduction']:.3f} than of all documents"
        )
    shared.show(summary, out, common.strict)
