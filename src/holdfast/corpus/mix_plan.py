"""The verb `holdfast.corpus.plan_mix(...)`: proportions by every rule that needs no run, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.corpus.proportion_rules import TITLES, Amounts, Rule, amounts, rules_of
from holdfast.report.tables import Tables

CLOSE = 0.01  # of the budget: plans that are worth so much the same are called alike


def plan_mix(
    sizes: Mapping[str, float],
    budget: float | None = None,
    *,
    wanted: Sequence[str] = (),
    quality: Mapping[str, float] | None = None,
) -> Tables:
    """Proportions of groups from their sizes alone, by every rule that applies, and what each costs in repeats.

    Parameters
    ----------
    sizes
        Tokens that there are of every group, above 0.
    budget
        Tokens to train on, above 0; by default all that there are.
    wanted
        Groups that are to be strong at the end: half of the last 15 % of the training is theirs.
    quality
        What a token of a group is worth, beside 1 for groups that are not named; at least 0.

    Returns
    -------
    Tables
        `rules`: for every rule its `phases` (part of the training, share of every group), `overall` shares, `repeats`
        of every group, `effective` tokens (what the budget is worth when a repeat is worth less and less, and a token
        as much as its quality) and the share of the `wanted` groups. Rules: natural, even, temperature, unimax; repeats
        where qualities differ (elsewhere it plans the natural mixture); end where groups are wanted.

    Raises `InputError` for fewer than two groups, an amount or budget that is not above 0, an unknown group, wanted
    groups that are all groups.

    Fails to say which mixture makes the better model: sizes know repeats only. `mix_rules` measures that.

    A tenth is books, which are wanted and twice as good; all alike, they would be seen five times:

    >>> plan = plan_mix({"web": 900.0, "books": 100.0}, 1000, wanted=["books"], quality={"books": 2.0})
    >>> {name: round(rule["repeats"]["books"], 2) for name, rule in plan["rules"].items()}
    {'natural': 1.0, 'even': 5.0, 'temperature': 2.46, 'unimax': 4.0, 'repeats': 10.0, 'end': 1.6}
    """
    given = amounts(sizes, budget, wanted, quality)
    found = {name: _described(rule, given) for name, rule in rules_of(given).items()}
    return Tables(_record(found, given))


def _described(rule: Rule, given: Amounts) -> dict[str, Any]:
    from holdfast.mixing.repeat_planning import effective_tokens

    overall = rule.overall
    repeats = given.repeats(overall)
    return {
        "title": TITLES[rule.name],
        "phases": [{"part": phase.part, "shares": _by_name(given, phase.shares)} for phase in rule.phases],
        "overall": _by_name(given, overall),
        "repeats": _by_name(given, repeats),
        "effective": effective_tokens(given.sizes, repeats, given.quality),
        "wanted": float(overall[given.wanted].sum()),
    }


def _by_name(given: Amounts, values: Any) -> dict[str, float]:
    return dict(zip(given.names, (float(value) for value in values), strict=True))


def _record(found: dict[str, Any], given: Amounts) -> dict[str, Any]:
    rows = [
        [
            about["title"] if about["phases"][0]["part"] == 1 else f"{about['title']}, {words}",
            *(round(phase["shares"][name], 4) for name in given.names),
        ]
        for about in found.values()
        for phase, words in zip(about["phases"], _parts(about["phases"]), strict=True)
    ]
    seen = [[about["title"], *(about["repeats"][name] for name in given.names)] for about in found.values()]
    worth = [
        [about["title"], about["effective"], f"{about['effective'] / found['natural']['effective'] - 1:+.1%}"]
        for about in sorted(found.values(), key=lambda about: -about["effective"])
    ]
    tables = [
        {"title": "Shares", "head": ["rule", *given.names], "rows": rows},
        {"title": "How often every token is seen", "head": ["rule", *given.names], "rows": seen},
        {"title": "What the budget is worth", "head": ["rule", "effective tokens", "beside natural"], "rows": worth},
    ]
    return {
        "schema": "holdfast/mix-plan/1", "verdict": _verdict(found, given), "groups": given.names,
        "sizes": _by_name(given, given.sizes), "budget": given.budget, "rules": found, "tables": tables,
        "notes": _notes(found, given),
    }  # fmt: skip


def _parts(phases: list[dict[str, Any]]) -> list[str]:
    """From where to where every phase goes."""
    edge, found = 0.0, []
    for phase in phases:
        found.append(f"{edge:.0%} to {edge + phase['part']:.0%}")
        edge += phase["part"]
    return found


def _verdict(found: dict[str, Any], given: Amounts) -> str:
    best = max(found, key=lambda name: found[name]["effective"])
    top, natural = found[best]["effective"], found["natural"]["effective"]
    lost = {name: 1 - about["effective"] / top for name, about in found.items()}
    bad = [f"{found[name]['title']} {share:.0%}" for name, share in lost.items() if share > CLOSE]
    if top - natural > CLOSE * top:
        return (
            f"By sizes and quality alone: {found[best]['title']}, worth {top:.3g} tokens, as they are {natural:.3g} "
            f"of a budget of {given.budget:.3g}."
        )
    if bad:
        return f"By sizes alone no rule gains on the natural mixture; repeats cost {', '.join(bad)} of its worth."
    return "No rule loses more than 1 % to repeats: sizes alone do not choose. Train proxies (--train, --rules)."


def _notes(found: dict[str, Any], given: Amounts) -> list[str]:
    notes = [
        "A repeat is worth less than the one before it, after 15.4 of them little (published for language models). "
        "Sizes know repeats only: which mixture makes the better model is measured by --train and --rules."
    ]
    if "repeats" not in found:
        notes.append("Where all tokens are worth the same, planned repeats are the natural mixture: give --quality.")
    if "end" in found:
        names = [name for name, wanted in zip(given.names, given.wanted, strict=True) if wanted]
        last = found["end"]["phases"][1]
        share = sum(last["shares"][name] for name in names)
        notes.append(
            f"At the end, {', '.join(names)} take {share:.0%} of the last {last['part']:.0%}: "
            f"{found['end']['wanted']:.1%} of the training, {found['natural']['wanted']:.1%} as they are."
        )
    often = {name: max(about["repeats"].items(), key=lambda pair: pair[1]) for name, about in found.items()}
    notes += [
        f"{found[name]['title']}: {group} is seen {times:.0f} times; above 4 passes a repeat is worth visibly less."
        for name, (group, times) in often.items()
        if times > 4.5
    ]
    return notes
