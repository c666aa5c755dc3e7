"""What `holdfast.estimate` returns, and how its numbers are told: a verdict, and the sections of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from holdfast.audit.records import Bars, Curve, Table, to_plain
from holdfast.audit.words import capital, count, in_metric, listed, percent
from holdfast.core import Estimate
from holdfast.ops.metrics import METRICS
from holdfast.report.sheet import Sheet

WORTH = 0.05  # a change that is worth a label
Tone = Literal["good", "warn", "bad", "unknown"]


@dataclass(frozen=True)
class Estimation(Sheet):
    """The outcome of `holdfast.estimate`. It shows itself in a notebook; `print` gives the verdict."""

    @property
    def estimate(self) -> Estimate:
        """The metric on the production rows by the chosen estimator."""
        return Estimate(**self.record["result"]["estimate"])

    @property
    def chosen(self) -> str:
        """The name of the chosen estimator."""
        return str(self.record["result"]["chosen"])


def verdict_of(result: dict[str, Any]) -> tuple[str, Tone]:
    """One sentence, and how worried to be."""
    metric, drop = METRICS[result["metric"]["name"]], result["drop"]
    own = in_metric(Estimate(**result["estimate"]), metric)
    verb = "fall" if metric.higher_is_better else "rise"
    start = f"without labels, {metric.label} on the production rows is estimated at {own}; in training it is"
    start = f"{start} {result['training']['value']:.3f}"
    worse = [part["label"] for part in [*result["chunks"], *result["groups"]] if part["worse"]]
    parts = f"; clearly worse: {listed(worse, 4)}" if worse else ""
    if drop["low"] > 0:
        return capital(f"{start}: a {verb} is foreseen{parts}."), "bad"
    if worse:
        return capital(f"{start}: no {verb} is foreseen as a whole{parts}."), "warn"
    if metric.unit == "points" and drop["high"] > WORTH:
        most = f"{100 * drop['high']:.0f} points"
        return capital(f"{start}: no {verb} is foreseen, but one of up to {most} cannot be ruled out."), "unknown"
    return capital(f"{start}: no {verb} is foreseen, unless the relation to the target changed."), "good"


def sections_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The evidence of the page, from the numbers alone."""
    sections = [_whole(result)]
    if result["chunks"]:
        sections.append(_chunks(result))
    if result["groups"]:
        sections.append(_groups(result))
    if result["searched"]:
        sections.append(_slices(result))
    if result["planted"]:
        sections.append(_planted(result))
    sections.append(_limits(result))
    return [to_plain(section) for section in sections]


def _whole(result: dict[str, Any]) -> dict[str, Any]:
    metric = METRICS[result["metric"]["name"]]
    training, chosen = result["training"], result["estimate"]
    items = [("training, measured out of fold", *_ends(training)), (f"production, {result['chosen']}", *_ends(chosen))]
    items += [(f"{own['name']}", *_ends(own["estimate"])) for own in result["estimators"] if not own["chosen"]]
    stretched = ""
    if result["widened"] > 1:
        stretched = (
            f" Its interval is {result['widened']:.1f} times as wide as it gives itself: that held the truth in "
        )
        stretched += "90 % of the planted shifts."
    return {
        "id": "estimate", "title": f"{metric.label} on the production rows",
        "text": [f"Chosen: {result['chosen']}, since {result['why']}.{stretched}"],
        "details": [Bars(f"{capital(metric.label)}, measured and estimated", metric.label, tuple(items))],
    }  # fmt: skip


def _chunks(result: dict[str, Any]) -> dict[str, Any]:
    metric, chunks = METRICS[result["metric"]["name"]], result["chunks"]
    known = [(place, chunk) for place, chunk in enumerate(chunks) if chunk["estimate"]]
    worse = [chunk["label"] for chunk in chunks if chunk["worse"]]
    small = len(chunks) - len(known)
    said = f"Clearly worse than training: {listed(worse)}." if worse else "No chunk is clearly worse than training."
    if small:
        said += f" {count(small, 'chunk has', 'chunks have')} too few rows to estimate."
    xs = tuple(float(place + 1) for place, _ in known)
    value, low, high = (tuple(chunk["estimate"][end] for _, chunk in known) for end in ("value", "low", "high"))
    lines: list[Any] = [("production", xs, value, low, high)]
    level = tuple(result["training"]["value"] for _ in known)
    lines.append(("training", xs, level, (), ()))
    details: list[Any] = []
    if len(known) > 1:
        details.append(Curve(f"{capital(metric.label)} by chunk", "chunk", metric.label, tuple(lines)))
    details.append(_table("Chunks", "chunk", chunks))
    return {"id": "chunks", "title": "By chunk", "text": [said], "details": details}


