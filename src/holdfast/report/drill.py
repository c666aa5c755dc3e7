"""A drill as a page, as JSON and on a terminal: pure functions of its record, schema `holdfast/drill/1`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from holdfast.report import charts, text
from holdfast.report.page import _asset, _environment, _hash, to_json
from holdfast.report.schema import _object
from holdfast.report.shapes import ESTIMATE, OUTCOMES, Either, Shape
from holdfast.report.writing import write_all

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA = "holdfast/drill/1"
CONFUSED = Shape({"row": int, "times": int}, {"cells": ({str: str}, {})})
FAULT = Shape(
    {"fault": str, "about": str, "unit": str, "reason": str},
    {
        "ground": ({"", "untouched", "dealt"}, ""),
        "found_means": ({"", "alarm", "rows"}, ""),
        "rows": ({str: int}, {}),
        "smallest": (float, None),
        "low": (float, None),
        "high": (float, None),
        "curve": ([(float, float, float, float, int)], []),
        "crashed": (int, 0),
        "precision": (Either(ESTIMATE), None),
        "recall": (Either(ESTIMATE), None),
        "set": ({"", "train", "test"}, ""),
        "missed": ([CONFUSED], []),
        "wrong": ([CONFUSED], []),
    },
)
ALARMS = Shape({"found": int, "draws": int, "rate": ESTIMATE, "is_false": bool})
CHECK = Shape(
    {"code": str, "title": str, "outcome": OUTCOMES, "summary": str, "faults": [FAULT], "reason": str},
    {"alarms": (Either(ALARMS), None)},
)
DRILL = Shape(
    {
        "schema": {SCHEMA},
        "task": {str: object},
        "sets": [Shape({"name": str, "path": str, "rows": int, "columns": int, "fingerprint": str})],
        "settings": {str: object},
        "is_complete": bool,
        "notes": [str],
        "checks": [CHECK],
    },
    {"version": (str, ""), "created": (str, ""), "timings": ({str: float}, {})},
)


def validate_drill(record: Any) -> dict[str, Any]:
    """A checked copy in which every field is there; `ValueError` names the first thing that is wrong.

    >>> validate_drill({"schema": "holdfast/report/1"})
    Traceback (most recent call last):
    ValueError: not a drill: 'schema' should be 'holdfast/drill/1'.
    """
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise ValueError(f"not a drill: 'schema' should be {SCHEMA!r}.")
    try:
        return _object(record, DRILL, "")
    except RecursionError:
        raise ValueError("not a drill: its values are nested too deeply.") from None


def render(record: dict[str, Any]) -> str:
    """The whole page as text; `ValueError` if `record` is no drill."""
    checked, style = validate_drill(record), _asset("page.css")
    page: str = (
        _environment()
        .get_template("drill.html")
        .render(
            record=checked,
            drilled=[_view(check) for check in checked["checks"] if check["faults"]],
            others=[check for check in checked["checks"] if not check["faults"]],
            smallest=smallest,
            share=share,
            policy=Markup(f"default-src 'none'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'"),
            style=Markup(style),
        )
    )
    return page.lstrip()


def save(record: dict[str, Any], folder: str | Path) -> None:
    """Write drill.html and drill.json into `folder`; what goes wrong is an `OSError` in plain words."""
    contents = {"drill.html": render(record), "drill.json": to_json(record, indent=1) + "\n"}
    write_all({Path(folder) / name: content for name, content in contents.items()}, "the drill")


def _view(check: dict[str, Any]) -> dict[str, Any]:
    """A check with the curve of every fault drawn."""
    faults = []
    for place, fault in enumerate(check["faults"]):
        strengths, rates, lows, highs = ([point[part] for point in fault["curve"]] for part in range(4))
        detail = {
            "kind": "curve",
            "title": fault["fault"],
            "x_label": fault["unit"],
            "y_label": "share of copies in which it was found",
            "series": [[fault["fault"], strengths, rates, lows, highs]],
            "diagonal": False,
        }
        faults.append({**fault, "picture": charts.chart(detail, f"{check['code']}-{place}") if strengths else ""})
    return {**check, "faults": faults}


def smallest(fault: dict[str, Any]) -> str:
    """The smallest fault found, with its interval, in its unit.

    >>> fault = {"reason": "", "smallest": 0.02, "low": 0.01, "high": 0.05, "unit": "share of rows", "curve": [1]}
    >>> smallest(fault).replace(chr(0x202F), " ")
    '2.0 % of rows (above 1.0 %, at most 5.0 %)'
    """
    if fault["reason"]:
        return f"not drilled: {text.reason(fault['reason'])}"
    if not fault["curve"]:
        return "not looked at"
    if fault["smallest"] is None:
        return f"none up to {text.amount(fault['curve'][-1][0], fault['unit'])}"
    ends = [f"above {text.quantity(fault['low'], fault['unit'])}"] if fault["low"] else []
    ends += [f"at most {text.quantity(fault['high'], fault['unit'])}"] if fault["high"] is not None else []
    return text.amount(fault["smallest"], fault["unit"]) + (f" ({', '.join(ends)})" if ends else "")


def share(estimate: dict[str, Any] | None) -> str:
    """A share with its interval in per cent, a dash where there is none.

    >>> share(None), share({"value": 0.5, "low": 0.25, "high": 0.75}).replace(chr(0x202F), " ")
    ('–', '50.0 % (25.0 % to 75.0 %)')
    """
    if estimate is None or estimate["value"] is None:
        return "–"
    return f"{text.percent(estimate['value'])} ({text.percent(estimate['low'])} to {text.percent(estimate['high'])})"


def show(record: dict[str, Any], console: Console) -> None:
    """Print one line a check and fault, the false-alarm rates and what was left out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    checked = validate_drill(record)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("check", "fault", "smallest found", "rows named", "found when dealt"):
        table.add_column(name, ratio=3 if name == "smallest found" else None)
    for check in checked["checks"]:
        for fault in check["faults"]:
            cells = (check["code"], fault["fault"], smallest(fault), _named(fault), _alarms(check["alarms"]))
            table.add_row(*(Text(_plain(cell)) for cell in cells))
    console.print()
    console.print(table)
    silent = [check["code"] for check in checked["checks"] if not check["faults"]]
    if silent:
        console.print(Text(f"No fault is planted for: {', '.join(silent)}", style="dim"))
    for line in checked["notes"]:
        console.print(Text(_plain(line, 400), style="dim"))


def _named(fault: dict[str, Any]) -> str:
    if fault["recall"] is None:
        return "–"
    right = f", {text.percent(fault['precision']['value'])} right" if fault["precision"] else ""
    return f"{text.percent(fault['recall']['value'])} of them{right}"


def _alarms(alarms: dict[str, Any] | None) -> str:
    if alarms is None:
        return "–"
    return f"{alarms['found']} of {alarms['draws']}{'' if alarms['is_false'] else ' (real or false)'}"


def _plain(words: str, longest: int = text.LONGEST) -> str:
    return text.clip(text.visible(" ".join(text.prose(words).split())), longest)
