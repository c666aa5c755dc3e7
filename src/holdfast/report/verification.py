"""The page of a repair: one HTML file made of nothing but its verification.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.report import charts, text
from holdfast.report.page import draw
from holdfast.report.schema import check_shape
from holdfast.report.shapes import ESTIMATE, Either, Shape

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA = "holdfast/verification/1"
OUTCOMES = {"better", "no_better", "worse", "doubtful", "not_judged"}
WORDS = {
    "better": ("clear", "Better"),
    "no_better": ("unsure", "No better"),
    "worse": ("found", "Worse"),
    "doubtful": ("unsure", "Doubtful"),
    "not_judged": ("not_applicable", "Not judged"),
}
_STYLES = {"better": "green", "worse": "red"}
_GAIN = Either(ESTIMATE)
_ALONE = Shape(
    {
        "name": str, "code": str, "title": str, "action": str, "safe": bool, "set": str, "rows": int, "columns": [str],
        "derived": str, "gain": _GAIN, "answer": _GAIN, "repeats": int, "stopped": bool, "reason": str,
    }
)  # fmt: skip
_STEP = Shape({"name": str, "to": [str], "answer": _GAIN, "kept": bool, "reason": str})
_JUDGEMENT = Shape(
    {"outcome": OUTCOMES, "sentence": str, "gain": _GAIN, "chosen": [str], "rows": int},
    {
        "metric": (str, ""), "before": (float, None), "after": (float, None), "look": (Either(int), None),
        "level": (float, None), "repeats": (int, 0), "labels": (object, None), "rows_needed": (Either(int), None),
        "noise": (object, None), "tried": (int, 0), "at_once": (float, 1.0), "whole": (bool, False),
    },
)  # fmt: skip
_RISK = Shape({"coverage": ESTIMATE, "risk": ESTIMATE, "risk_of_all": ESTIMATE, "lower": ESTIMATE})
_LOOKS = Shape({"fingerprint": str, "questions": int, "spent": int, "looks": int, "budget": int, "folder": str})
VERIFICATION = Shape(
    {
        "schema": {SCHEMA}, "verdict": str, "tone": {"good", "warn", "bad", "unknown"}, "report": {str: object},
        "task": {str: object}, "model": {str: object}, "sets": [{str: object}], "settings": {str: object},
        "judged": {str: object}, "alone": [_ALONE], "steps": [_STEP],
        "interactions": [Shape({"first": [str], "second": str, "size": ESTIMATE})], "judgement": _JUDGEMENT,
        "measurement": [Shape({"name": str, "title": str, "rows": int, "before": float, "after": float})],
        "rejection": [Shape({"name": str, "title": str, "rows": int, "kept": bool, "risk": Either(_RISK)})],
        "left_out": [(str, str, str)], "applied": [str], "looks": _LOOKS,
    },
    {
        "version": (str, ""), "created": (str, ""), "fits": (int, 0), "seconds": (float, None),
        "files": ({str: str}, {}), "originals": ([{str: str}], []), "ledger": ({str: int}, {}), "digest": (str, ""),
        "why_no_model": (str, ""),
    },
)  # fmt: skip


def validate_verification(record: Any) -> dict[str, Any]:
    """A checked copy in which every field is there; `ValueError` names the first thing that is wrong.

    >>> validate_verification({"schema": "holdfast/report/1"})
    Traceback (most recent call last):
    ValueError: not a verification: 'schema' should be 'holdfast/verification/1'.
    """
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise ValueError(f"not a verification: 'schema' should be {SCHEMA!r}.")
    try:
        return check_shape(record, VERIFICATION)
    except ValueError as problem:
        raise ValueError(str(problem).replace("not a report", "not a verification")) from None


def render(record: dict[str, Any]) -> str:
    """The whole page as text; `ValueError` if `record` is no verification."""
    checked = validate_verification(record)
    gains = [one["gain"] for one in checked["alone"] if one["gain"]]
    domain = charts.interval_domain(gains)
    judged = checked["judgement"]["gain"]
    return draw(
        "verification.html",
        checked,
        rejection=rejection_sentence,
        metric=str(checked["task"].get("metric", "")),
        word=WORDS[checked["judgement"]["outcome"]],
        intervals=[charts.interval(one["gain"], domain) if one["gain"] else "" for one in checked["alone"]],
        axis=charts.interval_axis(domain, 100 if text.in_points(str(checked["task"].get("metric", ""))) else 1),
        headline=charts.interval(judged, charts.interval_domain([judged])) if judged else "",
    )


def show(record: dict[str, Any], console: Console) -> None:
    """Print the verdict, what every remedy gained, and what was applied, on a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    checked = validate_verification(record)
    judgement, metric = checked["judgement"], str(checked["task"].get("metric", ""))
    style = _STYLES.get(judgement["outcome"], "yellow")
    console.print()
    console.print(Text(_line(checked["verdict"]), style=f"bold {style}"))
    if checked["alone"]:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
        for name in ("remedy", "what", "alone, on rows that choose", "taken"):
            table.add_column(name)
        for one in checked["alone"]:
            table.add_row(one["name"], Text(_line(one["title"])), _alone(one, metric), _taken(one, checked))
        console.print()
        console.print(table)
    for one in checked["measurement"]:
        console.print(Text(_line(f"Test set: {one['title']} ({text.count(one['rows'], 'row')}).")))
    for one in checked["rejection"]:
        console.print(Text(_line(rejection_sentence(one))))
    for name, title, reason in checked["left_out"]:
        console.print(Text(_line(f"Not tried: {name}, {title}: {reason}."), style="dim"))
    looks = checked["looks"]
    spent = f"answers from guarded rows: {looks['spent']} of {looks['budget']}"
    said = f"Looks at the rows that confirm: {looks['looks']}; {spent}."
    console.print(Text(said, style="dim"))


def rejection_sentence(one: dict[str, Any]) -> str:
    """What refusing unfamiliar rows does, in words."""
    if one["risk"] is None:
        return f"{one['title']}: too few rows that confirm are concerned to say what it does to the risk."
    risk, whole, coverage = (one["risk"][name] for name in ("risk", "risk_of_all", "coverage"))
    kept = "applied" if one["kept"] else "not applied: the risk is not surely lower"
    return (
        f"{one['title']}: the risk of the rows that are answered is {_span(risk)}, of all rows {_span(whole)}; "
        f"{text.percent(coverage['value'])} are answered ({kept})."
    )


def _span(estimate: dict[str, Any]) -> str:
    return f"{text.number(estimate['value'])} ({text.number(estimate['low'])} to {text.number(estimate['high'])})"


def _alone(one: dict[str, Any], metric: str) -> str:
    if one["gain"] is None:
        return f"not judged: {_line(text.reason(one['reason']))}"
    ended = ", stopped early" if one["stopped"] else ""
    return f"{text.gain(one['gain']['value'], metric)} ({text.gain_span(one['gain'], metric)}){ended}"


def _taken(one: dict[str, Any], record: dict[str, Any]) -> str:
    if one["name"] in record["applied"]:
        return "applied"
    return "chosen, not confirmed" if one["name"] in record["judgement"]["chosen"] else "no"


def _line(words: str) -> str:
    return text.clip(text.visible(" ".join(text.prose(words).split())), 600)
