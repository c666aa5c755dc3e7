"""`holdfast corpus decontaminate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


@shared.with_common
def decontaminate(
    common: shared.Common,
    inputs: shared.Inputs,
    against: Annotated[
        list[str], typer.Option(help="A benchmark: JSON, JSON Lines, CSV, Parquet or an archive. May be repeated.")
    ],
    out: shared.Out,
    threshold: Annotated[float, typer.Option(help="Smallest score of a hit: 1 is word for word.")] = 0.2,
    item_field: Annotated[str | None, typer.Option(help="The field with an item's text.")] = None,
    scores: Annotated[
        Path | None, typer.Option(help="A model's score on every item, in order: compared on clean and other items.")
    ] = None,
    alarm_rate: shared.AlarmRate = 0.05,
) -> None:
    """Take out documents that hold items of a benchmark, word for word or rephrased, with the evidence for each."""
    from holdfast.corpus import decontaminate as verb

    with shared.told(out) as tell:
        summary = verb(
            inputs, out, against=against, threshold=threshold, item_field=item_field, scores=scores,
            alarm_rate=alarm_rate, progress=tell, **common.settings(),
        )  # fmt: skip
    for name, about in summary["benchmarks"].items():
        if about["contaminated"] or len(summary["benchmarks"]) <= 5:
            print(f"{name}: {about['contaminated']:,} of {about['items']:,} items are in the corpus")
    gap = summary["scores"]
    if gap is not None:
        print(
            f"Score on these items {gap['contaminated']:.3f}, on clean ones {gap['clean']:.3f}: difference "
            f"{gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
        )
    elif scores is not None:
        print("Scores cannot be compared: fewer than two items are contaminated, or fewer than two clean.")
    shared.show(summary, out, common.strict)
    print(f"Every hit with its words: {out.rstrip('/')}/hits.jsonl")
