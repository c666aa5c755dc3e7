"""Rounds of a training in progress as a table: the next proportions, the estimated law and how far it holds (Aioli)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from holdfast.corpus.run_tables import Runs, natural_of
from holdfast.corpus.sources import wrong
from holdfast.report.tables import Tables

HOLDS = 0.5  # fidelity on rounds left out, below which the law is called a guess


def mix_rounds(table: Runs, sizes: Mapping[str, float] | None, seed: int) -> Tables:
    """The next proportions from rounds whose `losses` are by how much the loss of every group fell in them."""
    from holdfast.mixing import Aioli

    count, groups = table.proportions.shape
    drops = table.losses[:, _places(table)]
    if count < groups:
        raise wrong(f"{count} rounds for {groups} groups; expected at least one a group, better two or more.")
    if np.linalg.matrix_rank(table.proportions, tol=1e-3) < groups:
        raise wrong("the rounds' shares do not tell the groups apart: make rounds with more of one group at a time.")
    now = natural_of(table, sizes)
    trend = count >= groups + 2  # one more round would be spent on it, and none left to tell errors
    mixer = Aioli(trend=trend, seed=seed).fit(proportions=table.proportions, loss_drops=drops)
    best = mixer.mix_groups(sizes=now)
    unseen = mixer.left_out_fidelity_
    found = {
        "proportions": [
            {"group": name, "best": float(best[at]), "low": float(mixer.low_[at]), "high": float(mixer.high_[at]),
             "natural": float(now[at]), "next": float(mixer.next_run_[at])}
            for at, name in enumerate(table.groups)
        ],
        "prediction": {"drop": mixer.predicted_drop_, "now": float((mixer.influence_ @ now).mean())},
        "law": {
            "influence": mixer.influence_.tolist(), "error": mixer.influence_error_.tolist(),
            "fidelity": mixer.fidelity_, "left_out_fidelity": unseen if np.isfinite(unseen) else None,
        },
        "rounds": count, "trend": trend, "method": "aioli", "losses": [table.names[place] for place in _places(table)],
    }  # fmt: skip
    return Tables(_record(found, table))


def _places(table: Runs) -> list[int]:
    """Which column of drops belongs to which group: by its name, else by their order."""
    if len(table.names) != len(table.groups):
        raise wrong(
            f"{len(table.names)} columns of drops for {len(table.groups)} groups; expected one for each: by how much "
            "its loss fell in the round. Name them with --loss, and the shares with --group."
        )
    named = [[place for place, name in enumerate(table.names) if group in name] for group in table.groups]
    found = [places[0] for places in named if len(places) == 1]
    return found if len(set(found)) == len(table.groups) else list(range(len(table.groups)))


def _record(found: dict[str, Any], table: Runs) -> dict[str, Any]:
    law, drop = found["law"], found["prediction"]
    rows = sorted(found["proportions"], key=lambda row: -row["best"])
    shares = [
        [
            row["group"],
            {key: round(row[name], 4) for key, name in (("value", "best"), ("low", "low"), ("high", "high"))},
            round(row["natural"], 4), round(row["next"], 4),
        ]
        for row in rows
    ]  # fmt: skip
    influence = [
        [name, *(f"{value:.3g} ± {error:.2g}" for value, error in zip(*line, strict=True))]
        for name, *line in zip(table.groups, law["influence"], law["error"], strict=True)
    ]
    leading = ", ".join(f"{row['best']:.0%} {row['group']}" for row in rows[:3])
    unseen = law["left_out_fidelity"]
    holds = unseen is not None and unseen >= HOLDS
    advice = "" if holds else " The law does not hold, or cannot be checked: keep the proportions in use."
    notes = [
        f"The law explains {law['fidelity']:.0%} of how the losses fell"
        + (f", {max(unseen, 0):.0%} in rounds that it has not seen." if unseen is not None else "; no round to spare."),
        "Intervals: 90 % of the proportions that laws give which are drawn as the errors allow."
        if found["rounds"] > len(table.groups)
        else "No more rounds than groups: errors are unknown, and so are the intervals.",
        f"The next round that would teach most: {_most(found['proportions'])}.",
        *(["That losses fall less from round to round was taken out: rows are in order."] if found["trend"] else []),
        *table.notes,
    ]
    return {
        "schema": "holdfast/mix/1",
        "verdict": f"Next mix {leading}: the mean loss falls by {drop['drop']:.3g} a round, {drop['now']:.3g} as now."
        + advice,
        **found,
        "tables": [
            {"title": "Proportions", "head": ["group", "next", "now", "next round to learn from"], "rows": shares},
            {"title": "By how much a round of one group lets the loss of another fall",
             "head": ["loss of", *table.groups], "rows": influence},
        ],
        "notes": notes,
    }  # fmt: skip


def _most(rows: list[dict[str, Any]]) -> str:
    top = max(rows, key=lambda row: row["next"])
    return f"{top['next']:.0%} {top['group']}, the others alike"
