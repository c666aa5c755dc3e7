"""The tables of `panels.md`: every family beside a peer on a panel of real data, from the committed records."""

from __future__ import annotations

from typing import Any

from builder.records import figure, records

PREFIX, MOST = "families_", 6
TITLES = {"ood": "Unusual rows", "labels": "Label errors", "estimation": "Accuracy without labels"}
BESIDE = ("size of", "coverage of")  # what is told beside the measure, not ranked by it


def tables() -> str:
    """A section a family whose record is there."""
    found = {name.removeprefix(PREFIX): run for name, run in records().items() if name.startswith(PREFIX)}
    return "\n\n".join(_section(family, run) for family, run in sorted(found.items()))


def _section(family: str, run: dict[str, Any]) -> str:
    peer, number = next(iter(run["versions"].items()))
    title, measure = (text[0].upper() + text[1:] for text in (TITLES.get(family, family), run["measure"]))
    lines = [
        f"## {title}, beside {peer} {number}",
        "",
        f"{measure}. {run['data_sets']} data sets, {run['seeds']} seeds, {run['cells']:,} cells.",
        "",
        "| method | mean over all cells (90 % interval over seeds) | behind the peer's best by more than .02 on |",
        "|---|---|---|",
    ]
    ranked = sorted(run["overall"], key=lambda name: -run["overall"][name]["mean"])
    beside = [name for name in ranked if name.startswith(BESIDE)]
    lines += [
        f"| {name} | {_mean(run, name)} | {_behind(run['where'].get(name), run['data_sets'])} |"
        for name in ranked
        if name not in beside
    ]
    if beside:
        lines += ["", f"Measured beside it: {'; '.join(f'{name} {_mean(run, name)}' for name in beside)}."]
    return "\n".join(lines)


def _mean(run: dict[str, Any], name: str) -> str:
    path = f"overall > {name}"
    return str(figure(run, f"mean({path} > mean; {path} > sd_over_seeds; seeds)"))


def _behind(where: list[str] | None, of: int) -> str:
    if where is None:
        return ""
    if not where:
        return "none"
    more = f" and {len(where) - MOST} more" if len(where) > MOST else ""
    return f"{len(where)} of {of}: {', '.join(where[:MOST])}{more}"
