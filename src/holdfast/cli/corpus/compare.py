"""`holdfast corpus compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


def compare(
    a: Annotated[str, typer.Argument(help="A corpus: a file, folder or URL.")],
    b: Annotated[str, typer.Argument(help="The corpus that is compared with it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    text: Annotated[str, typer.Option(help="The field (column) with the text.")] = "text",
    domain: Annotated[str | None, typer.Option(help="The field with a document's domain; else its file.")] = None,
    sample: Annotated[int, typer.Option(help="Documents of each side that are looked at closely.")] = 600,
    seed: Annotated[int, typer.Option(help="Seed of samples and permutations.")] = 0,
) -> None:
    """In what two corpora differ: laws of language, similarity, novelty, and what is in one and not in the other."""
    with shared.plain(), shared.progress() as tell:
        from holdfast.cli.scaling import show
        from holdfast.corpus import compare as verb

        found = verb(a, b, text=text, domain=domain, sample=sample, seed=seed, progress=tell)
    with shared.plain():
        show(found, out)
