"""The report in a real browser: it renders, sorts, filters, downloads, and stays quiet whatever the data say."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
LABELS = 'table[data-table="findings.3.rows.shown"]'
NAMED = {
    "button",
    "link",
    "textbox",
    "searchbox",
    "checkbox",
    "combobox",
    "table",
    "image",
    "img",
    "heading",
    "DisclosureTriangle",
}
HOSTILE = ("<script>window.hacked = 1</script>", "<img src=x onerror='window.hacked = 1'>", "=cmd()|'/c calc'!A1")


def column(page: Any, table: str, place: int) -> list[str]:
    return page.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' tbody tr')]"
        ".map(row => row.cells[arguments[1]].textContent)",
        table,
        place,
    )


def unfold(page: Any) -> None:
    page.execute_script("document.querySelectorAll('details').forEach(part => part.open = true)")


def tool(page: Any, table: str, words: str) -> Any:
    """The button over a table whose label starts with `words`."""
    buttons = page.find_elements("css selector", f".listing:has({table}) .tools button")
    return next(button for button in buttons if button.text.startswith(words))


def downloaded(folder: Path, name: str) -> Path:
    deadline = time.monotonic() + 20
    while not (folder / name).exists():
        assert time.monotonic() < deadline, f"no {name}, only {[path.name for path in folder.iterdir()]}"
        time.sleep(0.05)
    return folder / name


def console(page: Any) -> list[str]:
    return [entry["message"] for entry in page.get_log("browser")]


def requests(page: Any) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def test_renders_without_a_word_on_the_console_and_without_a_request(record: dict[str, Any], open_page: Open) -> None:
    page = open_page(record)
    unfold(page)
    for button in page.find_elements("css selector", "button"):
        page.execute_script("arguments[0].click()", button)
    assert page.find_element("css selector", "h1").text.startswith("Not yet: accuracy falls")
    assert console(page) == []
    assert [url for url in requests(page) if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.find_elements("css selector", "svg.chart")[0].accessible_name == "Accuracy by hospital"


def test_policy_stops_foreign_scripts_and_requests(record: dict[str, Any], open_page: Open) -> None:
    page = open_page(record)
    page.execute_script(
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script);"
        "const image = new Image(); image.src = 'https://example.com/x.png'; document.body.append(image);"
        "document.body.setAttribute('onclick', 'window.hacked = 1'); document.body.click();"
    )
    assert page.execute_script("return window.hacked") is None
    assert any("Content Security Policy" in message for message in console(page))


def test_sorts_both_ways_and_says_so(record: dict[str, Any], open_page: Open) -> None:
    page = open_page(record)
    unfold(page)
    tool(page, LABELS, "Show all").click()
    rows = [row["row"] for row in record["findings"][3]["rows"]["shown"]]
    head = page.find_element("css selector", f"{LABELS} th")
    for direction, expected in (("ascending", sorted(rows)), ("descending", sorted(rows, reverse=True))):
        head.find_element("css selector", "button").click()
        assert head.get_attribute("aria-sort") == direction
        assert [int(text) for text in column(page, LABELS, 0)] == expected
    assert len(page.find_elements("css selector", f"{LABELS} th[aria-sort]")) == 1


def test_numbers_in_text_cells_sort_as_numbers_with_the_unknown_last(record: dict[str, Any], open_page: Open) -> None:
    for row, age in zip(record["findings"][3]["rows"]["shown"], ("9.5", "10", "", "-1.5", "9.25"), strict=False):
        row["cells"]["age"] = age
    record["findings"][3]["rows"]["shown"] = record["findings"][3]["rows"]["shown"][:5]
    page = open_page(record)
    unfold(page)
    button = page.find_elements("css selector", f"{LABELS} th button")[3]
    button.click()
    assert column(page, LABELS, 3) == ["-1.5", "9.25", "9.5", "10", ""]
    button.click()
    assert column(page, LABELS, 3) == ["10", "9.5", "9.25", "-1.5", ""]


def test_filters_and_counts(record: dict[str, Any], open_page: Open) -> None:
    for row in record["findings"][3]["rows"]["shown"]:
        row["note"] = row["note"].capitalize()
    page = open_page(record)
    unfold(page)
    box = page.find_element("css selector", f".listing:has({LABELS}) input")
    assert box.accessible_name.startswith("Filter the rows of 17 rows of train")
    status = page.find_element("css selector", f".listing:has({LABELS}) [role=status]")
    assert status.text == "8 of 17 rows"
    box.send_keys("recorded YES")
    expected = [row for row in record["findings"][3]["rows"]["shown"] if row["note"].startswith("Recorded yes")]
    assert column(page, LABELS, 0) == [str(row["row"]) for row in expected][:8]
    assert status.text == f"{min(8, len(expected))} of {len(expected)} matching rows"
    box.clear()
    box.send_keys("no such thing")
    assert column(page, LABELS, 0) == []
    assert status.text == "0 of 0 matching rows"


def test_script_writes_cells_as_the_server_did(record: dict[str, Any], open_page: Open) -> None:
    values = [0.8, -12.25, 303.0, 1234.5, 0.000012, 999.7, 0.99951, -1000.5, 1e9, 1.125, 1e307]
    texts = ["plain", "x" * 130, "tab\there", "\x1b[31m", "\u202eabc", "ä", "", "<b>", "-3", "a\rb", "é😀"]
    pvalues = [0.0, 0.5, 0.0123, 0.099, 0.00099, 1.0, 0.1, 0.02, 0.3, None, 0.25]
    shares = [0.0, 1.0, 0.0625, 0.0001, 0.5, 1e307, 0.9999, None, 0.25, 0.333, 0.07]
    table = {"kind": "table", "title": "all kinds", "columns": ["n", "t", "p", "s", "r"]}
    table["types"] = ["number", "text", "pvalue", "percent", "row"]
    table["rows"] = [list(row) for row in zip(values, texts, pvalues, shares, range(11), strict=True)]
    record["findings"][0]["details"] = [table]
    page = open_page(record)
    place = 'table[data-table="findings.0.details.0.rows"]'
    before = [column(page, place, index) for index in range(5)]
    page.find_elements("css selector", f"{place} th button")[4].click()
    assert [column(page, place, index) for index in range(5)] == before


def test_hostile_cells_stay_text(record: dict[str, Any], open_page: Open) -> None:
    rows = record["findings"][3]["rows"]
    rows["columns"] = [HOSTILE[0], "__proto__", "age"]
    for row in rows["shown"]:
        row["cells"] = {HOSTILE[0]: HOSTILE[1], "age": HOSTILE[2]}
        row["note"] = HOSTILE[0]
    record["verdict"] = record["findings"][3]["title"] = HOSTILE[0]
    page = open_page(record)
    unfold(page)
    tool(page, LABELS, "Show all").click()
    page.find_element("css selector", f"{LABELS} th button").click()
    assert page.execute_script("return window.hacked") is None
    assert page.find_elements("css selector", "img") == []
    assert page.find_element("css selector", "h1").text == HOSTILE[0]
    assert set(column(page, LABELS, 3)) == {HOSTILE[1]}
    assert set(column(page, LABELS, 4)) == {"–"}
    assert console(page) == []


def test_downloads_csv_that_a_spreadsheet_cannot_run(record: dict[str, Any], open_page: Open, tmp_path: Path) -> None:
    texts = ['=cmd()|"/c calc"!A1', "+1+1", "@SUM(A1)", "\t=1", "-2.5", "-2+3", 'quote " and, comma', "line\nend", "１"]
    rows = record["findings"][3]["rows"]
    rows["columns"] = ["=bad()", "age"]
    rows["shown"] = rows["shown"][: len(texts)]
    for row, text in zip(rows["shown"], texts, strict=True):
        row["cells"] = {"=bad()": text, "age": "x" * 500}
    page = open_page(record)
    unfold(page)
    tool(page, LABELS, "Download").click()
    written = downloaded(tmp_path, "LAB001-train-rows.csv").read_text(encoding="utf-8-sig")
    lines = list(csv.reader(written.splitlines(keepends=True)))
    assert lines[0] == ["row", "score", "why", "'=bad()", "age"]
    cells = [line[3] for line in lines[1:]]
    assert cells == [f"'{text}" if text[0] in "=+@\t" or text == "-2+3" else text for text in texts]
    assert [int(line[0]) for line in lines[1:]] == [row["row"] for row in rows["shown"]]
    assert {line[4] for line in lines[1:]} == {"x" * 500}


def test_record_can_be_downloaded_whole(record: dict[str, Any], open_page: Open, tmp_path: Path) -> None:
    page = open_page(record)
    page.find_element("id", "download").click()
    whole = json.loads(downloaded(tmp_path, "report.json").read_text(encoding="utf-8"))
    sets = [{**one, "held_rows": None} for one in record["sets"]]
    assert whole == {"digest": "", **record, "sets": sets}, "an old record is handed on with what it lacked"


def test_everything_can_be_reached_with_the_keyboard(record: dict[str, Any], open_page: Open) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page = open_page(record)
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert page.switch_to.active_element.text == "Skip to the verdict"
    visited = set()
    wanted = page.execute_script(
        "return [...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')]"
        ".filter(part => part.checkVisibility()).length"
    )
    for _ in range(wanted + 20):
        ActionChains(page).send_keys(Keys.TAB).perform()
        ring, identity = page.execute_script(
            "const part = document.activeElement; const style = getComputedStyle(part);"
            "const place = [...document.querySelectorAll('*')].indexOf(part);"
            "return [style.outlineStyle !== 'none' || part === document.body, place]"
        )
        assert ring, f"no visible focus on {page.switch_to.active_element.tag_name}"
        visited.add(identity)
    assert len(visited) >= wanted - 1, f"{len(visited)} of {wanted}"
    summary = page.find_element("css selector", f"details:has({LABELS}) summary")
    summary.send_keys(Keys.ENTER)
    page.find_element("css selector", f"{LABELS} th button").send_keys(Keys.ENTER)
    assert page.find_element("css selector", f"{LABELS} th").get_attribute("aria-sort") == "ascending"


def test_a_screen_reader_is_told_what_everything_is(record: dict[str, Any], open_page: Open) -> None:
    """What the browser hands to assistive technology: names, roles, the order of headings."""
    page = open_page(record)
    unfold(page)
    parts = read_aloud(page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"])
    unnamed = [(role, told) for role, name, told in parts if role in NAMED and not name]
    assert not unnamed, f"{len(unnamed)} parts without a name: {unnamed[:5]}"
    levels = [told["level"] for role, _, told in parts if role == "heading"]
    assert levels.count(1) == 1 and levels[0] == 1, levels
    assert all(after - before <= 1 for before, after in pairwise(levels)), f"a level is skipped: {levels}"
    roles = [role for role, _, _ in parts]
    assert roles.count("main") == 1 and "columnheader" in roles and "table" in roles
    assert page.execute_script("return document.documentElement.lang") == "en"


def read_aloud(nodes: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    """(role, name, properties) in the order of the page."""
    by_id = {node["nodeId"]: node for node in nodes}
    waiting, told = [nodes[0]], []
    while waiting:
        node = waiting.pop()
        waiting += [by_id[child] for child in reversed(node.get("childIds", ())) if child in by_id]
        if not node["ignored"]:
            more = {one["name"]: one["value"].get("value") for one in node.get("properties", ())}
            told.append((node["role"]["value"], node.get("name", {}).get("value", "").strip(), more))
    return told


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_follows_the_system_theme_and_the_button(record: dict[str, Any], open_page: Open, theme: str) -> None:
    page = open_page(record, theme=theme)

    def ground() -> int:
        colour = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.strip("rgb()").split(",")[:3])

    assert (ground() < 200) == (theme == "dark")
    button = page.find_element("id", "theme")
    button.click()
    assert (button.text, ground() > 600) == ("Theme: light", True)
    button.click()
    assert (button.text, ground() < 200) == ("Theme: dark", True)
    button.click()
    assert (button.text, ground() < 200) == ("Theme: automatic", theme == "dark")


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 1920])
def test_nothing_runs_off_the_side(record: dict[str, Any], open_page: Open, width: int) -> None:
    record["sets"][0]["path"] = "a_very_long_path_without_a_single_break_" * 5
    page = open_page(record, width=width)
    unfold(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    smallest = page.execute_script(
        "return Math.min(...[...document.querySelectorAll('svg.chart')].map("
        "chart => 12 * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width))"
    )
    assert smallest >= 9, f"chart text is {smallest:.1f} pixels high"


def test_prints_everything_and_no_controls(record: dict[str, Any], open_page: Open) -> None:
    page = open_page(record, media="print")
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script("return document.querySelectorAll('details:not([open])').length") == 0
    controls = page.find_elements("css selector", "nav, #theme, .tools, .skip, #download")
    assert len(controls) > 5
    assert not any(part.is_displayed() for part in controls)
    assert page.find_element("css selector", LABELS).is_displayed()
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script("return document.querySelectorAll('details[open]').length") == 0


def test_a_link_into_a_folded_part_opens_it(record: dict[str, Any], open_page: Open) -> None:
    page = open_page(record)
    page.execute_script("document.querySelector('details:has(th) table').id = 'inside'; location.hash = 'inside'")
    deadline = time.monotonic() + 5
    while not page.execute_script("return document.getElementById('inside').closest('details').open"):
        assert time.monotonic() < deadline, "still folded"
        time.sleep(0.02)


def test_works_without_script(record: dict[str, Any], open_page: Open) -> None:
    page = open_page(record)
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.refresh()
        assert not page.find_element("id", "theme").is_displayed()
        assert page.find_element("css selector", "h1").text.startswith("Not yet")
        assert len(page.find_elements("css selector", f"{LABELS} tbody tr")) == 8
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
