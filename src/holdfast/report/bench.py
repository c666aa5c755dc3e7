"""The page of a bench: one HTML file made of nothing but its record."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from holdfast.report import charts, text
from holdfast.report.page import _asset, _environment, _hash, to_json

__all__ = ["render", "to_json"]

SCHEMA = "holdfast/bench/1"
SHOWN = 12  # bars of a chart


def render(record: dict[str, Any]) -> str:
    """The whole page as text; `ValueError` if `record` is not that of a bench."""
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise ValueError(f"not a bench: 'schema' should be {SCHEMA!r}.")
    style = _asset("page.css")
    page: str = (
        _environment()
        .get_template("bench.html")
        .render(
            record=record,
            span=span,
            slots=[_slot(record, slot, place) for place, slot in enumerate(record["choices"])],
            faults=list(dict.fromkeys(fault["fault"] for fault in record["faults"])),
            policy=Markup(f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"),
            style=Markup(style),
        )
    )
    return page.lstrip()


def _slot(record: dict[str, Any], slot: str, place: int) -> dict[str, Any]:
    rows = [row for row in record["ranking"] if row["slot"] == slot]
    detail = {
        "kind": "bars",
        "title": record["found"],
        "unit": "",
        "items": [[row["name"], *(row["found"][end] for end in ("value", "low", "high"))] for row in rows[:SHOWN]],
    }
    beside = list(dict.fromkeys(key for row in rows for key in row["extras"]))
    return {"name": slot, "rows": rows, "choice": record["choices"][slot], "detail": detail, "beside": beside,
            "picture": charts.chart(detail, f"bench-{place}")}  # fmt: skip


def span(estimate: dict[str, Any] | None) -> str:
    """A number with its interval, for a cell.

    >>> span({"value": 0.5, "low": 0.25, "high": None})
    '0.500 (from 0.250)'
    """
    if estimate is None or estimate["value"] is None:
        return "–"
    low, high = estimate["low"], estimate["high"]
    if low is None and high is None:
        return text.number(estimate["value"])
    ends = f"{text.number(low)} to {text.number(high)}" if None not in (low, high) else f"from {text.number(low)}"
    return f"{text.number(estimate['value'])} ({ends})"
