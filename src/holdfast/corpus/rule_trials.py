"""The verb `holdfast.corpus.mix_rules(...)`: rules of mixing tried on the texts at hand, by tiny proxies, paired."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from holdfast.corpus.aioli_training import STEERING, steps_and_rounds, train_steered
from holdfast.corpus.proportion_rules import Amounts, Rule, amounts, known_group, rules_of
from holdfast.corpus.proxies import natural_shares, plan_of, save_table
from holdfast.corpus.proxy_training import Group, Phase, Proxy, Texts, train_proxy
from holdfast.corpus.records import Fields
from holdfast.corpus.rule_report import Trials, record
from holdfast.corpus.sources import Source, find_sources, wrong
from holdfast.engine.stage import Tell
from holdfast.report.tables import Tables

LEAST_SEEDS = 3
NEEDS = {"repeats": "qualities that differ (--quality)", "end": "wanted groups (--want)"}


def mix_rules(
    groups: Mapping[str, Any],
    *,
    table: str | Path | None = None,
    rules: Sequence[str] = ("all",),
    seeds: int = 5,
    sizes: Mapping[str, float] | None = None,
    budget: float | None = None,
    wanted: Sequence[str] = (),
    quality: Mapping[str, float] | None = None,
    mixtures: Mapping[str, Mapping[str, float]] | None = None,
    proxy: Proxy | None = None,
    text: str = "text",
    seed: int = 0,
    progress: Tell | None = None,
) -> Tables:
    """Train a tiny causal transformer by every rule of mixing, with several seeds, and rank the rules.

    Parameters
    ----------
    groups
        For every group its files, folders or URLs (JSON Lines, Parquet, CSV, text).
    table
        A CSV file that is written anew after every training: a call that was stopped goes on, and one with more rules
        or seeds adds to it.
    rules
        Of natural (always tried), even, temperature, unimax, repeats, end, aioli; "all" are those that apply: repeats
        want qualities that differ, end wants wanted groups.
    seeds
        How often every rule is trained, at least 3: other weights and other texts held out, the same for every rule.
    sizes, budget
        The natural amount of every group (by default the bytes of its files) and how much the real training will see
        (by default all of it once), in one unit. A proxy gets so few different texts of a group that it repeats them as
        often as the real training would.
    wanted, quality
        As in `plan_mix`. With `wanted`, rules are ranked by the mean loss of these groups.
    mixtures
        Further mixtures to try, a share of every group each, by name, such as what `mix` has found.
    proxy
        Sizes of the model and its training.

    Returns
    -------
    Tables
        `ranking` (a rule each: mean loss, how far it is `below` the natural mixture with the 90 % interval over seeds,
        paired; the same `over_all` groups), `best`, `told` (whether the best is below the natural mixture at 90 % for
        all rules together), `alike` (rules that are not told apart from the best), `losses` (of every seed and group),
        and of Aioli `rounds`: shares with intervals, the estimated law, its errors and fidelity.

    Raises `InputError` as `plan_mix` does, and for an unknown rule or fewer than three seeds.

    Fails to say anything about models so much larger that other mixtures are best for them.
    """
    settings, tell = proxy or Proxy(), progress or (lambda title, done, total: None)
    check_rules(list(groups), rules, seeds, wanted, quality, settings, mixtures)
    sources = {name: find_sources(one) for name, one in groups.items()}
    given = _given(sources, sizes, budget, wanted, quality)
    limits = np.maximum(np.rint(settings.rows * given.sizes / given.budget), 1).astype(int).tolist()
    chosen, numbers = _chosen(given, rules, mixtures or {}), range(seed + 1, seed + seeds + 1)
    kept = _Kept(table, plan_of(sources, settings, given.natural, text, seed, "rules", limits), list(groups))
    every = [(number, rule) for number in numbers for rule in chosen.values()]
    left = [(number, rule) for number, rule in every if (_schedule(rule), number) not in kept.rows]
    texts = Texts(sources, settings, Fields(text)) if left else None
    held: tuple[int, dict[str, Group]] = (seed, {})
    for place, (number, rule) in enumerate(left):
        tell("training", place, len(left))
        if texts is None or (_schedule(rule), number) in kept.rows:  # two rules that do the same
            continue
        held = held if held[0] == number else (number, texts.groups(number, STEERING))
        kept.add(rule, number, _trained(rule, held[1], texts, number, limits))
    tell("training", 1, 1)
    return Tables(record(_collected(given, chosen, kept, numbers), chosen, settings))


class _Kept:
    """Trainings by schedule and seed: those that a table holds, and those that are added to it."""

    def __init__(self, table: str | Path | None, plan: str, groups: list[str]) -> None:
        self.path, self.plan = None if table is None else Path(table), plan
        columns = ["rule", "seed", "schedule", *(f"{name}_loss" for name in groups), "rounds", "short", "plan"]
        rows = _rows(self.path) if self.path is not None and self.path.exists() else []
        if not all(list(row) == columns and row["plan"] == plan for row in rows):
            raise wrong(
                f"{table} holds other trainings than these: of other files, groups, sizes or settings. Name a new one."
            )
        self.rows = {(str(row["schedule"]), int(row["seed"])): row for row in rows}

    def add(self, rule: Rule, seed: int, row: dict[str, Any]) -> None:
        """One more training; the table is written anew."""
        named = {"rule": rule.name, "seed": seed, "schedule": _schedule(rule)}
        self.rows[_schedule(rule), seed] = {**named, **row, "plan": self.plan}
        if self.path is not None:
            save_table(pl.DataFrame(list(self.rows.values())), self.path)


def _rows(path: Path) -> list[dict[str, Any]]:
    texts = dict.fromkeys(("rule", "schedule", "rounds", "short", "plan"), pl.String)
    try:
        return pl.read_csv(path, schema_overrides=texts).to_dicts()
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise wrong(f"{path} cannot be read as a table: {str(problem).splitlines()[0]}") from None


def _given(
    sources: dict[str, list[Source]], sizes: Mapping[str, float] | None, budget: float | None, wanted: Sequence[str],
    quality: Mapping[str, float] | None,
) -> Amounts:  # fmt: skip
    """The amounts in the order of the groups; without sizes the bytes of their files, all of them once."""
    natural = natural_shares(sources, sizes)
    if sizes is None and budget is not None:
        raise wrong("a budget wants sizes in its unit: say how much there is of every group.")
    ordered = dict(zip(sources, natural.tolist(), strict=True)) if sizes is None else {n: sizes[n] for n in sources}
    return amounts(ordered, budget, wanted, quality)


def check_rules(
    groups: Sequence[str], rules: Sequence[str], seeds: int, wanted: Sequence[str],
    quality: Mapping[str, float] | None, settings: Proxy, mixtures: Mapping[str, Mapping[str, float]] | None = None,
) -> None:  # fmt: skip
    """Whether `mix_rules` can be called so; says what is wrong before anything is read or trained."""
    if find_spec("torch") is None:
        raise wrong("training proxies needs torch: pip install 'holdfast[torch]'")
    if seeds < LEAST_SEEDS:
        raise wrong(f"{seeds} seeds; expected at least {LEAST_SEEDS}: an interval rests on them.")
    given = amounts(dict.fromkeys(groups, 1.0), None, wanted, quality)
    if "aioli" in _chosen(given, rules, mixtures or {}):
        steps_and_rounds(settings.rows, len(given.names))


def _chosen(given: Amounts, names: Sequence[str], mixtures: Mapping[str, Mapping[str, float]]) -> dict[str, Rule]:
    """The rules by name, the natural mixture first."""
    there = {**rules_of(given), "aioli": Rule("aioli", [])}
    for name in names:
        if name != "all" and name not in (*there, *NEEDS):
            known_group(name, ["all", *there], "rules", "rule")
        if name in NEEDS and name not in there:
            raise wrong(f"the rule {name} needs {NEEDS[name]}.")
    found = {name: rule for name, rule in there.items() if name == "natural" or name in names or "all" in names}
    for name, shares in mixtures.items():
        for group in shares:
            known_group(group, given.names, f"mixture {name}")
        values = np.array([float(shares.get(group, 0.0)) for group in given.names])
        if name in there:
            raise wrong(f"mixture {name}: a rule is called so. Give it another name.")
        if values.min() < 0 or not values.sum() > 0:
            raise wrong(f"mixture {name}: expected shares of at least 0, and something above 0.")
        found[name] = Rule(name, [Phase(1.0, values / values.sum())])
    if len(found) < 2:
        raise wrong(f"nothing to compare the natural mixture with: name rules, of {', '.join(['all', *there])}.")
    return found


def _schedule(rule: Rule) -> str:
    """A rule by what it does: two that do the same are trained once."""
    if not rule.phases:
        return rule.name
    return ";".join(f"{phase.part:.4f}:" + "/".join(f"{share:.6f}" for share in phase.shares) for phase in rule.phases)


def _trained(rule: Rule, groups: dict[str, Group], texts: Texts, seed: int, limits: list[int]) -> dict[str, Any]:
    settings, size = texts.settings, texts.pairs.size
    rounds: list[dict[str, Any]] = []
    if rule.phases:
        found = train_proxy(groups, rule.phases, size, settings, seed, limits)
    else:
        found, rounds = train_steered(groups, size, settings, seed, limits)
    short = [
        name
        for (name, group), limit in zip(groups.items(), limits, strict=True)
        if len(group.rows) < min(limit, settings.rows)
    ]
    return {
        **{f"{name}_loss": loss for name, loss in found.items()}, "rounds": json.dumps(rounds),
        "short": json.dumps(short),
    }  # fmt: skip


def _collected(given: Amounts, chosen: dict[str, Rule], kept: _Kept, seeds: range) -> Trials:
    done = kept.rows
    losses = {
        name: np.array([[done[_schedule(rule), seed][f"{group}_loss"] for group in given.names] for seed in seeds])
        for name, rule in chosen.items()
    }
    rounds = json.loads(done["aioli", seeds[0]]["rounds"]) if "aioli" in chosen else []
    return Trials(given, losses, rounds, json.loads(done[_schedule(chosen["natural"]), seeds[0]]["short"]))
