"""A small table of what an audit found, for a notebook cell or a terminal. A pure function of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from holdfast.report import text
from holdfast.report.schema import validate

HEAD = ("code", "outcome", "what", "price", "interval")


@dataclass(frozen=True)
class Summary:
    """`rows` are tuples (code, outcome, title, price, interval) as text; shows itself as a table in a notebook."""

    verdict: str
    rows: tuple[tuple[str, ...], ...]
    left: int = 0  # findings that are not listed

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(HEAD, *self.rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (HEAD, *self.rows)
        ]
        return "\n".join([self.verdict, "", *lines, *([self._rest()] if self.left else [])])

    def __repr__(self) -> str:
        return str(self)

    def __len__(self) -> int:
        return len(self.rows)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in HEAD)
        body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in self.rows)
        rest = f"<p>{self._rest()}</p>" if self.left else ""
        return (
            f"<p><strong>{escape(self.verdict)}</strong></p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"
        )

    def _rest(self) -> str:
        return f"{text.count(self.left, 'other check')} found nothing, did not apply or were left out."


def summarise(record: Mapping[str, Any], outcomes: Sequence[str] = ("found", "unsure", "error")) -> Summary:
    """The findings with one of these outcomes, best price first; `ValueError` if `record` is not a report."""
    checked = validate(record)
    listed = [finding for finding in checked["findings"] if finding["outcome"] in outcomes]
    return Summary(
        _line(checked["verdict"]), tuple(_row(finding) for finding in listed), len(checked["findings"]) - len(listed)
    )


def _row(finding: dict[str, Any]) -> tuple[str, ...]:
    price = finding["price"] or {}
    gain, metric = price.get("gain"), price.get("metric", "")
    priced = ("not priced", "") if not gain else (text.gain(gain["value"], metric), text.gain_span(gain, metric))
    return tuple(_line(part) for part in (finding["code"], text.name(finding["outcome"]), finding["title"], *priced))


def _line(words: str) -> str:
    return text.visible(" ".join(words.split()))


def _cell(words: str) -> str:
    return f'<td style="text-align:left">{escape(words)}</td>'
