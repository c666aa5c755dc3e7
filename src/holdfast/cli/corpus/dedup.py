"""`holdfast corpus dedup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


@shared.with_common
def dedup(
    common: shared.Common,
    inputs: shared.Inputs,
    out: shared.Out,
    exact_only: Annotated[bool, typer.Option("--exact-only", help="Look for equal texts only.")] = False,
    threshold: Annotated[
        float, typer.Option(help="Smallest Jaccard similarity of word k-grams at which documents repeat each other.")
    ] = 0.35,
    k: Annotated[int, typer.Option(help="Words in a k-gram.")] = 3,
    bands: Annotated[int, typer.Option(help="Bands of MinHash: more find more of the less similar pairs.")] = 40,
    rows: Annotated[int, typer.Option(help="Rows of a band: more leave fewer pairs to verify, and find fewer.")] = 4,
    substring: Annotated[
        int,
        typer.Option(help="Take out runs of so many words or more that stand in an earlier document; 0: leave them."),
    ] = 0,
    semantic: Annotated[
        float, typer.Option(help="Take out documents within this of one minus the cosine of a kept one; 0: leave them.")
    ] = 0.0,
    embeddings: Annotated[
        Path | None, typer.Option(help="A .npy file with a vector a document, for --semantic; else vectors of words.")
    ] = None,
    alarm_rate: shared.AlarmRate = 0.3,
    alarm_cluster: Annotated[int, typer.Option(help="Say so where a cluster has more documents than this.")] = 1000,
) -> None:
    """Take out documents that repeat an earlier one, exactly or nearly, and say of each which and how much."""
    from holdfast.corpus import dedup as verb

    with shared.told(out) as tell:
        summary = verb(
            inputs, out, exact_only=exact_only, threshold=threshold, k=k, bands=bands, rows=rows,
            substring=substring, semantic=semantic, embeddings=embeddings,
            alarm_rate=alarm_rate, alarm_cluster=alarm_cluster, progress=tell, **common.settings(),
        )  # fmt: skip
    if "passages" in summary:
        about = summary["passages"]
        print(
            f"{about['passages']:,} passages of {about['words']:,} words taken out of {about['documents']:,} documents"
        )
    shared.show(summary, out, common.strict)
