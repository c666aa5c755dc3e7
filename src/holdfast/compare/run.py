"""The verb `compare`: models against each other, on the line, on the curve, on what was measured of them."""

from __future__ import annotations

from typing import Any

import polars as pl

from holdfast.audit.load import InputError
from holdfast.compare.long import compare_long
from holdfast.compare.wide import LISTED, compare_wide
from holdfast.report.tables import Tables, shown
from holdfast.scaling.columns import find_column, read_runs

MODEL = ("model", "models", "estimator", "name", "method", "system", "model_name", "run")
ITEM = ("item", "sample", "question", "example", "instance", "task_id", "item_id", "sample_id", "question_id")
SCORE = ("score", "correct", "accuracy", "acc", "metric", "value", "result")


def compare(
    runs: Any,
    *,
    model: str | None = None,
    id: list[str] | None = None,
    shift: list[str] | None = None,
    group: str | None = None,
    baseline: str | None = None,
    item: str | None = None,
    score: str | None = None,
    seed: int = 0,
) -> Tables:
    """Compare models from a table of their results.

    A row per model with accuracies on several test sets: for each of `shift`, the mean drop from the first of `id`, the
    slope (below one on a replica: adaptive overfitting), the line and the bend on probit axes, and every model's
    effective robustness over the plane through all others; with `group` also that of groups over `baseline`.

    A row per measurement (`model`, `item`, `score`): utilities and ranks from sparse results (Plackett-Luce) and the
    best model against every other on the items they share. All tests of a kind are corrected together (Holm).

    Intervals are 90 %; in the first form they are over models, for the test sets as they are: how other rows would
    move them cannot be seen in accuracies.

    >>> found = compare({
    ...     "model": list("abcdef"), "val": [0.6, 0.65, 0.7, 0.75, 0.8, 0.85],
    ...     "new": [0.50, 0.56, 0.60, 0.66, 0.70, 0.76]})
    >>> round(found["relations"][0]["drop"]["value"], 3), round(found["relations"][0]["slope"]["value"], 2)
    (0.095, 1.02)
    """
    frame = read_runs(runs)
    named = find_column(frame, model, MODEL, "--model")
    if named is None:
        raise InputError(
            f"no column with the names of models was found; name it with --model. The table has: "
            f"{', '.join(frame.columns[:20])}."
        )
    items = find_column(frame, item, ITEM, "--item")
    scores = find_column(frame, score, SCORE, "--score")
    if item is not None and scores is None:
        raise InputError("--item is given, but no column of scores was found; name it with --score.")
    if items is not None and scores is not None:
        found = compare_long(frame, named, items, scores, seed)
        return _tables(found, _long(found), _long_verdict(found))
    if group is not None:
        find_column(frame, group, (), "--group")
    _distinct(frame, named)
    found = compare_wide(frame, named, id or [], shift or [], group, baseline)
    return _tables(found, _wide(found), _wide_verdict(found))


def _distinct(frame: pl.DataFrame, model: str) -> None:
    if frame.height < 2:
        raise InputError("the table holds one model; a comparison needs more.")
    if frame[model].n_unique() < frame.height:
        name = frame[model].filter(frame[model].is_duplicated())[0]
        raise InputError(
            f"model {str(name)[:60]!r} stands in several rows. Give a row per model, or a row per measurement with a "
            "column of items (--item) and one of scores (--score)."
        )


def _tables(found: dict[str, Any], tables: list[dict[str, Any]], verdict: str) -> Tables:
    return Tables({"schema": "holdfast/compare/1", "verdict": verdict, **found, "tables": tables})


def _wide(found: dict[str, Any]) -> list[dict[str, Any]]:
    usual = found["usual"][0]
    relations = [
        [row["shift"], row["models"], row["drop"], row["slope"], row["explained"], row["curvature"]["value"],
         row["p_holm"]]
        for row in found["relations"]
    ]  # fmt: skip
    tables = [{
        "title": f"From {usual} to the shifted test sets (slope of accuracies; line and curve on probit axes)",
        "head": ["test set", "models", "drop [90 %]", "slope [90 %]", "R2 of the line", "curvature", "p (Holm)"],
        "rows": relations,
    }]  # fmt: skip
    for kind, name, title in (("robust_groups", "group", "Effective robustness of groups"),
                              ("robust", "model", "Effective robustness of models, most certain first")):  # fmt: skip
        rows = sorted(found.get(kind) or [], key=lambda row: row["p"])[:LISTED]
        if rows:
            cells = [[row["shift"], row[name], row["robustness"], row["p_holm"]] for row in rows]
            tables.append({"title": title, "head": ["test set", name, "above the line [90 %]", "p (Holm)"],
                           "rows": cells})  # fmt: skip
    return tables


def _wide_verdict(found: dict[str, Any]) -> str:
    rows = found["relations"]
    worst = max(rows, key=lambda row: row["drop"]["value"])
    bent = [row["shift"] for row in rows if row["p_holm"] < 0.05]
    robust = [row for row in found["robust"] if row["p_holm"] < 0.05]
    says = [
        f"Accuracy falls by {shown(worst['drop'])} from {found['usual'][0]!r} to {worst['shift']!r}"
        if worst["drop"]["low"] > 0 else "No test set is surely harder than the usual one"
    ]  # fmt: skip
    says.append(f"the relation is bent on {len(bent)} of {len(rows)} test sets")
    says.append(f"{len(robust)} of {len(found['robust'])} model results lie off the others' line")
    return "; ".join(says) + "."


def _long(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [
        [row["rank"], row["model"], row["utility"], "{}-{}".format(*row["rank_range"]), row["mean_score"], row["items"]]
        for row in found["models"]
    ]
    tables = [{
        "title": f"Ranks from {found['measured']:.0%} of all measurements on {found['items']} items",
        "head": ["rank", "model", "utility [90 %]", "ranks left open", "mean score", "items"], "rows": rows,
    }]  # fmt: skip
    if found["pairs"]:
        pairs = [[row["model"], row["shared"], row["gain"], row["p_holm"]] for row in found["pairs"]]
        tables.append({"title": f"{found['models'][0]['model']} against the others, on shared items",
                       "head": ["model", "shared items", "gain in accuracy [90 %]", "p (Holm)"],
                       "rows": pairs})  # fmt: skip
    return tables


def _long_verdict(found: dict[str, Any]) -> str:
    first = found["models"][0]
    tied = sum(row["rank_range"][0] == 1 for row in found["models"]) - 1
    also = f"{tied} other model(s) may be as good" if tied else "no other model may be as good"
    return f"{str(first['model'])[:80]!r} ranks first of {len(found['models'])}; {also}."
