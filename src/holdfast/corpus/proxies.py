"""The verb `holdfast.corpus.proxy_runs(...)`: tiny language models trained on mixtures, as a table for `mix`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holdfast.corpus.records import Fields, read_pieces
from holdfast.corpus.sources import Source, cut, find_sources, wrong
from holdfast.engine.stage import Tell

HELD_OUT = 0.1  # of the documents of a group: losses are measured on these
ROWS_HELD_OUT = 64  # at most, of a group
LEAST = 8  # rows that a group must have to train on, and one to measure on
BATCH, RATE = 8, 3e-3  # rows of a step, learning rate: many small steps learn more of so few tokens
ALONE = 0.9  # share of one group, beside an even mixture, in the runs that reach into the corners
TEMPER = 0.5  # exponent of the natural shares around which mixtures are drawn
STRENGTHS = (0.5, 5.0)  # how near to these: the sum of the parameters of the Dirichlet law is so much times the groups


@dataclass(frozen=True)
class Proxy:
    """Sizes of a proxy and of its training: one pass over `tokens` tokens, cut into rows of `context`."""

    tokens: int = 200_000
    width: int = 64
    depth: int = 2
    context: int = 128
    merges: int = 256
    read: int = 1_000_000  # tokens of every group that are read at most


@dataclass(frozen=True)
class _Group:
    """Rows of codes to train on and to measure on, and how many bytes of text the latter are."""

    rows: list[list[int]]
    held_out: list[list[int]]
    bytes: int


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
    natural = _natural(sources, sizes)
    plan = _plan(sources, settings, natural, text, seed)
    done = _done(table, plan, list(groups))
    made = [_shares(natural, number, seed) for number in range(runs)]
    if len(done) < runs:
        tell("reading", 0, 1)
        held, vocabulary = _read(sources, settings, Fields(text), seed)
    for number in range(len(done), runs):
        tell("training", number, runs)
        losses = _run(held, made[number], vocabulary, settings, seed)
        shares = dict(zip(groups, made[number].tolist(), strict=True))
        done.append({"run": number, **shares, **{f"{name}_loss": loss for name, loss in losses.items()}, "plan": plan})
        if table is not None:
            _save(pl.DataFrame(done), Path(table))
    tell("training", runs, runs)
    return pl.DataFrame(done[:runs])


def _natural(sources: dict[str, list[Source]], sizes: Mapping[str, float] | None) -> np.ndarray:
    if sizes is not None and set(sizes) != set(sources):
        raise wrong(f"sizes: expected an amount for each of {', '.join(sources)}; got {', '.join(sizes) or 'none'}.")
    found = [sizes[name] if sizes else sum(source.size for source in some) for name, some in sources.items()]
    amounts = np.array(found, dtype=float)
    if not np.isfinite(amounts).all() or amounts.min() <= 0:
        raise wrong("sizes: expected amounts above 0.")
    return amounts / amounts.sum()


def _plan(sources: dict[str, list[Source]], settings: Proxy, natural: np.ndarray, text: str, seed: int) -> str:
    """What makes a run, but for its number: runs of other plans are not put into one table."""
    files = {name: [asdict(source) for source in some] for name, some in sources.items()}
    told = json.dumps([files, asdict(settings), natural.tolist(), text, seed], sort_keys=True)
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


def _save(frame: pl.DataFrame, path: Path) -> None:
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


def _read(
    sources: dict[str, list[Source]], settings: Proxy, fields: Fields, seed: int
) -> tuple[dict[str, _Group], int]:  # fmt: skip
    """The groups as rows of codes of one vocabulary, learnt from all of them alike; the size of that."""
    from holdfast.nets.tokens import BytePairs

    room = 4 * settings.read  # bytes: a token has about so many, or fewer
    texts = {name: _texts(some, fields, room) for name, some in sources.items()}
    share = min(sum(map(len, some)) for some in texts.values())
    pairs = BytePairs.learn((text for some in texts.values() for text in _first(some, share)), settings.merges)
    return {name: _group(name, some, pairs, settings, seed) for name, some in texts.items()}, pairs.size


def _texts(sources: list[Source], fields: Fields, room: int) -> list[str]:
    """Documents in order until there are enough characters."""
    shards, _, piece = cut(sources)
    found: list[str] = []
    for shard in shards:
        for part in read_pieces(sources[shard.source], shard, piece, fields):
            found += [text for text in part.texts if text.strip()]
            room -= sum(map(len, part.texts))
            if room <= 0:
                return found
    return found


def _first(texts: list[str], room: int) -> Iterator[str]:
    for text in texts:
        if room <= 0:
            return
        yield text
        room -= len(text)


def _group(name: str, texts: list[str], pairs: Any, settings: Proxy, seed: int) -> _Group:
    from holdfast.nets.tokens import START

    rng = np.random.default_rng(seed)
    room, left = settings.context - 1, settings.read
    rows: list[list[int]] = []
    aside: list[list[int]] = []
    for place in rng.permutation(len(texts)).tolist():
        codes = pairs.encode(texts[place])[:left]
        left -= len(codes)
        cut_up = [[START, *codes[first : first + room]] for first in range(0, len(codes), room)]
        wanted = len(aside) < ROWS_HELD_OUT and len(aside) < HELD_OUT * (len(rows) + len(aside) + 1)
        (aside if wanted else rows).extend(cut_up)
        if left <= 0:
            break
    if len(rows) < LEAST or not aside:
        raise wrong(f"group {name}: {len(rows) + len(aside)} rows of {room} tokens; expected at least {LEAST + 1}.")
    held_out = aside[:ROWS_HELD_OUT]
    return _Group(rows, held_out, sum(len(pairs.decode(row).encode()) for row in held_out))


def _run(
    groups: dict[str, _Group], shares: np.ndarray, vocabulary: int, settings: Proxy, seed: int
) -> dict[str, float]:  # fmt: skip
    """Train one proxy; bits per byte on what was left out of every group.

    All begin with the same weights and take the texts of a group in the same order: runs differ by their mixture only.
    """
    from holdfast.nets.calling import seeded
    from holdfast.nets.causal import CausalTransformer
    from holdfast.nets.language_model import train_on_codes

    rng = np.random.default_rng(seed)
    count = max(settings.tokens // settings.context, LEAST)
    parts = np.floor(np.append(0, np.cumsum(shares)) * count + 0.5).astype(int)
    rows = []
    for group, size in zip(groups.values(), np.diff(parts).tolist(), strict=True):
        order = rng.permutation(len(group.rows))
        rows += [group.rows[order[at % len(order)]] for at in range(size)]  # none again before all were taken
    with seeded(seed):
        network = CausalTransformer(vocabulary, settings.width, settings.depth, 4, settings.context)
    model = train_on_codes(network, rows, epochs=1, batch_size=BATCH, learning_rate=RATE, seed=seed).model
    return {name: _bits_per_byte(model, group) for name, group in groups.items()}


def _bits_per_byte(model: Any, group: _Group) -> float:
    import torch
    from torch.nn import functional

    from holdfast.nets.calling import evaluating, forward
    from holdfast.nets.tokens import START

    longest = max(map(len, group.held_out))
    codes = torch.tensor([row + [START] * (longest - len(row)) for row in group.held_out])
    with evaluating(model), torch.inference_mode():
        logits = forward(model, codes[:, :-1]).flatten(0, 1)
        total = functional.cross_entropy(logits, codes[:, 1:].flatten(), ignore_index=START, reduction="sum")
    return float(total) / math.log(2) / max(group.bytes, 1)
