"""The pages of `holdfast estimate` and `holdfast explain`: a verdict, sections of evidence, the numbers behind them.

A sheet is a record like an audit's: `result` holds the numbers by name, `sections` the evidence as it is drawn. The
page is a pure function of it, under the same style, script and content policy as the audit's page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.report import charts, text
from holdfast.report.page import draw, to_json
from holdfast.report.schema import check_details, check_shape
from holdfast.report.shapes import COLUMN, DETAILS, ESTIMATE, ROWS, SET, Either, Shape
from holdfast.report.writing import write_all

if TYPE_CHECKING:
    from rich.console import Console

ROWS_LISTED = 12  # of a table, before a reader asks for more
_METRIC = Shape({"name": str, "label": str, "unit": str, "higher_is_better": bool})
_SECTION = Shape(
    {"id": str, "title": str},
    {"text": ([str], []), "details": ([Either(kinds=DETAILS)], []), "rows": (Either(ROWS), None)},
)
_TRIED = Shape(
    {"name": str, "estimate": ESTIMATE, "chosen": bool},
    {"planted_error": (Either(ESTIMATE), None), "covered": (float, None), "planted": (int, 0)},
)
_PART = Shape({"label": str, "rows": int, "worse": bool}, {"estimate": (Either(ESTIMATE), None), "start": (str, ""),
               "end": (str, ""), "column": (str, "")})  # fmt: skip
_SLICE = Shape({"label": str, "rows": int, "worse": bool, "production_share": float, "training_share": float},
               {"estimate": (Either(ESTIMATE), None), "training": (Either(ESTIMATE), None)})  # fmt: skip
ESTIMATED = Shape(
    {
        "metric": _METRIC, "training": ESTIMATE, "estimate": ESTIMATE, "drop": ESTIMATE, "chosen": str, "why": str,
        "widened": float, "estimators": [_TRIED], "labels": Shape({"rows": int, "reach": float}),
    },
    {"chunks": ([_PART], []), "groups": ([_PART], []), "planted": ([{str: object}], []), "slices": ([_SLICE], []),
     "searched": (int, 0)},
)  # fmt: skip
_NAMED = Shape({"name": str, "kind": str, "part": ESTIMATE})
EXPLAINED = Shape(
    {
        "metric": _METRIC, "before": ESTIMATE, "now": ESTIMATE, "loss": str, "change": ESTIMATE, "changed": bool,
        "mechanisms": [_NAMED], "split": [_NAMED],
    },
    {"slices": ([Shape({"rule": str, "rows": int, "excess": ESTIMATE})], [])},
)  # fmt: skip
RESULTS = {"holdfast/estimate/1": ESTIMATED, "holdfast/explain/1": EXPLAINED}
_NAMES = {"holdfast/estimate/1": "estimate", "holdfast/explain/1": "explain"}
_TONES = {"good": "green", "warn": "yellow", "bad": "red", "unknown": "dim"}


@dataclass(frozen=True)
class Sheet:
    """What a verb with a page of sections returns. It shows itself in a notebook; `print` gives the verdict."""

    record: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        return str(self.record["verdict"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: the content of the JSON file."""
        return self.record

    def save(self, folder: str | Path = "holdfast-report") -> Path:
        """Write the page and the JSON into the folder (made if need be); returns the path of the page."""
        return save_sheet(self.record, folder)

    def _repr_html_(self) -> str:
        return framed(self.record)

    def __str__(self) -> str:
        return self.verdict


def validate_sheet(record: Any) -> dict[str, Any]:
    """A checked copy in which every field is there; `ValueError` names the first thing that is wrong.

    >>> validate_sheet({"schema": "holdfast/report/1"})
    Traceback (most recent call last):
    ValueError: not a sheet: 'schema' should be 'holdfast/estimate/1' or 'holdfast/explain/1'.
    """
    known = isinstance(record, dict) and record.get("schema") in RESULTS
    if not known:
        raise ValueError(f"not a sheet: 'schema' should be {' or '.join(map(repr, RESULTS))}.")
    shape = Shape(
        {
            "schema": str, "verdict": str, "tone": {"good", "warn", "bad", "unknown"}, "task": {str: object},
            "sets": [SET], "model": {str: object}, "result": RESULTS[record["schema"]], "sections": [_SECTION],
            "settings": {str: object},
        },
        {
            "columns": ([COLUMN], []), "left_out": ([str], []), "sources": ({str: {str: object}}, {}),
            "timings": ({str: float}, {}), "created": (str, ""), "version": (str, ""),
        },
    )  # fmt: skip
    checked = check_shape(record, shape)
    for number, section in enumerate(checked["sections"]):
        check_details(section["details"], f"sections[{number}]")
    return checked


def render_sheet(record: dict[str, Any]) -> str:
    """The whole page as text; `ValueError` if `record` is no sheet."""
    checked = validate_sheet(record)
    return draw("sheet.html", checked, sections=_views(checked), name=_NAMES[checked["schema"]], listed=ROWS_LISTED)


def save_sheet(record: dict[str, Any], folder: str | Path) -> Path:
    """Write estimate.html and estimate.json, or explain.html and explain.json, into the folder; the page's path."""
    checked = validate_sheet(record)
    page = Path(folder) / f"{_NAMES[checked['schema']]}.html"
    write_all({page: render_sheet(checked), page.with_suffix(".json"): to_json(checked, indent=1) + "\n"})
    return page


def framed(record: dict[str, Any]) -> str:
    """The page inside a notebook's cell."""
    from html import escape

    page = escape(render_sheet(record), quote=True)
    return f'<iframe srcdoc="{page}" style="width:100%;height:80vh;border:0" title="Holdfast"></iframe>'


def show_sheet(record: dict[str, Any], console: Console) -> None:
    """Print the verdict and what every section says, on a terminal."""
    from rich.text import Text

    checked = validate_sheet(record)
    console.print()
    console.print(Text(_line(checked["verdict"]), style=f"bold {_TONES[checked['tone']]}"))
    for section in checked["sections"]:
        if section["text"]:
            console.print()
            console.print(Text(_line(section["title"]), style="bold"))
        for words in section["text"]:
            console.print(Text(_line(words)))
    for words in checked["left_out"]:
        console.print(Text(f"Left out or sampled: {_line(words)}", style="dim"))


def _line(words: str) -> str:
    return text.clip(text.visible(" ".join(text.prose(words).split())), 600)


def _views(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The sections with their charts drawn and their tables told apart."""
    views = []
    for index, section in enumerate(record["sections"]):
        drawn = [(d, charts.chart(d, f"s{index}-{place}")) for place, d in enumerate(section["details"])]
        tables = [(place, d) for place, d in enumerate(section["details"]) if d["kind"] == "table"]
        views.append({**section, "index": index, "tables": tables, "charts": [pair for pair in drawn if pair[1]]})
    return views
