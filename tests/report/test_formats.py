"""The gate, JUnit, SARIF and the short table: pure functions of the record, each held to what its readers ask for."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from holdfast.report.gate import Gate, judge, read_conditions
from holdfast.report.junit import junit
from holdfast.report.sarif import sarif
from holdfast.report.summary import summarise
from holdfast.report.writing import write_all

HOSTILE = "</failure>]]><script>alert(1)</script>\x1b[31m\x00\u202e\ud800"


def finding(code: str, outcome: str = "found", low: float | None = None, **parts: Any) -> dict[str, Any]:
    gain = None if low is None else {"value": low + 0.01, "low": low, "high": low + 0.02, "n": 100}
    price = None if low is None else {"metric": "accuracy", "remedy": "drop rows", "gain": gain}
    return {"code": code, "title": f"title of {code}", "outcome": outcome, "summary": f"summary of {code}",
            "reason": f"reason of {code}", "price": price, **parts}  # fmt: skip


def report(*findings: dict[str, Any], path: str = "data/test.csv", **parts: Any) -> dict[str, Any]:
    sets = [
        {"name": "test", "path": path, "rows": 10, "columns": 2, "fingerprint": "", "labelled": True, "used_rows": 1}
    ]
    return {"schema": "holdfast/report/1", "verdict": "A verdict.", "tone": "warn", "task": {}, "sets": sets,
            "columns": [], "model": {}, "findings": list(findings), "settings": {}, **parts}  # fmt: skip


@pytest.mark.parametrize(
    ("findings", "price", "codes", "expected"),
    [
        ([finding("A001", low=0.011)], 0.01, (), 3),
        ([finding("A001", low=0.009)], 0.01, (), 0),  # the estimate, 0.019, is above the price; its interval is not
        ([finding("A001", "unsure", low=0.5)], 0.01, (), 3),
        ([finding("A001")], None, ("A001",), 4),
        ([finding("A001", "unsure")], None, ("A001",), 0),
        ([finding("A001", "not_applicable")], None, ("A001",), 0),
        ([finding("A001", "skipped")], None, ("A001",), 5),
        ([finding("A001", "skipped")], 0.01, (), 0),
        ([finding("A001", "error")], 0.01, (), 5),
        ([finding("A001", "error")], None, ("B001",), 0),
        ([finding("A001", "error"), finding("B001"), finding("C001", low=0.1)], 0.01, ("B001",), 3),
        ([finding("A001", "error"), finding("B001")], 0.01, ("B001",), 4),
        ([], 0.0, ("A001",), 0),
    ],
)
def test_gate_closes_on_what_it_names(findings, price, codes, expected) -> None:
    assert judge(report(*findings), price, codes).exit_code == expected


def test_gate_names_every_reason() -> None:
    gate = judge(report(finding("A001", low=0.2), finding("B001"), finding("C001", "error")), 0.1, ("B001",))
    assert gate.exit_code == 3 and set(gate.reasons) == {"A001", "B001", "C001"}, gate


@pytest.mark.parametrize(
    ("given", "settings", "match"),
    [
        (["LAB01"], {}, "expected a price such as 0.01 or the code of a check"),
        (["-1"], {}, "number from 0 upwards"),
        (["nan"], {}, "number from 0 upwards"),
        (["inf"], {}, "number from 0 upwards"),
        (["0.1", "0.2"], {}, "2 prices"),
        (["0.1"], {"quick": True}, "--quick leaves out"),
        (["LAB001"], {"ignored": {"LAB001": "known"}}, "--ignore leaves it out"),
        (["LAB001"], {"only": ("DUP001",)}, "--only does not name it"),
    ],
)
def test_conditions_that_cannot_close_the_gate_are_refused(given, settings, match) -> None:
    settings = {"known": {"LAB001", "DUP001"}, "ignored": {}, "only": (), "quick": False, **settings}
    with pytest.raises(ValueError, match=match):
        read_conditions(given, **settings)


def test_junit_counts_what_it_holds(record) -> None:
    root = ElementTree.fromstring(junit(record))
    suite = root.find("testsuite")
    cases = suite.findall("testcase")
    assert root.tag == "testsuites" and len(cases) == len(record["findings"]) + len(record["ignored"])
    for holder in (root, suite):
        assert int(holder.get("tests")) == len(cases)
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(holder.get(name)) == len(suite.findall(f"testcase/{tag}")), name
    outcomes = [found["outcome"] for found in record["findings"]]
    assert int(suite.get("failures")) == outcomes.count("found") > 0
    assert all(case.get("name") and case.get("classname") and float(case.get("time")) >= 0 for case in cases)


def test_junit_fails_what_the_gate_fails_and_nothing_else() -> None:
    shown = report(finding("A001"), finding("B001"), finding("C001", "error"), finding("D001", "clear"))
    root = ElementTree.fromstring(junit(shown, {"B001": "the gate says so"}))
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == ["B001 title of B001"]
    assert root.find(".//failure").get("message") == "the gate says so"
    assert len(root.findall(".//error")) == 1


def test_hostile_text_stays_text() -> None:
    shown = report(finding("A001", summary=HOSTILE, because=[HOSTILE]), path=f"a/{HOSTILE}.csv", ignored={"X": HOSTILE})
    root = ElementTree.fromstring(junit(shown))
    assert "<script>" in root.find(".//failure").get("message"), "text is kept, escaped"
    assert root.find(".//script") is None
    log = json.loads(sarif(shown))
    assert "\x1b" not in json.dumps(log, ensure_ascii=False)
    html = summarise(report(finding("A001", title=HOSTILE), verdict=HOSTILE))._repr_html_()
    assert "<script>" not in html and "\x1b" not in html


def _required(log: dict[str, Any]) -> None:
    """What the schema of SARIF 2.1.0 requires of the parts that are written."""
    assert set(log) <= {"$schema", "version", "runs", "inlineExternalProperties", "properties"}
    assert log["version"] == "2.1.0" and isinstance(log["runs"], list)
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            for note in invocation.get("toolExecutionNotifications", []):
                assert note["message"]["text"]
        for result in run["results"]:
            assert result["message"]["text"] and result["level"] in ("none", "note", "warning", "error")
            assert ids[result["ruleIndex"]] == result["ruleId"]
            for location in result.get("locations", []):
                place = location["physicalLocation"]
                assert place["artifactLocation"]["uri"] and place["region"]["startLine"] >= 1


def test_sarif_has_what_the_standard_requires(record) -> None:
    log = json.loads(sarif(record))
    _required(log)
    results = log["runs"][0]["results"]
    wanted = [found["code"] for found in record["findings"] if found["outcome"] in ("found", "unsure")]
    assert [result["ruleId"] for result in results] == wanted
    prints = [result["partialFingerprints"]["holdfastFinding/v1"] for result in results]
    assert len(set(prints)) == len(prints)


def test_sarif_points_at_rows_raises_levels_and_reports_crashes() -> None:
    rows = {"set": "test", "total": 2, "shown": [{"row": 0}, {"row": 7}]}
    shown = report(finding("A001", rows=rows), finding("B001", "unsure"), finding("C001", "error"))
    log = json.loads(sarif(shown, {"A001": "gate"}))
    _required(log)
    run = log["runs"][0]
    first, second = run["results"]
    lines = [place["physicalLocation"]["region"]["startLine"] for place in first["locations"]]
    assert lines == [2, 9], "row 0 stands under the header, in line 2"
    assert (first["level"], second["level"]) == ("error", "note")
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"] == "C001"
    packed = json.loads(sarif(report(finding("A001", rows=rows), path="my data/test.parquet")))
    [place] = packed["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "my%20data/test.parquet"},
        "region": {"startLine": 1},
    }
    memory = json.loads(sarif(report(finding("A001"), path="<polars DataFrame>")))
    assert "locations" not in memory["runs"][0]["results"][0]


def test_summary_lists_what_was_found_in_order(record) -> None:
    table = summarise(record)
    wanted = [found["code"] for found in record["findings"] if found["outcome"] in ("found", "unsure", "error")]
    assert [row[0] for row in table.rows] == wanted
    assert table.left == len(record["findings"]) - len(wanted)
    assert record["verdict"] in str(table) and wanted[0] in table._repr_html_()
    assert len(summarise(record, ["clear"]).rows) == sum(f["outcome"] == "clear" for f in record["findings"])


def test_files_appear_whole_or_not_at_all(tmp_path) -> None:
    old = tmp_path / "a.xml"
    old.write_text("old")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot write the report to"):
        write_all({old: "new", tmp_path / "file" / "b.sarif": "new"})
    assert old.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "file"]
    assert Gate(0, {}) == judge(report(), None, ())
