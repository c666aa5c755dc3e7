"""The page: one HTML file made of nothing but the record of an audit."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from holdfast.report import charts, text
from holdfast.report.schema import validate
from holdfast.report.writing import write_all

if TYPE_CHECKING:
    from jinja2 import Environment

LIMIT = 1_000_000  # bytes of a page: what mail servers and phones take without a murmur
_HERE = Path(__file__).parent


class Keep(NamedTuple):
    """How much of a large record stays in the page. All of it stays in report.json."""

    remedy_rows: int
    rows: int
    table_rows: int
    details: int
    columns: int
    letters: int


_KEEP = (
    Keep(0, 500, 1000, 200, 2000, 2000),
    Keep(0, 200, 200, 100, 500, 300),
    Keep(0, 60, 100, 60, 200, 120),
    Keep(0, 20, 50, 20, 100, 120),
    Keep(0, 5, 10, 5, 20, 60),
)


def render(record: dict[str, Any]) -> str:
    """The whole page as text, at most `LIMIT` bytes of it; `ValueError` if `record` is not a report."""
    checked, page = validate(record), ""
    for keep in (None, *_KEEP):
        part = checked if keep is None else _shortened(checked, keep)
        # The record is in the page: if it alone is too long, the page need not be drawn to know.
        if len(to_json(part)) <= LIMIT or keep is _KEEP[-1]:
            page = _page(part, shortened=keep is not None)
            if len(page.encode()) <= LIMIT:
                break
    return page


def save(record: dict[str, Any], folder: str | Path) -> None:
    """Write report.html and report.json into `folder`; what goes wrong is an `OSError` in plain words."""
    contents = {"report.html": render(record), "report.json": to_json(validate(record), indent=1) + "\n"}
    write_all({Path(folder) / name: content for name, content in contents.items()})


def to_json(record: dict[str, Any], indent: int | None = None) -> str:
    r"""JSON that any reader takes: no NaN, and lone surrogates escaped because UTF-8 has no place for them.

    >>> to_json({"ä": "\ud800"})
    '{"ä": "\\ud800"}'
    """
    separators = (",", ":") if indent is None and len(record) > 1 else None
    written = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", written)


def _page(record: dict[str, Any], shortened: bool) -> str:
    return draw(
        "page.html",
        record,
        findings=_views(record),
        domain=charts.interval_domain([finding["price"]["gain"] for finding in record["findings"] if _priced(finding)]),
        headline=_headline(record),
        shortened=shortened,
    )


def draw(template: str, record: dict[str, Any], **parts: Any) -> str:
    """A template with the house's style, script and content policy; the record is embedded for the script to read."""
    style, script = (_asset(name) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page: str = (
        _environment()
        .get_template(template)
        .render(
            record=record,
            policy=Markup(policy),
            style=Markup(style),
            script=Markup(script),
            embedded=_embeddable({**record, "shortened": True} if parts.get("shortened") else record),
            **parts,
        )
    )
    return page.lstrip()


def _views(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings with what the template needs beside them: their place in the record and their sources."""
    return [
        {
            **finding,
            "index": index,
            "id": f"{re.sub('[^A-Za-z0-9_-]', '-', finding['code'])}-{index}",
            "priced": _priced(finding),
            "charts": _charts(finding, index),
            "tables": [(place, detail) for place, detail in enumerate(finding["details"]) if detail["kind"] == "table"],
            "cited": [(key, record["sources"].get(key, {})) for key in finding["sources"]],
        }
        for index, finding in enumerate(record["findings"])
    ]


def _charts(finding: dict[str, Any], index: int) -> list[tuple[dict[str, Any], Markup]]:
    drawn = [(detail, charts.chart(detail, f"c{index}-{place}")) for place, detail in enumerate(finding["details"])]
    return [(detail, picture) for detail, picture in drawn if picture]


def _priced(finding: dict[str, Any]) -> bool:
    price = finding["price"]
    return bool(price and price["gain"] and price["gain"]["value"] is not None)


def _headline(record: dict[str, Any]) -> tuple[dict[str, Any], Markup] | None:
    """The chart at the top: the first bars of the performance check."""
    for finding in record["findings"]:
        for detail in finding["details"]:
            if finding["code"] == "PER001" and detail["kind"] == "bars":
                picture = charts.chart(detail, "headline")
                return (detail, picture) if picture else None
    return None


def _shortened(value: Any, keep: Keep, key: str = "") -> Any:
    """A copy of a record, or of a part of it that stands under `key`, with long lists and texts cut."""
    if isinstance(value, str):
        return text.clip(value, keep.letters)
    if isinstance(value, list):
        return [_shortened(item, keep) for item in value[: getattr(keep, key) if key else None]]
    if not isinstance(value, dict):
        return value
    limits = {"shown": "rows", "details": "details", "columns": "columns", "cells": "columns"}
    if "action" in value and "safe" in value:
        limits = {"rows": "remedy_rows", "values": "remedy_rows"}
    elif value.get("kind") == "table":
        limits = {"rows": "table_rows"}
    items = list(value.items())[: getattr(keep, key) if key else None]
    return {text.clip(name, keep.letters): _shortened(item, keep, limits.get(name, "")) for name, item in items}


def _embeddable(record: dict[str, Any]) -> Markup:
    """JSON that cannot leave its script element, whatever the data say."""
    escapes = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
    return Markup(to_json(record).translate(escapes))


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(prose=text.prose, sentence=text.capital)
    environment.globals.update(text=text, charts=charts, link=_link)
    return environment


def _shown(value: Any) -> Any:
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _link(identifier: Any) -> str:
    """The address of a paper, or nothing where the identifier is of no known kind."""
    match = re.fullmatch(r"(arXiv|doi):([\w./()<>;:-]+)", str(identifier))
    if match is None:
        return ""
    return f"https://arxiv.org/abs/{match[2]}" if match[1] == "arXiv" else f"https://doi.org/{match[2]}"
