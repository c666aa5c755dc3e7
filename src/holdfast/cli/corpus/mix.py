"""`holdfast corpus mix`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli.corpus import _shared as shared


def mix(
    runs: Annotated[
        str | None,
        typer.Argument(
            help="A table of runs: the share of every group, and losses. With --train it is written. "
            "Left out, --size alone gives a plan."
        ),
    ] = None,
    losses: Annotated[str | None, typer.Argument(help="The losses, where they stand in a table of their own.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for all numbers, as JSON.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A column of shares. May be repeated.")] = None,
    loss: Annotated[list[str] | None, typer.Option(help="A column of losses; the mean of several.")] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(help="GROUP=TOKENS, the natural amount of a group, or GROUP=PATH to count it. May be repeated."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Tokens of the real training, for plans and --rules; all there are, once.")
    ] = None,
    want: Annotated[
        list[str] | None, typer.Option(help="A group that is to be strong at the end. May be repeated.")
    ] = None,
    quality: Annotated[
        list[str] | None, typer.Option(help="GROUP=NUMBER, what a token is worth where others are worth 1.")
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(help="GROUP=PATH: train tiny proxies on mixtures of these groups first. Once for every group."),
    ] = None,
    proxies: Annotated[int, typer.Option(help="How many are trained; 0 with --rules: none but those.")] = 32,
    tokens: Annotated[int, typer.Option(help="On how many tokens each.")] = 200_000,
    rules: Annotated[
        str | None,
        typer.Option(
            help="With --train, also train by rules of mixing and rank them: all, or of even, temperature, unimax, "
            "repeats, end, aioli, with commas. Kept in a table beside RUNS."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="With how many seeds every rule is trained.")] = 5,
    method: Annotated[
        str,
        typer.Option(
            help="process, trees, line, law, or auto: the best on left-out runs. aioli: the rows are short rounds of "
            "one training, or --train makes them."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of folds and candidates.")] = 0,
) -> None:
    """From finished runs, or from tiny proxies trained here, the best proportions of the sources and the next run.

    Without runs, from --size alone, what the rules of mixing would do: temperature, UniMax, planned repeats, the end.
    """
    with shared.plain():
        if (rules or method == "aioli") and not train and (rules or runs is None):
            raise ValueError("--rules and aioli train proxies: say on what, --train GROUP=PATH for every group.")
        if train and (losses or group or loss):
            raise ValueError("--train makes the groups and the losses: leave out LOSSES, --group and --loss.")
        if train and runs is None:
            raise ValueError("--train writes a table of runs: name it, as in holdfast corpus mix runs.csv --train ...")
        worth = shared.named_numbers(quality or [], "--quality")
        given: dict[str, Any] = {"budget": budget, "wanted": want or [], "quality": worth}
        sizes = dict(_size(words) for words in size or []) or None
    if train and runs is not None:
        found = _trained(
            runs, train, rules=rules, proxies=proxies, tokens=tokens, seeds=seeds, method=method, seed=seed,
            sizes=sizes, given=given,
        )  # fmt: skip
    else:
        with shared.plain():
            from holdfast.corpus import mix as verb

            found = verb(
                runs, losses, groups=group or (), loss=loss or (), sizes=sizes, method=method, seed=seed, **given
            )
    with shared.plain():
        from holdfast.cli.scaling import show

        show(found, out)


def _size(words: str) -> tuple[str, float]:
    """GROUP=TOKENS, or GROUP=PATH: the tokens of its files, counted."""
    name, _, value = words.rpartition("=")
    try:
        float(value)
    except ValueError:
        if name and value:
            from holdfast.corpus.proportion_rules import count_tokens

            return name, count_tokens(value)
    return next(iter(shared.named_numbers([words], "--size").items()))


def _trained(
    table: str, train: list[str], *, rules: str | None, proxies: int, tokens: int, seeds: int, method: str, seed: int,
    sizes: dict[str, float] | None, given: dict[str, Any],
) -> Any:  # fmt: skip
    """Proxies on drawn mixtures and what they say, proxies by rules, or both."""
    alone = method == "aioli"
    wanted = rules or ("even,aioli" if alone else None)
    stages = {"training": 0.0 if alone or not proxies else 0.5 if wanted else 1.0, "trying rules": 1.0}
    beside = Path(table).with_name(f"{Path(table).stem}-rules.csv")
    kept = [table] if wanted is None else [*([table] if stages["training"] else []), str(beside)]
    with shared.told(" and ".join(kept), shares=stages) as tell:
        from holdfast.corpus.proxies import Proxy

        paths = dict(shared.named(words, "--train", "web=web.jsonl") for words in train)
        settings: dict[str, Any] = {"proxy": Proxy(tokens=tokens), "seed": seed, "progress": tell}
        names = [name.strip() for name in (wanted or "").split(",") if name.strip()]
        if wanted is not None:
            from holdfast.corpus.rule_trials import check_rules

            check_rules(list(paths), names, seeds, given["wanted"], given["quality"], settings["proxy"])
        elif given["budget"] is not None or given["wanted"] or given["quality"]:
            raise ValueError("--budget, --want and --quality are for --rules, or for a plan without RUNS and --train.")
        found = None if alone or (wanted and not proxies) else _best(table, paths, sizes, method, proxies, settings)
        if wanted is None:
            return found
        tried = _tried(beside, paths, names, seeds, sizes, given, found, settings)
        return tried if found is None else _joined(found, tried)


def _best(
    table: str, paths: dict[str, str], sizes: dict[str, float] | None, method: str, proxies: int,
    settings: dict[str, Any],
) -> Any:  # fmt: skip
    from holdfast.corpus import mix as verb
    from holdfast.corpus import proxy_runs

    runs = proxy_runs(paths, table=table, runs=proxies, sizes=sizes, **settings)
    natural = sizes or {name: float(runs[name][0]) for name in paths}  # the first run is the natural mixture
    losses = [f"{name}_loss" for name in paths]
    return verb(runs, groups=list(paths), loss=losses, sizes=natural, method=method, seed=settings["seed"])


def _tried(
    table: Path, paths: dict[str, str], rules: list[str], seeds: int, sizes: dict[str, float] | None,
    given: dict[str, Any], found: Any, settings: dict[str, Any],
) -> Any:  # fmt: skip
    """The rules by name, and what the runs call best beside them."""
    from holdfast.corpus import mix_rules
    from holdfast.corpus.proportion_rules import count_tokens

    if given["budget"] is not None and sizes is None:
        sizes = {name: count_tokens(path) for name, path in paths.items()}
    best = {} if found is None else {"found": {row["group"]: row["best"] for row in found["proportions"]}}
    tell = settings["progress"]
    more = {**settings, "progress": lambda stage, done, total: tell("trying rules", done, total)}
    return mix_rules(paths, table=table, rules=rules, seeds=seeds, sizes=sizes, mixtures=best, **given, **more)


def _joined(found: Any, tried: Any) -> Any:
    """What the runs say and what the rules reach, as one."""
    from holdfast.report.tables import Tables

    one, other = found.to_dict(), tried.to_dict()
    return Tables({
        **one, "verdict": f"{one['verdict']} By rules: {other['verdict']}", "rules": other,
        "tables": [*one["tables"], *other["tables"]], "notes": [*one["notes"], *other["notes"]],
    })  # fmt: skip
