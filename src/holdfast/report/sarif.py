"""SARIF 2.1.0: findings as code hosts and editors show them beside the data. A pure function of the record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from holdfast.report import text
from holdfast.report.page import to_json
from holdfast.report.schema import validate

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LINED = (".csv", ".tsv", ".txt")  # a header, then a line a row
MOST_LOCATIONS = 10
_LEVELS = {"found": "warning", "unsure": "note"}


def sarif(record: Mapping[str, Any], failures: Mapping[str, str] | None = None) -> str:
    """The audit as a SARIF log; `ValueError` if `record` is not a report.

    What was found is a warning, what is unsure a note, what a gate gives as `failures` (by code) an error; checks that
    crashed are notifications of a run that was not successful. Rows of plain CSV and TSV files are given as lines,
    which is exact unless cells hold line ends.

    >>> found = {"code": "DUP001", "title": "copies", "outcome": "found", "summary": "Two rows are copies.",
    ...          "rows": {"set": "train", "total": 1, "shown": [{"row": 3}]}}
    >>> sets = [{"name": "train", "path": "data/train.csv", "rows": 9, "columns": 2, "fingerprint": "",
    ...          "labelled": True, "used_rows": 9}]
    >>> record = {"schema": "holdfast/report/1", "verdict": "", "tone": "warn", "task": {}, "sets": sets,
    ...           "columns": [], "model": {}, "findings": [found], "settings": {}}
    >>> import json
    >>> json.loads(sarif(record))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    {'artifactLocation': {'uri': 'data/train.csv'}, 'region': {'startLine': 5}}
    """
    checked, failing = validate(record), failures or {}
    shown = [f for f in checked["findings"] if f["outcome"] in _LEVELS or f["code"] in failing]
    paths = {data["name"]: data["path"] for data in checked["sets"]}
    crashed = [finding for finding in checked["findings"] if finding["outcome"] == "error"]
    driver: dict[str, Any] = {
        "name": "Holdfast",
        "rules": [_rule(finding) for finding in checked["findings"]],
    }
    if checked["version"]:
        driver["semanticVersion"] = checked["version"]
    places = {finding["code"]: place for place, finding in enumerate(checked["findings"])}
    invocation: dict[str, Any] = {"executionSuccessful": not crashed}
    if crashed:
        invocation["toolExecutionNotifications"] = [_notification(finding, places) for finding in crashed]
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": [_result(finding, places, paths, failing) for finding in shown],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": checked["verdict"], "tone": checked["tone"]},
    }
    return to_json({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=1) + "\n"


def _rule(finding: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding["code"],
        "shortDescription": _message(text.capital(finding["title"])),
        "fullDescription": _message(f"Holdfast looks for {finding['title']}."),
        "defaultConfiguration": {"level": "warning"},
    }
    if finding["what_to_do"]:
        rule["help"] = _message(finding["what_to_do"])
    return rule


def _result(
    finding: dict[str, Any], places: dict[str, int], paths: dict[str, str], failing: Mapping[str, str]
) -> dict[str, Any]:
    code = finding["code"]
    result: dict[str, Any] = {
        "ruleId": code,
        "ruleIndex": places[code],
        "level": "error" if code in failing else _LEVELS[finding["outcome"]],
        "message": _message(" ".join([failing.get(code) or finding["summary"], *finding["because"][:3]])),
        "partialFingerprints": {"holdfastFinding/v1": _fingerprint(code, paths)},
        "properties": {"outcome": finding["outcome"], "price": finding["price"], "estimate": finding["estimate"]},
    }
    if locations := _locations(finding, paths):
        result["locations"] = locations
    return result


def _notification(finding: dict[str, Any], places: dict[str, int]) -> dict[str, Any]:
    return {
        "level": "error",
        "message": _message(finding["reason"]),
        "descriptor": {"id": finding["code"], "index": places[finding["code"]]},
        "associatedRule": {"id": finding["code"], "index": places[finding["code"]]},
    }


def _locations(finding: dict[str, Any], paths: dict[str, str]) -> list[dict[str, Any]]:
    """The file concerned, row by row where rows are named; data that came from memory have no place."""
    rows = finding["rows"]
    path = paths.get(rows["set"] if rows else "test") or paths.get("train") or ""
    if not path or path.startswith("<"):
        return []
    lines: list[int | None] = [None]
    if rows and PurePath(path).suffix.lower() in LINED:
        lines = [row["row"] + 2 for row in rows["shown"][:MOST_LOCATIONS]] or lines
    return [_location(path, line) for line in lines]


def _location(path: str, line: int | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": line or 1}}
    return {"physicalLocation": place}


def _uri(path: str) -> str:
    """A relative reference for a relative path, a file URI for an absolute one.

    >>> _uri("my data/a.csv"), _uri("/tmp/a.csv")
    ('my%20data/a.csv', 'file:///tmp/a.csv')
    """
    plain = PurePath(path).as_posix()
    if PurePath(path).is_absolute():
        return "file:///" + quote(plain.removeprefix("/"), safe="/:", errors="surrogatepass")
    return quote(plain, errors="surrogatepass")


def _fingerprint(code: str, paths: dict[str, str]) -> str:
    """The same finding on the same files is the same alert, whatever its numbers."""
    return hashlib.sha256("\n".join([code, *map(str, paths.values())]).encode("utf-8", "replace")).hexdigest()[:32]


def _message(words: str) -> dict[str, str]:
    return {"text": text.visible(words) or "no text"}
