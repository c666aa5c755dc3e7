"""The page: whole, balanced, honest about its size, and deaf to whatever the data say."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from holdfast.report import render, validate
from holdfast.report.page import LIMIT

OLD = sorted((Path(__file__).parent / "old").glob("*.json"))
VOID = {"meta", "link", "input", "br", "img", "path", "circle", "use"}
OPTIONAL = {"td", "tr", "li", "p"}
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>",
    "../../etc/passwd",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe",
    "\u2028\u2029\x00",
    "lone \ud800 surrogate",
    "javascript:alert(1)",
    "&lt;b&gt; & \\u003c",
]


class Page(HTMLParser):
    """What a test wants to know about a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"attribute twice in <{tag} {attrs}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in OPTIONAL:
            self.open.pop()
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> while <{self.open[-1]}> is open"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inline:
            self.inline[self.open[-1]].append(data)
        else:
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def words(self) -> str:
        return " ".join(" ".join(self.texts).split())


def rewrite(value: Any, write: Callable[[str], str], key: str = "") -> Any:
    """A record in which every text that data or people can choose has been replaced."""
    fixed = {"schema", "outcome", "tone", "kind", "types", "set"}
    if isinstance(value, dict):
        return {
            (write(name) if key in ("cells", "settings", "ignored", "task", "sources") else name): rewrite(
                item, write, "sources" if key == "sources" and isinstance(item, dict) and not name.islower() else name
            )
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [rewrite(item, write, key) for item in value]
    return write(value) if isinstance(value, str) and key not in fixed else value


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_every_old_report_still_renders(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    page = Page(render(record))
    assert record["verdict"].split(":")[0] in page.words()
    for finding in record["findings"]:
        assert finding["title"][1:] in page.words()


def test_page_is_a_pure_function_of_the_record(record: dict[str, Any]) -> None:
    before = json.dumps(record)
    assert render(record) == render(json.loads(before))
    assert json.dumps(record) == before, "rendering changed the record"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(record: dict[str, Any], text: str) -> None:
    clean, page = Page(render(record)), Page(render(rewrite(record, lambda old: f"{text} {old}")))
    assert len(page.named("script")) == 2
    assert len(page.named("img")) == 0
    assert {name for name, _ in page.tags} <= {name for name, _ in clean.tags}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        address = attributes.get("href") or "#"
        assert re.match(r"#|data:,$|https://(arxiv|doi)\.org/", address), address


def test_hostile_text_is_shown_and_not_obeyed(record: dict[str, Any]) -> None:
    record["verdict"] = "<script>alert(1)</script> \x1b[31m \u202e {{ 7 * 7 }}"
    html = render(record)
    assert "<script>alert(1)</script> \\x1b[31m \\u202e {{ 7 * 7 }}" in Page(html).words()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", html.split('id="record">')[0])


def test_policy_admits_exactly_the_inline_style_and_script(record: dict[str, Any]) -> None:
    page = Page(render(record))
    policy = next(meta["content"] for meta in page.named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    style, script = page.inline["style"][0], page.inline["script"][1]
    for directive, content in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "http"):
        assert danger not in script


def test_record_can_be_read_back_from_the_page(record: dict[str, Any]) -> None:
    record = rewrite(record, lambda old: f"</script>&\u2028<!-- \ud800 {old}")
    content = Page(render(record)).inline["script"][0]
    assert not re.search("[<>&\u2028\u2029]", content)
    assert json.loads(content) == validate(record)


def test_numbers_that_are_not_known_render(record: dict[str, Any]) -> None:
    def forget(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: forget(item) for key, item in value.items()}
        if isinstance(value, list):
            return [forget(item) for item in value]
        return None if isinstance(value, float) else value

    Page(render(forget(record)))


def test_extreme_numbers_render(record: dict[str, Any]) -> None:
    def extreme(value: Any, sign: float = 1.0) -> Any:
        if isinstance(value, dict):
            return {key: extreme(item, -sign) for key, item in value.items()}
        if isinstance(value, list):
            return [extreme(item, -sign if index % 2 else sign) for index, item in enumerate(value)]
        return sign * 1e308 if isinstance(value, float) else value

    html = render(extreme(record))
    Page(html)
    assert not re.search(r'd="[^"]*(inf|nan)', html)


def test_nothing_found_renders(record: dict[str, Any]) -> None:
    record |= {"findings": [], "ignored": {}, "sources": {}, "columns": [], "sets": [], "tone": "good"}
    page = Page(render(record))
    assert "0 checks" in page.words()
    assert "What each fault costs" not in page.words()


def test_headings_landmarks_and_names(record: dict[str, Any]) -> None:
    page = Page(render(record))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert {"main", "nav", "header", "footer"} <= {tag for tag, _ in page.tags}
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names)), "an id stands twice"
    for _, attributes in page.tags:
        wanted = f"{attributes.get('aria-labelledby', '')} {attributes.get('aria-describedby', '')}".split()
        wanted += [address[1:] for address in [attributes.get("href") or ""] if address.startswith("#")]
        assert set(wanted) <= set(names), f"points nowhere: {attributes}"


def test_every_picture_has_a_name_or_is_decoration(record: dict[str, Any]) -> None:
    html = render(record)
    pictures = re.findall(r"<svg[^>]*>.*?</svg>", html, re.DOTALL)
    charts = [picture for picture in pictures if 'role="img"' in picture]
    assert len(charts) >= 15
    for picture in pictures:
        named = "<title id=" in picture and "<desc id=" in picture
        assert named if 'role="img"' in picture else 'aria-hidden="true"' in picture
    assert max(len(picture.encode()) for picture in charts) < 3500