def _groups(result: dict[str, Any]) -> dict[str, Any]:
    metric, groups = METRICS[result["metric"]["name"]], result["groups"]
    known = [group for group in groups if group["estimate"]]
    worse = [group["label"] for group in groups if group["worse"]]
    said = f"Clearly worse than training: {listed(worse)}." if worse else "No group is clearly worse than training."
    bars = tuple((group["label"], *_ends(group["estimate"])) for group in known[:30])
    details: list[Any] = [Bars(f"{capital(metric.label)} by group", metric.label, bars)] if bars else []
    return {
        "id": "groups",
        "title": "By group",
        "text": [said],
        "details": [*details, _table("Groups", "group", groups)],
    }


def _slices(result: dict[str, Any]) -> dict[str, Any]:
    """What the search found; every one of them is surely worse, or it would not be listed."""
    metric, slices = METRICS[result["metric"]["name"]], result["slices"]
    tried = count(result["searched"], "slice", "slices")
    said = f"A search of the production rows proposed {tried}; "
    said += f"{len(slices)} of them {'is' if len(slices) == 1 else 'are'}" if slices else "none is"
    said += " surely worse than training as a whole, by labelled rows that the search did not use."
    rows = tuple(
        (one["label"], one["rows"], one["production_share"], one["training_share"], *_ends(one["estimate"]),
         one["training"]["value"] if one["training"] else None)
        for one in slices
    )  # fmt: skip
    names = ("slice", "rows", "of production", "of training", "estimate", "low", "high", "training, measured there")
    kinds = ("text", "number", "percent", "percent", "number", "number", "number", "number")
    bars = tuple((one["label"], *_ends(one["estimate"])) for one in slices)
    details: list[Any] = [Bars(f"{capital(metric.label)} by slice", metric.label, bars)] if bars else []
    return {
        "id": "slices", "title": "Slices found", "text": [said],
        "details": [*details, Table("Slices that are surely worse", names, kinds, rows)] if slices else [],
    }  # fmt: skip


def _table(title: str, name: str, parts: list[dict[str, Any]]) -> Table:
    rows = tuple(
        (part["label"], part["rows"], *(_ends(part["estimate"]) if part["estimate"] else (None, None, None)),
         "worse" if part["worse"] else "")
        for part in parts
    )  # fmt: skip
    kinds = ("text", "number", "number", "number", "number", "text")
    return Table(title, (name, "rows", "estimate", "low", "high", "against training"), kinds, rows)


def _planted(result: dict[str, Any]) -> dict[str, Any]:
    """Who erred how much, where the truth is known."""
    tried = sorted(result["estimators"], key=lambda own: own["planted_error"]["value"])
    bars = tuple((own["name"], *_ends(own["planted_error"])) for own in tried)
    names = [own["name"] for own in tried]
    rows = tuple(
        (kind["shift"], kind["draws"], kind["moved"], *(kind["errors"][name] for name in names))
        for kind in result["planted"]
    )
    unit = result["metric"]["label"]
    columns = ("planted shift", "draws", f"{unit} moved by", *names)
    kinds = ("text", *["number"] * (len(columns) - 1))
    covered = next(own["covered"] for own in tried if own["chosen"])
    said = (
        f"The labelled rows were halved and one half shifted {tried[0]['planted']} times; every estimator was asked "
        f"about it without its labels. The interval that {result['chosen']} gives itself held the truth in "
        f"{percent(covered)} of these."
    )
    return {
        "id": "planted", "title": "Which estimator to trust here", "text": [said],
        "details": [
            Bars("Mean distance from the truth in planted shifts", unit, bars),
            Table("Mean distance from the truth, by kind of shift", columns, kinds, rows),
        ],
    }  # fmt: skip


def _limits(result: dict[str, Any]) -> dict[str, Any]:
    metric = METRICS[result["metric"]["name"]]
    rows, reach = result["labels"]["rows"], result["labels"]["reach"]
    points = metric.unit == "points"
    size = f"{100 * reach:.1f} points" if points else f"{reach:.3g}"
    return {
        "id": "limits", "title": "What no estimate without labels can see",
        "text": [
            "A changed relation between features and target leaves no trace in the features: every number here takes "
            "it as unchanged.",
            f"{rows} labelled production rows, drawn at random, would tell {metric.label} to about {size} either way, "
            "whatever changed. Label them where the stakes are high, then ask holdfast explain.",
        ],
        "details": [],
    }  # fmt: skip


def _ends(estimate: dict[str, Any]) -> tuple[float, float, float]:
    return estimate["value"], estimate["low"], estimate["high"]
