"""The short form: ranked, plain, and unable to steer the terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from holdfast.report.terminal import render_terminal


def printed(record: dict[str, Any], width: int = 110, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **options)
    render_terminal(record, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_says_verdict_prices_and_counts(record: dict[str, Any]) -> None:
    output = printed(record, width=160)
    words = " ".join(output.split())
    assert record["verdict"] in words
    assert "+5.2 points" in words
    assert "2.9 to 7.4" in words
    assert "not priced" in words
    assert "21 checks: 10 found, 5 clear, 2 unsure, 1 crashed, 1 skipped, 2 not applicable, 1 ignored" in words
    assert output.index("SCH002") < output.index("LAB001") < output.index("PER001")
    assert "DUP002" not in output


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_fits_the_terminal(record: dict[str, Any], width: int) -> None:
    lines = printed(record, width).splitlines()
    assert max(map(len, lines)) <= width


def test_data_cannot_steer_the_terminal(record: dict[str, Any]) -> None:
    hostile = "\x1b[31m\x1b]0;owned\x07[bold red]x[/bold red][link=file:///]\u202e\r"
    record["verdict"] = record["left_out"][0] = hostile
    for finding in record["findings"]:
        finding.update(code=hostile, title=hostile, what_to_do=hostile)
        if finding["price"]:
            finding["price"]["metric"] = hostile
    output = printed(record, width=200, color_system=None)
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "\u202e" not in output
    assert "[bold red]x[/bold red]" in output
    assert "\\x1b[31m" in output


def test_nothing_found(record: dict[str, Any]) -> None:
    record |= {"findings": [], "ignored": {}, "left_out": [], "tone": "unknown"}
    output = printed(record)
    assert "0 checks: none ran" in output
    assert "CANNOT BE TOLD" in output


def test_a_long_list_is_cut_and_says_so(record: dict[str, Any]) -> None:
    record["findings"] = record["findings"][:1] * 15
    assert "and 3 more in the report" in printed(record)