def test_priced_list_states_points_interval_and_certainty(record: dict[str, Any]) -> None:
    words = Page(render(record)).words()
    assert "Columns that are missing in one set only SCH002" in words
    assert "+5.2 points 2.9 to 7.4 pays" in words
    assert "−0.2 points −1.3 to 0.9 uncertain" in words
    assert "Not priced: a drop is a symptom" in words
    record["findings"][0]["price"]["gain"].update(value=-0.02, low=-0.03, high=-0.01)
    assert "−2.0 points −3.0 to −1.0 costs" in Page(render(record)).words()


def test_gains_of_other_metrics_are_not_points(record: dict[str, Any]) -> None:
    for finding in record["findings"]:
        if finding["price"]:
            finding["price"]["metric"] = "log_loss"
    words = Page(render(record)).words()
    assert "+0.0518 0.0291 to 0.0744 pays" in words
    assert "points of log loss" not in words


def test_clear_checks_state_their_power(record: dict[str, Any]) -> None:
    words = Page(render(record)).words().replace("\u202f", " ")
    assert "With 80 % probability this check finds copied rows with 1 % noise, from 0.5 % of test rows upwards" in words
    assert "Even the largest fault planted (blocks sorted by target, 40.0 % of rows sorted)" in words
    assert "was found in only 64.0 % of the draws: this all-clear says little." in words


def test_reasons_of_checks_that_did_not_run_are_shown(record: dict[str, Any]) -> None:
    words = Page(render(record)).words()
    for finding in record["findings"]:
        assert finding["reason"].split("%")[0].strip() in words
    for reason in record["ignored"].values():
        assert reason in words


def wide(record: dict[str, Any], columns: int) -> dict[str, Any]:
    """A drift finding over many columns, each with a picture."""
    drift = next(finding for finding in record["findings"] if finding["code"] == "DRI001")
    tables, pictures = drift["details"][:1], [part for part in drift["details"] if part["kind"] == "histogram"]
    names = [f"measurement number {index}" for index in range(columns)]
    tables[0]["rows"] = [[name, *tables[0]["rows"][index % 12][1:]] for index, name in enumerate(names)]
    drawn = [{**pictures[index % len(pictures)], "title": name} for index, name in enumerate(names)]
    drift["details"] = tables + drawn
    record["columns"] = [{**record["columns"][0], "name": name} for name in names]
    return record


def test_fifty_columns_of_drift_fit_in_half_a_megabyte(record: dict[str, Any]) -> None:
    size = len(render(wide(record, 50)).encode())
    assert size <= 500_000, f"{size:,} bytes"


def test_a_large_audit_stays_under_a_megabyte_and_says_so(record: dict[str, Any]) -> None:
    labels = next(finding for finding in record["findings"] if finding["code"] == "LAB001")
    row = labels["rows"]["shown"][0]
    labels["rows"]["shown"] = [{**row, "row": index} for index in range(200)]
    labels["rows"]["total"] = 9000
    labels["remedies"][0]["rows"] = list(range(9000))
    drift = next(finding for finding in wide(record, 50)["findings"] if finding["code"] == "DRI001")
    record["findings"] += [{**drift, "code": f"DRI{index:03}"} for index in range(100, 110)]
    record["findings"] += [{**labels, "code": f"LAB{index:03}"} for index in range(100, 120)]
    html = render(record)
    assert len(html.encode()) <= LIMIT
    page = Page(html)
    assert "shortened in this page" in page.words()
    embedded = json.loads(page.inline["script"][0])
    assert embedded["shortened"] is True
    assert len(embedded["findings"]) == len(record["findings"])
    validate(embedded)


@pytest.mark.parametrize("part", ["columns", "cell", "name", "findings"])
def test_monstrous_parts_do_not_make_a_monstrous_page(record: dict[str, Any], part: str) -> None:
    shown = next(finding for finding in record["findings"] if finding["code"] == "LAB001")["rows"]
    if part == "columns":
        wide(record, 10_000)
        shown["columns"] = [column["name"] for column in record["columns"]]
        shown["shown"] = [{**row, "cells": dict.fromkeys(shown["columns"], "1")} for row in shown["shown"]]
    elif part == "cell":
        shown["shown"][0]["cells"]["age"] = "x" * 5_000_000
    elif part == "name":
        shown["columns"][0] = "n" * 5_000_000
    else:
        record["findings"] *= 5
    html = render(record)
    assert len(html.encode()) <= LIMIT
    Page(html)


def test_colours_have_contrast_in_both_themes() -> None:
    css = (Path(render.__code__.co_filename).parent / "page.css").read_text(encoding="utf-8")
    themes = {name: pair for name, *pair in re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", css)}

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(*colours: str) -> float:
        dark, light = sorted(map(luminance, colours))
        return (light + 0.05) / (dark + 0.05)

    for theme in (0, 1):
        for ground in ("paper", "raised", "tint"):
            for ink, least in dict.fromkeys(("ink", "soft", "accent", "good", "warn", "bad"), 4.5).items():
                measured = contrast(themes[ink][theme], themes[ground][theme])
                assert measured >= least, f"{ink} on {ground}, theme {theme}: {measured:.2f}"
        for mark in ("accent", "second", "third", "strong-line"):
            measured = contrast(themes[mark][theme], themes["paper"][theme])
            assert measured >= 3, f"{mark}, theme {theme}: {measured:.2f}"
