"""Cells: missing markers, numbers as text, dates, booleans, infinities; and types that differ between sets."""

import datetime as dt

import polars as pl
import pytest

from holdfast.audit.load import load, read_table, safe_text


def column(cells, **options):
    data = read_table({"v": cells}, "train", **options)
    return data.frame["v"], data.notes


@pytest.mark.parametrize(
    "marker", ["?", "NA", "n/a", "N/A", "null", "NULL", "none", "None", "nan", "NaN", "-", "", "  ", " ? "]
)
def test_common_markers_count_as_missing(marker):
    values, notes = column(["1", marker, "3"])
    assert values.to_list() == [1, None, 3]
    values, more = column(["red", marker, "blue"])
    assert values.to_list() == ["red", None, "blue"]
    if marker.strip():
        assert notes == more == (f"column 'v': 1 cell(s) '{marker.strip()}' count as missing",)
    else:
        assert notes == more == ()


def test_a_target_keeps_labels_that_only_look_missing():
    values, notes = column(["none", "some", "-", "?"], target="v")
    assert values.to_list() == ["none", "some", "-", None]
    assert notes == ("column 'v': 1 cell(s) '?' count as missing",)


def test_a_target_is_not_made_a_number_by_dropping_labels(tmp_path):
    values, _ = column([str(i) for i in range(100)] + ["unknown"], target="v")
    assert values.to_list()[-1] == "unknown"
    (tmp_path / "t.csv").write_text("v,w\n" + "1,a\n2,b\n" * 50 + "unknown,c\n")
    values = read_table(tmp_path / "t.csv", "train", target="v").frame["v"]
    assert values.unique().sort().to_list() == ["1", "2", "unknown"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,234", " 5 ", "?"], [1234, 5, None]),
        (["1,234.5", "-1,000,000"], [1234.5, -1e6]),
        (["1,5", "2"], [1.5, 2.0]),
        (["+5", "-3"], [5, -3]),
        (["1e3", ".5"], [1000.0, 0.5]),
        (["007", "123"], ["007", "123"]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["0x10", "2"], ["0x10", "2"]),
        (["1.0", "2.0"], [1.0, 2.0]),
        (["true", "False", None], [True, False, None]),
        (["yes", "no"], ["yes", "no"]),
        (["0", "1"], [0, 1]),
        (["1,2,3", "4"], ["1,2,3", "4"]),
    ],
)
def test_what_text_stands_for(cells, expected):
    values, _ = column(cells)
    assert values.to_list() == expected


def test_infinite_and_enormous_numbers():
    values, notes = column(["1", "inf", "-Infinity", "1e400", "1e308"])
    assert values.to_list() == [1.0, None, None, None, 1e308]
    assert notes == ("column 'v': 3 infinite value(s), the first in row 1, count as missing",)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-02-29", "2023-01-01"], dt.date(2024, 2, 29)),
        (["2024-02-29T06:20:48", "2023-01-01T00:00:00"], dt.datetime(2024, 2, 29, 6, 20, 48)),
        (["2024-02-29 06:20:48.500", "2023-01-01 00:00:00"], dt.datetime(2024, 2, 29, 6, 20, 48, 500_000)),
        (["2024-02-29T06:20:48Z", "2023-01-01T00:00:00Z"], dt.datetime(2024, 2, 29, 6, 20, 48)),
        (["2024-02-29T06:20:48+02:00", "2023-01-01T00:00:00+02:00"], dt.datetime(2024, 2, 29, 4, 20, 48)),
        (["2024/02/29", "2023/01/01"], dt.date(2024, 2, 29)),
        (["02/29/2024", "12/31/2023"], dt.date(2024, 2, 29)),
        (["29/02/2024", "31/12/2023"], dt.date(2024, 2, 29)),
        (["29.02.2024", "31.12.2023"], dt.date(2024, 2, 29)),
        (["29 Feb 2024", "1 Jan 2024"], dt.date(2024, 2, 29)),
        (["Feb 29, 2024", "Jan 1, 2024"], dt.date(2024, 2, 29)),
        (["02/29/2024 06:20", "12/31/2023 00:00"], dt.datetime(2024, 2, 29, 6, 20)),
    ],
)
def test_dates_as_people_write_them(cells, expected):
    values, notes = column([*cells, None, "?"])
    assert values.to_list()[0] == expected
    assert values.null_count() == 2
    assert len(notes) == 1


