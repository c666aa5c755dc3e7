"""The short form of a report: the verdict and the priced findings, best first, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.report import text
from holdfast.report.schema import validate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_TONES = {"good": ("green", "HOLDS"), "warn": ("yellow", "NEEDS ATTENTION"), "bad": ("red", "DOES NOT HOLD YET")}
_STYLES = {"pays": "green", "costs": "red", "uncertain": "dim"}
_OUTCOMES = {
    "found": "found",
    "clear": "clear",
    "unsure": "unsure",
    "error": "crashed",
    "skipped": "skipped",
    "not_applicable": "not applicable",
}
MOST = 12


def render_terminal(record: dict[str, Any], console: Console) -> None:
    """Print the verdict, a table of what was found and the counts of the other outcomes."""
    from rich.text import Text

    checked = validate(record)
    style, word = _TONES.get(checked["tone"], ("dim", "CANNOT BE TOLD"))
    console.print()
    console.print(Text.assemble((f"{word}  ", f"bold {style}"), (_plain(checked["verdict"], 400), "bold")))
    found = [finding for finding in checked["findings"] if finding["outcome"] == "found"]
    console.print()
    if found:
        console.print(_table(found[:MOST]))
    if len(found) > MOST:
        console.print(Text(f"and {len(found) - MOST} more in the report", style="dim"))
    console.print(Text(_counts(checked), style="dim"))
    for line in checked["left_out"]:
        console.print(Text(f"Left out or sampled: {_plain(line, 400)}", style="dim"))


def _table(found: list[dict[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 2, 1, 0))
    table.add_column("code", no_wrap=True)
    table.add_column("found", ratio=2, min_width=16)
    table.add_column("price", no_wrap=True)
    table.add_column("what to do", ratio=3, min_width=20)
    for finding in found:
        table.add_row(
            Text(_plain(finding["code"], 12), style="dim"),
            Text(_plain(text.capital(finding["title"]))),
            _price(finding["price"]),
            Text(_plain(_advice(finding))),
        )
    return table


def _advice(finding: dict[str, Any]) -> str:
    """The remedy that was priced, else the first sentence of what to do."""
    price = finding["price"]
    if price and price["gain"] and price["remedy"]:
        return str(price["remedy"])
    return _first_sentence(finding["what_to_do"])


def _price(price: dict[str, Any] | None) -> Any:
    from rich.text import Text

    if not price or not price["gain"] or price["gain"]["value"] is None:
        return Text("not priced", style="dim")
    gain, metric = price["gain"], price["metric"]
    style = _STYLES[text.pays(gain)]
    name = "" if text.in_points(metric) else f" {_plain(text.name(metric), 20)}"
    return Text.assemble(
        (text.gain(gain["value"], metric) + name, f"bold {style}"), "\n", (text.gain_span(gain, metric), "dim")
    )


def _counts(record: dict[str, Any]) -> str:
    outcomes = [finding["outcome"] for finding in record["findings"]]
    parts = [f"{outcomes.count(name)} {words}" for name, words in _OUTCOMES.items() if name in outcomes]
    if record["ignored"]:
        parts.append(f"{len(record['ignored'])} ignored")
    return f"{text.count(len(outcomes), 'check')}: {', '.join(parts) or 'none ran'}"


def _first_sentence(words: str) -> str:
    """The first sentence: enough for one line of a table."""
    return words.split(". ")[0].removesuffix(".")


def _plain(words: str, longest: int = text.LONGEST) -> str:
    """Text that cannot steer a terminal: escape sequences are shown, line ends become spaces."""
    return text.clip(text.visible(" ".join(text.prose(words).split())), longest)
