"""The pages of estimate and explain in a browser: quiet console, no request, tables that sort, hostile text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.datasets import heart_disease
from holdfast.report.sheet import render_sheet

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture(scope="module")
def records() -> dict[str, dict[str, Any]]:
    found = holdfast.estimate(*heart_disease(), target="disease", by=["hospital"], chunk=100, draws=1)
    why = holdfast.explain(*heart_disease(), target="disease")
    return {"estimate": found.to_dict(), "explain": why.to_dict()}


@pytest.mark.browser
@pytest.mark.parametrize("name", ["estimate", "explain"])
def test_the_page_works_offline_and_hostile_text_stays_text(name: str, records, driver: Any, tmp_path: Path) -> None:
    record = json.loads(json.dumps(records[name]))
    record["sections"][0]["title"] = record["sections"][1]["text"][0] = record["verdict"] = EVIL
    table = next(d for section in record["sections"] for d in section["details"] if d["kind"] == "table")
    table["rows"][0][0] = EVIL
    path = tmp_path / f"{name}.html"
    path.write_text(render_sheet(record), encoding="utf-8")
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(path.as_uri())
    assert driver.get_log("browser") == [], "a script error or a stopped request"
    asked = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    addresses = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in addresses if not url.startswith(("file:", "data:"))] == []
    assert driver.execute_script("return document.getElementById('verdict').textContent") == EVIL
    cells = "return [...document.querySelectorAll('table')[0].tBodies[0].rows].map((row) => row.cells[0].textContent)"
    before = driver.execute_script(cells)
    assert EVIL[:20] in " ".join(before)
    for _ in range(2):
        driver.execute_script("document.querySelectorAll('table')[0].querySelector('thead button').click()")
    after = driver.execute_script(cells)
    assert sorted(after) == sorted(before) and after != before
    assert driver.execute_script("return document.querySelector('th[aria-sort]').ariaSort") == "descending"
    wide = driver.execute_script("return document.documentElement.scrollWidth > innerWidth")
    assert not wide, "the page runs off the side"
