"""Delimited text: delimiters, quotes, headers, encodings, line breaks, ragged rows."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.audit.load import InputError, read_table
from holdfast.audit.load.dialect import guess_dialect
from holdfast.audit.load.structure import structure

ROWS = [["name", "price", "note"], ["a", "1.5", "x, y"], ["b", "2", 'he said "hi"'], ["c", "-3e2", "two\nlines"]]


def read(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, "train")


def written(rows, **options):
    text = io.StringIO()
    csv.writer(text, **options).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", " "])
@pytest.mark.parametrize("break_", ["\n", "\r\n"])
def test_every_common_delimiter(tmp_path, delimiter, break_):
    data = read(tmp_path, written(ROWS, delimiter=delimiter, lineterminator=break_))
    assert data.frame.to_dict(as_series=False) == {
        "name": ["a", "b", "c"],
        "price": [1.5, 2.0, -300.0],
        "note": ["x, y", 'he said "hi"', "two\nlines"],
    }
    assert data.notes == ()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_every_common_encoding(tmp_path, encoding):
    text = "Größe,Stadt\n1,Köln\n2,Besançon\n3,São Paulo\n"
    data = read(tmp_path, text.encode(encoding))
    assert data.frame.to_dict(as_series=False) == {"Größe": [1, 2, 3], "Stadt": ["Köln", "Besançon", "São Paulo"]}
    assert bool(data.notes) == (not encoding.startswith("utf-8")), data.notes


def test_an_encoding_error_late_in_the_file_is_found(tmp_path):
    text = b"a,b\n" + b"1,plain\n" * 700_000 + "2,München\n".encode("cp1252")
    data = read(tmp_path, text)
    assert data.frame["b"][-1] == "München"
    assert data.notes == ("line 700,002 is not UTF-8: the file was read as Western European (cp1252)",)


def test_utf8_is_right_across_the_borders_of_its_pieces(tmp_path):
    line = "é1,ü2\n"
    count = (1 << 22) // len(line.encode()) + 1000
    data = read(tmp_path, "a,b\n" + line * count)
    assert data.frame.height == count
    assert data.frame["b"].n_unique() == 1


def test_one_broken_character_in_utf8_does_not_make_it_another_encoding(tmp_path):
    text = "name,city\n" + "Jörg,Köln\n" * 10
    with pytest.raises(InputError, match=r"line 12 \(byte 131\) holds byte 0xf6, which is not UTF-8"):
        read(tmp_path, text.encode() + b"J" + "ö,x\n".encode("latin-1"))


@pytest.mark.parametrize("step", [3, 4, 5, 1000])
def test_a_broken_byte_is_counted_right_over_the_borders_of_pieces(tmp_path, monkeypatch, step):
    monkeypatch.setattr("holdfast.audit.load.encoding.STEP", step)
    with pytest.raises(InputError, match=r"line 3 \(byte 17\) holds byte 0xe6"):
        read(tmp_path, "a,b\n日本語,1\n".encode() + b"x\xe6\x97,2\n")


@pytest.mark.parametrize(
    ("text", "width", "delimiter"),
    [
        ("a;b;c\n1,5;2,5;3\n1,7;2,1;4\n", 3, b";"),  # decimal commas
        ("when,a,b\n2020-01-01 00:00:00,1,2\n2020-01-02 00:00:00,1,2\n", 3, b","),  # a space in every cell
        ("label\ttext\nham\tone, two, three\nspam\tfour, five, six\n", 2, b"\t"),
        ("text\nhello, world\nsome words, and more, here\n", 1, b"\x1f"),  # one column of text
        ("id\n1\n2\n", 1, b"\x1f"),
        ("first name,last name\nJo Ann,De Vries\nAn Li,Van Dam\n", 2, b","),  # more spaces than commas, as evenly
        ('a|b\n"x|y"|2\nz|3\n', 2, b"|"),
    ],
)
def test_the_delimiter_is_found_where_others_mislead(text, width, delimiter):
    dialect = guess_dialect(text.encode())
    assert (dialect.width, dialect.delimiter) == (width, delimiter)


def test_decimal_commas_and_thousands_are_numbers(tmp_path):
    data = read(tmp_path, "a;b\n1,5;1.000\n2,25;2\n")
    assert data.frame["a"].to_list() == [1.5, 2.25]
    data = read(tmp_path, 'a,b\n"1,234",1\n"12,345,678",2\n17,3\n')
    assert data.frame["a"].to_list() == [1234, 12345678, 17]


def test_a_header_behind_a_hash_and_comments_above_it(tmp_path):
    data = read(tmp_path, '# "fixed acidity" "pH"\n7.4 3.5\n7.8 3.2\n')
    assert data.frame.to_dict(as_series=False) == {"fixed acidity": [7.4, 7.8], "pH": [3.5, 3.2]}
    data = read(tmp_path, "# made by hand\n# in 2020\n#a,b\n1,2\n3,4\n")
    assert data.frame.columns == ["a", "b"]
    assert "2 comment line(s)" in data.notes[0]
    data = read(tmp_path, "# only a comment\na,b\n1,2\n3,4\n")
    assert data.frame.to_dict(as_series=False) == {"a": [1, 3], "b": [2, 4]}
    assert read(tmp_path, "#,price\n1,2\n3,4\n").frame.columns == ["#", "price"]


def test_a_title_above_the_table_is_left_out_and_said(tmp_path):
    data = read(tmp_path, "Sales of 2020\n\na,b,c\n1,2,3\n4,5,6\n7,8,9\n")
    assert data.frame.columns == ["a", "b", "c"]
    assert data.frame.height == 3
    assert "above the table" in data.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "39,State-gov,2174\n50,Private,0\n38,Private,0\n",
        "-122.23,37.88\n-122.22,37.86\n",
        "good film\t1\nbad film\t0\ndull\t0\n",
        "ham\tfirst text\nham\tsecond text\nspam\tthird text\n",
    ],
)
def test_a_file_without_a_header_loses_no_row(tmp_path, text):
    data = read(tmp_path, text)
    assert data.frame.height == text.count("\n")
    assert data.frame.columns[0] == "x0"
    assert "no header line" in data.notes[0]


@pytest.mark.parametrize(
    "text", ["year,1990,1991,1992\nMali,1,2,3\nChad,4,5,6\n", "a,b\nx,y\nz,w\n", "0,1,2\n7,8,9\n5,5,5\n"]
)
def test_a_header_of_years_or_words_stays_a_header(tmp_path, text):
    data = read(tmp_path, text)
    assert data.frame.height == 2
    assert data.notes == ()


def test_row_names_without_a_header_and_trailing_delimiters(tmp_path):
    data = read(tmp_path, "a,b\nr1,1,2\nr2,3,4\n")
    assert data.frame.to_dict(as_series=False) == {"column_0": ["r1", "r2"], "a": [1, 3], "b": [2, 4]}
    data = read(tmp_path, "a,b\n1,2,\n3,4,\n")
    assert data.frame.to_dict(as_series=False) == {"a": [1, 3], "b": [2, 4], "column_2": [None, None]}


def test_names_that_repeat_or_lack(tmp_path):
    data = read(tmp_path, "a,a,,a_2\n1,2,3,4\n5,6,7,8\n")
    assert data.frame.columns == ["a", "a_3", "column_2", "a_2"]
    assert any("repeats" in note for note in data.notes)
    assert any("without a name" in note for note in data.notes)


def test_blank_lines_inside_are_told_and_at_the_end_are_not(tmp_path):
    data = read(tmp_path, "a,b\n1,2\n\n3,4\n\n\n")
    assert data.frame.to_dict(as_series=False) == {"a": [1, 3], "b": [2, 4]}
    assert data.notes == ("left out 3 blank line(s)",)
    assert read(tmp_path, "a,b\n1,2\n3,4\n\n\n").notes == ()
    assert read(tmp_path, "a\n1\n\n3\n").frame["a"].to_list() == [1, None, 3], "in one column a blank line is a cell"


def test_line_breaks_of_old_macs(tmp_path):
    assert read(tmp_path, "a,b\r1,2\r3,4\r").frame.to_dict(as_series=False) == {"a": [1, 3], "b": [2, 4]}


def test_columns_aligned_with_spaces(tmp_path):
    data = read(tmp_path, "  18.0   8   307.0\n  15.0   8   350.0\n  36.0   4    98.0\n")
    assert data.frame.height == 3
    assert data.frame["x1"].to_list() == [8, 8, 4]


def test_a_space_after_each_delimiter_is_no_part_of_a_cell(tmp_path):
    data = read(tmp_path, 'a, b, c\n1, red, "x, y"\n2, blue, z\n')
    assert data.frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["red", "blue"], "c": ["x, y", "z"]}


def test_stray_quotes_are_ordinary_characters(tmp_path):
    lines = [f'{i}\tthe {i}" pipe\tok' for i in range(50)] + ['50\t"whole cell"\tok', '51\t"open\tok']
    data = read(tmp_path, "n\ttext\tstate\n" + "\n".join(lines) + "\n", "table.tsv")
    assert data.frame.height == 52
    assert data.frame["text"][3] == 'the 3" pipe'
    assert data.frame["text"][50] == "whole cell"
    assert any("quotes" in note for note in data.notes)


def test_a_quote_inside_a_cell_beside_quoted_cells(tmp_path):
    text = 'a,b,c\n"x, y",1,2\n5" pipe,3,4\n"z, w",5,6\n'
    data = read(tmp_path, text)
    assert data.frame["a"].to_list() == ["x, y", '5" pipe', "z, w"]
    assert data.frame["c"].to_list() == [2, 4, 6]


def test_one_ragged_row_in_many_counts_as_missing_and_is_said(tmp_path):
    lines = [f"{i},{i * 2}" for i in range(300)]
    lines[100] = "1,2,3"
    lines[200] = "7"
    data = read(tmp_path, "a,b\n" + "\n".join(lines))
    assert data.frame.height == 300
    assert data.frame["a"][100] is None
    assert data.frame["a"][200] is None
    assert data.frame["b"][299] == 598
    assert data.notes[0].startswith("2 row(s) do not have 2 cells (the first, at line 102, has 3)")


def test_many_long_rows_are_an_error_that_names_the_line(tmp_path):
    with pytest.raises(
        InputError, match=r"table\.csv line 4 has 3 cells; expected 2 as in most rows \(delimiter: ','\)"
    ):
        read(tmp_path, "a,b\n1,2\n1,2\n1,2,3\n1,2\n1,2\n1,2\n")


def test_rows_that_end_early_are_filled_and_said(tmp_path):
    data = read(tmp_path, "a,b,c\n1,2,3\n4,5\n6,7,8\n9,1,2\n3,4,5\n")
    assert data.frame["c"].to_list() == [3, None, 8, 2, 5]
    assert data.notes == ("1 row(s), the first at line 3, end early: the rest is missing",)


def test_text_deep_in_a_column_of_numbers(tmp_path):
    lines = [str(i) for i in range(20_000)] + ["unknown", "21000"]
    data = read(tmp_path, "a\n" + "\n".join(lines))
    assert data.frame["a"].dtype == pl.Int64
    assert data.frame["a"][20_000] is None
    assert data.notes == ("column 'a': 1 of 20,002 cells are not numbers (row 20,000: 'unknown') and count as missing",)


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1f"), max_size=20)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=3, max_size=12),
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
)
def test_hostile_cells_come_back_as_they_were(tmp_path_factory, rows, delimiter):
    """Whatever stands in a cell, a fully quoted file gives it back: as text, or as what the text stands for."""
    text = written(
        [["key_a", "key_b", "key_c"], *rows], delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    path.write_bytes(text.encode())
    while rows and not any(rows[-1]):
        rows = rows[:-1]  # empty rows at the end are left out
    if not rows:
        return
    data = read_table(path, "train", target="key_b")
    assert data.frame.height == len(rows)
    for cell, (_, expected, _) in zip(data.frame["key_b"].cast(pl.String), rows, strict=True):
        if data.frame["key_b"].dtype == pl.String and cell is not None:
            assert cell == expected


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(st.text('ab,"\n ', max_size=6), min_size=2, max_size=2), min_size=1, max_size=8))
def test_the_shape_agrees_with_the_csv_module(rows):
    text = written(rows, lineterminator="\n")
    found = structure(text.encode(), b",")
    assert found.closed
    assert found.widths.tolist() == [2] * len(rows)
    longest = max(
        len(part) for row in rows for part in (written([[cell, "x"]], lineterminator="\n")[:-3] for cell in row)
    )
    assert found.longest == longest


def test_the_shape_is_the_same_over_the_borders_of_its_pieces(monkeypatch):
    text = b'a,b\n"x,\n""y",2\n\n3,"""",\n4'
    whole = structure(text, b",")
    for step in (1, 2, 3, 5, 7):
        monkeypatch.setattr("holdfast.audit.load.structure.STEP", step)
        pieces = structure(text, b",")
        assert [pieces.starts.tolist(), pieces.ends.tolist(), pieces.widths.tolist(), pieces[3:]] == [
            whole.starts.tolist(),
            whole.ends.tolist(),
            whole.widths.tolist(),
            whole[3:],
        ], step
    assert whole.widths.tolist() == [2, 2, 0, 3, 1]
