"""`holdfast corpus dedup`."""

from __future__ import annotations

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
    alarm_rate: shared.AlarmRate = 0.3,
    alarm_cluster: Annotated[int, typer.Option(help="Say so where a cluster has more documents than this.")] = 1000,
) -> None:
    """Take out documents that repeat an earlier one, exactly or nearly, and say of each which and how much."""
    from holdfast.corpus import dedup as verb

    with shared.told(out) as tell:
        summary = verb(
            inputs, out, exact_only=exact_only, threshold=threshold, k=k, bands=bands, rows=rows,
            alarm_rate=alarm_rate, alarm_cluster=alarm_cluster, progress=tell, **common.settings(),
        )  # fmt: skip
    shared.show(summary, out, common.strict)
