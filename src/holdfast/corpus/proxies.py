"""The verb `holdfast.corpus.proxy_runs(...)`: tiny language models trained on mixtures, as a table for `mix`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holdfast.corpus.proxy_training import Phase, Proxy, Texts, train_proxy
from holdfast.corpus.records import Fields
from holdfast.corpus.sources import Source, find_sources, wrong
from holdfast.engine.stage import Tell

ALONE = 0.9  # share of one group, beside an even mixture, in the runs that reach into the corners
TEMPER = 0.5  # exponent of the natural shares around which mixtures are drawn
STRENGTHS = (0.5, 5.0)  # how near to these: the sum of the parameters of the Dirichlet law is so much times the groups


def proxy_runs(
    groups: Mapping[str, Any],
    *,
    table: str | Path | None = None,
    runs: int = 32,
    sizes: Mapping[str, float] | None = None,
    proxy: Proxy | None = None,
    text: str = "text",
    seed: int = 0,
    progress: Tell | None = None,
) -> pl.DataFrame:
    """Train a tiny causal transformer on each of `runs` mixtures; a row a run: shares, and losses on every group.

    Parameters
    ----------
    groups
        For every group its files, folders or URLs (JSON Lines, Parquet, CSV, text).
    table
        A CSV file that is written anew after every run. Where it holds runs of the same groups and settings, only the
        others are made: a call that was stopped goes on, and one with more `runs` adds to it.
    runs
        The first is the natural mixture, the second all groups alike; then come runs of 90 % one group and 10 % the
        even mixture, so that the best mixture lies between runs; the others are drawn around the square root of the
        natural shares (Dirichlet; near to it or far).
    sizes
        The natural amount of every group; by default the bytes of its files.
    proxy
        Sizes of the model and its training.

    Returns
    -------
    polars.DataFrame
        `run`, a column of shares a group, a column `<group>_loss` each (bits per byte of texts that were left out), and
        `plan`, which says of what settings the row is. For `holdfast.corpus.mix`.

    Fails to say anything about models so much larger that other mixtures are best for them: a proxy sees the rank of
    mixtures, not the losses of a large model, and what it cannot learn at all (code, sums) shows no gain.
    """
    if find_spec("torch") is None:
        raise wrong("training proxies needs torch: pip install 'holdfast[torch]'")
    if len(groups) < 2:
        raise wrong(f"{len(groups)} groups; expected at least 2 to mix.")
    settings, tell = proxy or Proxy(), progress or (lambda title, done, total: None)
    sources = {name: find_sources(given) for name, given in groups.items()}
    natural = natural_shares(sources, sizes)
    plan = plan_of(sources, settings, natural, text, seed)
    done = _done(table, plan, list(groups))
    made = [_shares(natural, number, seed) for number in range(runs)]
    if len(done) < runs:
        tell("reading", 0, 1)
        texts = Texts(sources, settings, Fields(text))
        held = texts.groups(seed)
    for number in range(len(done), runs):
        tell("training", number, runs)
        losses = train_proxy(held, [Phase(1.0, made[number])], texts.pairs.size, settings, seed)
        shares = dict(zip(groups, made[number].tolist(), strict=True))
        done.append({"run": number, **shares, **{f"{name}_loss": loss for name, loss in losses.items()}, "plan": plan})
        if table is not None:
            save_table(pl.DataFrame(done), Path(table))
    tell("training", runs, runs)
    return pl.DataFrame(done[:runs])


def natural_shares(sources: dict[str, list[Source]], sizes: Mapping[str, float] | None) -> np.ndarray:
    """Of amounts that were given, else of the bytes of the files."""
    if sizes is not None and set(sizes) != set(sources):
        raise wrong(f"sizes: expected an amount for each of {', '.join(sources)}; got {', '.join(sizes) or 'none'}.")
    found = [sizes[name] if sizes else sum(source.size for source in some) for name, some in sources.items()]
    amounts = np.array(found, dtype=float)
    if not np.isfinite(amounts).all() or amounts.min() <= 0:
        raise wrong("sizes: expected amounts above 0.")
    return amounts / amounts.sum()


def plan_of(
    sources: dict[str, list[Source]], settings: Proxy, natural: np.ndarray, text: str, seed: int, *more: Any
) -> str:
    """What makes a run, but for its number: runs of other plans are not put into one table."""
    files = {name: [asdict(source) for source in some] for name, some in sources.items()}
    told = json.dumps([files, asdict(settings), natural.tolist(), text, seed, *more], sort_keys=True)
    return blake2b(told.encode(), digest_size=8).hexdigest()


def _done(table: str | Path | None, plan: str, groups: list[str]) -> list[dict[str, Any]]:
    """The runs that a table holds."""
    if table is None or not Path(table).exists():
        return []
    try:
        rows = pl.read_csv(table, schema_overrides={"plan": pl.String}).to_dicts()
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise wrong(f"{table} cannot be read as a table: {str(problem).splitlines()[0]}") from None
    columns = ["run", *groups, *(f"{name}_loss" for name in groups), "plan"]
    right = all(list(row) == columns and row["plan"] == plan and row["run"] == at for at, row in enumerate(rows))
    if not right:
        raise wrong(f"{table} holds other runs than these: of other files, groups or settings. Name a new table.")
    return rows


def save_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a CSV file, aside first."""
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(partial)
    partial.replace(path)


def _shares(natural: np.ndarray, number: int, seed: int) -> np.ndarray:
    """The mixture of a run: the same for the same number and seed, however many runs there are."""
    if number == 0:
        return natural
    even = np.full(len(natural), 1 / len(natural))
    if number == 1:
        return even
    if number < 2 + len(natural):
        return (1 - ALONE) * even + ALONE * (np.arange(len(natural)) == number - 2)
    rng = np.random.default_rng([seed, number])
    around = natural**TEMPER / (natural**TEMPER).sum()
    strength = math.exp(rng.uniform(math.log(STRENGTHS[0]), math.log(STRENGTHS[1])))
    shares = rng.dirichlet(np.maximum(strength * len(natural) * around, 0.05))
    return shares / shares.sum()
