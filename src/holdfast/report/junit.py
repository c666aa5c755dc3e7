"""JUnit XML: one test case a check, as CI servers read it. A pure function of the record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from holdfast.report import text
from holdfast.report.schema import validate

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no place for


def junit(record: Mapping[str, Any], failures: Mapping[str, str] | None = None) -> str:
    """The audit as JUnit XML; `ValueError` if `record` is not a report.

    `failures` maps the codes that fail to the reason, as a gate gives them; without it every fault that was found
    fails. Checks that crashed are errors, those that were skipped, not applicable or ignored are skipped.

    >>> clear = {"code": "LAB001", "title": "labels that contradict the data", "outcome": "clear", "seconds": 0.5}
    >>> record = {"schema": "holdfast/report/1", "verdict": "Holds.", "tone": "good", "task": {}, "sets": [],
    ...           "columns": [], "model": {}, "findings": [clear], "settings": {}}
    >>> print(junit(record).splitlines()[2].strip())
    <testsuite name="holdfast audit" tests="1" failures="0" errors="0" skipped="0" time="0.500">
    """
    checked = validate(record)
    suite = Element("testsuite")
    for finding in checked["findings"]:
        failure = _failure(finding, failures)
        case = SubElement(suite, "testcase", _case(finding))
        _outcome(case, finding, failure)
    for code, reason in checked["ignored"].items():
        case = SubElement(suite, "testcase", {"classname": "holdfast", "name": _clean(code), "time": "0.000"})
        SubElement(case, "skipped", {"message": _clean(f"ignored: {reason}")})
    numbers = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
    counts = {
        "name": "holdfast audit", "tests": str(len(suite)), "failures": str(numbers["failure"]),
        "errors": str(numbers["error"]), "skipped": str(numbers["skipped"]),
        "time": f"{sum(finding['seconds'] or 0.0 for finding in checked['findings']):.3f}",
    }  # fmt: skip
    for name, value in counts.items():
        suite.set(name, value)
    if checked["created"]:
        suite.set("timestamp", _clean(checked["created"].partition("+")[0]))
    SubElement(suite, "system-out").text = _clean(checked["verdict"])
    root = Element("testsuites", counts)
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(finding: dict[str, Any]) -> dict[str, str]:
    name = f"{finding['code']} {finding['title']}"
    return {"classname": "holdfast", "name": _clean(name), "time": f"{finding['seconds'] or 0.0:.3f}"}


def _failure(finding: dict[str, Any], failures: Mapping[str, str] | None) -> str | None:
    if failures is not None:
        return failures.get(finding["code"])
    return finding["summary"] if finding["outcome"] == "found" else None


def _outcome(case: Element, finding: dict[str, Any], failure: str | None) -> None:
    outcome = finding["outcome"]
    if outcome == "error":
        SubElement(case, "error", {"message": _clean(finding["reason"]), "type": "crashed"})
    elif failure is not None:
        element = SubElement(case, "failure", {"message": _clean(failure), "type": outcome})
        element.text = _clean(_words(finding))
    elif outcome in ("skipped", "not_applicable"):
        SubElement(case, "skipped", {"message": _clean(f"{text.name(outcome)}: {finding['reason']}")})
    else:
        SubElement(case, "system-out").text = _clean(_words(finding))


def _words(finding: dict[str, Any]) -> str:
    lines = [f"{text.name(finding['outcome'])}: {finding['summary']}", *finding["because"]]
    price = finding["price"]
    if price and price["gain"]:
        gain = price["gain"]
        span = text.gain_span(gain, price["metric"])
        lines.append(f"{price['remedy']}: {text.gain(gain['value'], price['metric'])} of {price['metric']} ({span})")
    if finding["what_to_do"]:
        lines.append(finding["what_to_do"])
    return "\n".join(lines)


def _clean(words: str) -> str:
    """Text that XML can hold and that steers no terminal."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text.visible(words))