def test_a_date_that_can_be_read_in_two_ways_is_told():
    values, notes = column(["01/02/2024", "03/04/2024"])
    assert values[0] == dt.date(2024, 1, 2)
    assert "day/month/year would fit too" in notes[0]


@pytest.mark.parametrize(
    "cells", [["12:30:00", "13:00:00"], ["1-2", "3-4"], ["2024-13-45", "2024-99-99"], ["v1.2.3", "v2.0.1"]]
)
def test_what_is_no_date_stays_text(cells):
    assert column(cells)[0].to_list() == cells


def test_a_column_that_is_number_in_one_set_and_text_in_the_other():
    train = {"v": [1.5, 2.5, 3.0, 4.0], "w": [1, 2, 3, 4]}
    loaded = load(train, {"v": ["1", "2", "error"], "w": ["low", "high", "3"]})
    assert loaded.test.frame["v"].to_list() == [1.0, 2.0, None]
    assert loaded.test.frame["w"].to_list() == ["low", "high", "3"]
    assert loaded.train.frame["w"].to_list() == ["1", "2", "3", "4"]
    assert "1 cell(s) in test, such as 'error' in row 2, are not numbers and count as missing" in loaded.test.notes[0]
    assert "'low' in row 0): both are text now" in loaded.test.notes[1]
    assert {column.name: column.kind for column in loaded.columns} == {"v": "number", "w": "category"}


@pytest.mark.parametrize(
    ("train", "test", "dtype"),
    [
        ([1, 2], [1.5, 2.0], pl.Float64),
        ([True, False], [0, 1], pl.Int64),
        ([None, None], [1, 2], pl.Int64),
        (["a", "b"], [None, None], pl.String),
        ([dt.date(2024, 1, 1)] * 2, [dt.datetime(2024, 1, 1)] * 2, pl.Datetime("us")),
        ([dt.date(2024, 1, 1)] * 2, [1, 2], pl.String),
        ([dt.date(2024, 1, 1)] * 2, ["soon", "later"], pl.String),
        ([True, False], ["maybe", "no"], pl.String),
    ],
)
def test_types_agree_after_reading(train, test, dtype):
    loaded = load({"v": train}, {"v": test})
    assert loaded.train.frame.schema["v"] == loaded.test.frame.schema["v"] == dtype
    assert loaded.train.frame["v"].null_count() == sum(cell is None for cell in train)


def test_text_that_is_safe_to_print():
    assert safe_text("\x1b]0;title\x07\x1b[2Jred\x1b[31m\r\n\tnext\x9b31m\u202e end") == "red next end"
    assert safe_text("x" * 10_000_000, 10) == "x" * 9 + "…"
    assert safe_text("<script>=cmd()|../../x") == "<script>=cmd()|../../x", (
        "escaping is for whoever writes a page or sheet"
    )
    assert safe_text("\ud800") == ""
    assert all(mark.isprintable() for mark in safe_text("".join(map(chr, range(0x3000))), 20_000))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": ["ab", "c"]}, {"a": ["ab", "d"]}),
        ({"a": ["x", None]}, {"a": ["x", "y"]}),
        ({"a": [1, 2]}, {"b": [1, 2]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1.0, 2.5]}, {"a": [1.0, 2.0]}),
        ({"a": [1, 2], "b": [3, 4]}, {"b": [3, 4], "a": [1, 2]}),
        ({"a": [dt.date(2024, 1, 1)]}, {"a": [dt.date(2024, 1, 2)]}),
        ({"a": [True, None]}, {"a": [True, False]}),
    ],
)
def test_fingerprints_differ_where_content_does(one, other):
    prints = [read_table(source, "train").fingerprint for source in (one, other, dict(one))]
    assert prints[0] == prints[2] != prints[1]
