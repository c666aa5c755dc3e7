"""`holdfast corpus mix`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.corpus import _shared as shared


def mix(
    runs: Annotated[
        str,
        typer.Argument(help="A table of runs: the share of every group, and losses. With --train it is written."),
    ],
    losses: Annotated[str | None, typer.Argument(help="The losses, where they stand in a table of their own.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A column of shares. May be repeated.")] = None,
    loss: Annotated[list[str] | None, typer.Option(help="A column of losses; the mean of several.")] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="GROUP=TOKENS, the natural amount of a group. May be repeated.")
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(help="GROUP=PATH: train tiny proxies on mixtures of these groups first. Once for every group."),
    ] = None,
    proxies: Annotated[int, typer.Option(help="How many are trained.")] = 32,
    tokens: Annotated[int, typer.Option(help="On how many tokens each.")] = 200_000,
    method: Annotated[
        str, typer.Option(help="process, trees, line, law, or auto: the best on left-out runs.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of folds and candidates.")] = 0,
) -> None:
    """From finished runs, or from tiny proxies trained here, the best proportions of the sources and the next run."""
    with shared.plain(), shared.progress() as tell:
        from holdfast.corpus import mix as verb

        sizes = shared.named_numbers(size or [], "--size")
        if train:
            from holdfast.corpus import proxy_runs
            from holdfast.corpus.proxies import Proxy

            if losses or group or loss:
                raise ValueError("--train makes the groups and the losses: leave out LOSSES, --group and --loss.")
            paths = dict(shared.named(words, "--train", "web=web.jsonl") for words in train)
            table = proxy_runs(
                paths, table=runs, runs=proxies, sizes=sizes or None, proxy=Proxy(tokens=tokens), seed=seed,
                progress=tell,
            )  # fmt: skip
            group, loss = list(paths), [f"{name}_loss" for name in paths]
            sizes = sizes or {name: float(table[name][0]) for name in paths}  # the first run is the natural mixture
        found = verb(runs, losses, groups=group or (), loss=loss or (), sizes=sizes or None, method=method, seed=seed)
    with shared.plain():
        from holdfast.cli.scaling import show

        show(found, out)
