"""Files that are not plain text: compressed, columnar, JSON; and files that are refused."""

import gzip
import json
import os
import pickle
import zipfile

import polars as pl
import pytest

from holdfast.audit.load import InputError, load, read_table

FRAME = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, 1.5, -2.0]})


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def zstd(content):
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.compress(content, codec="zstd", asbytes=True)


def test_every_format_gives_the_same_table_and_fingerprint(tmp_path):
    FRAME.write_parquet(tmp_path / "t.parquet")
    FRAME.write_ipc(tmp_path / "t.arrow")
    FRAME.write_ipc_stream(tmp_path / "t.arrows")
    FRAME.write_csv(tmp_path / "t.csv")
    FRAME.write_ndjson(tmp_path / "t.jsonl")
    rows = FRAME.to_dicts()
    write(tmp_path, "t.json", json.dumps(rows))
    write(tmp_path, "pretty.json", json.dumps(rows, indent=2))
    write(tmp_path, "columns.json", json.dumps(FRAME.to_dict(as_series=False)))
    write(tmp_path, "pandas.json", json.dumps({c: dict(enumerate(FRAME[c].to_list())) for c in FRAME.columns}))
    for name in os.listdir(tmp_path):
        content = (tmp_path / name).read_bytes()
        write(tmp_path, name + ".gz", gzip.compress(content))
        write(tmp_path, name + ".zst", zstd(content))
    prints = {}
    for name in sorted(os.listdir(tmp_path)):
        data = read_table(tmp_path / name, "train")
        assert data.frame.equals(FRAME), name
        assert data.notes == (), name
        prints[name] = data.fingerprint
    assert len(prints) == 27
    assert len(set(prints.values())) == 1, prints
    assert read_table(FRAME, "train").fingerprint in prints.values()


def test_the_format_is_read_from_the_content_not_the_name(tmp_path):
    FRAME.write_parquet(tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv", "train").frame.equals(FRAME)


def test_zstd_without_any_zstd_library(tmp_path, monkeypatch):
    path = write(tmp_path, "t.csv.zst", zstd("a,b\n1,é\n\n2,y\n".encode()))
    expected = read_table(path, "train").frame
    for module in ("compression", "zstandard", "pyarrow"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    assert read_table(path, "train").frame.equals(expected)


def test_json_lines_with_cells_of_several_kinds(tmp_path):
    path = write(tmp_path, "t.jsonl", '{"a": 1, "b": "x"}\n{"a": "two", "c": [1, 2]}\n\n{"a": null, "b": {"k": "é"}}\n')
    data = read_table(path, "train")
    assert data.frame.height == 3
    assert data.frame["a"].to_list() == ["1", "two", None]
    assert "é" in data.frame["b"][2]


def test_nested_values_become_text_and_number_lists_vectors(tmp_path):
    frame = pl.DataFrame({"s": [{"k": 1}, None], "l": [["a"], ["b", "c"]], "e": [[1.0, 2.0], [3.0, float("nan")]]})
    frame.write_parquet(tmp_path / "t.parquet")
    data = read_table(tmp_path / "t.parquet", "train")
    assert data.frame.columns == ["s", "l", "e"]
    assert data.frame["s"].to_list() == ['{"k": 1}', None]
    assert data.frame["l"].to_list() == ['["a"]', '["b", "c"]']
    assert data.frame["e"].to_list() == [[1.0, 2.0], None], "a vector with a missing number is missing"
    assert len(data.notes) == 3


REFUSED = {
    "missing folder": ("nowhere/x.csv", None, r"There is no folder"),
    "pickle by name": ("x.pkl", b"abc", r"is a pickle.*never does"),
    "pickle by content": ("x.csv", pickle.dumps({"a": [1]}), r"is a pickle.*never does"),
    "packed pickle": ("x.csv.gz", gzip.compress(pickle.dumps([1])), r"is a pickle"),
    "old excel": ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, r"Excel.*Export the sheet as CSV"),
    "numpy": ("x.npy", b"\x93NUMPY\x01\x00", r"NumPy array"),
    "git lfs": (
        "x.csv",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        r"Git LFS pointer.*git lfs pull",
    ),
    "web page": ("x.csv", "\n<!DOCTYPE html><html>", r"web page"),
    "empty": ("x.csv", b"", r"is empty \(0 bytes\)"),
    "empty gzip": ("x.csv.gz", gzip.compress(b""), r"is empty"),
    "white space": ("x.csv", b" \n\n  \n", r"is empty: it holds only white space"),
    "header only": ("x.csv", b"a,b,c\n", r"has a header but no rows.*a,b,c"),
    "truncated gzip": (
        "x.csv.gz",
        gzip.compress(b"a,b\n" + os.urandom(9000).hex().encode())[:-2000],
        r"ends too early",
    ),
    "damaged gzip": ("x.csv.gz", gzip.compress(b"a,b\n" * 999)[:20] + b"junkjunkjunk" * 9, r"is damaged"),
    "truncated parquet": ("x.parquet", b"PAR1" + b"\x15\x04" * 500, r"parquet file that is cut off"),
    "damaged parquet": ("x.parquet", b"PAR1" + b"\x15\x04" * 500 + b"PAR1", r"cannot be read as parquet"),
    "damaged arrow": ("x.arrow", b"ARROW1\0\0" + b"\xff" * 500 + b"ARROW1", r"cannot be read as arrow"),
    "binary junk": ("x.csv", bytes(range(256)) * 20, r"is not text"),
    "bad json": ("x.json", b'[{"a": 1}, {"a": ', r"is not JSON.*cut off"),
    "bad json line": ("x.jsonl", b'{"a": 1}\n{"a": 2\n{"a": 3}\n', r"line 2 is not JSON"),
    "deep json": ("x.json", b"[" * 100_000, r"is not JSON|not objects"),
    "json numbers": ("x.json", b"[[1, 2], [3, 4]]", r"not objects"),
    "open quote": (
        "x.csv",
        b"a,b\n" + b'1,"x, y"\n' * 20 + b'2,"open, z\n3,c\n4,d\n',
        r"line 22 and never closes it",
    ),
    "two delimiters": ("x.csv", b"a;b;c\n1,2,3\n4,5,6\n", r"separates its header by ';' and its rows by ','"),
    "uneven": ("x.csv", b"a,b,c,d\nsome text\nmore, text\nand, even, more, text, here\n", r"reads as one column"),
    "damaged utf-8": (
        "x.csv",
        "a,b\n1,日本語\n2,日本".encode()[:-1] + b"\n3,x\n",
        r"line 3 \(byte \d+\) holds byte 0xe6",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_files_get_one_clear_message(tmp_path, case):
    name, content, message = REFUSED[case]
    path = tmp_path / name
    if content is not None:
        write(tmp_path, name, content)
    with pytest.raises(InputError, match=f"(?s){message}") as caught:
        load(str(path))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "no foreign traceback"
    assert name.rpartition("/")[2] in str(caught.value), "the message names the file"
    if content is not None:
        assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode()), "input is untouched"


def test_excel_workbooks_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(InputError, match="Excel workbook"):
        load(tmp_path / "x.xlsx")


def test_a_missing_file_is_guessed_and_a_folder_lists_its_tables(tmp_path):
    write(tmp_path, "train.csv", "a\n1\n2\n")
    with pytest.raises(InputError, match=r"No file .*/trian.csv'\. Did you mean .*/train.csv'"):
        load(str(tmp_path / "trian.csv"))
    with pytest.raises(InputError, match=r"is a folder; expected a file\. It holds 'train.csv'"):
        load(tmp_path)
    with pytest.raises(InputError, match="download it first"):
        load("https://example.org/train.csv")
    with pytest.raises(InputError, match="NUL"):
        load("a\0b")


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = write(tmp_path, "x.csv", "a\n1\n2\n")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(InputError, match=r"x\.csv cannot be read: permission denied"):
        load(path)


def test_a_vanishing_file(tmp_path, monkeypatch):
    path = write(tmp_path, "x.csv", "a\n1\n2\n")

    def vanish(self):
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr("pathlib.Path.read_bytes", vanish)
    with pytest.raises(InputError, match="vanished"):
        load(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        load(tmp_path / "pipe")


def test_a_small_file_cannot_fill_the_memory(tmp_path, monkeypatch):
    from holdfast.audit.load import compression

    monkeypatch.setattr(compression.decompress, "__defaults__", (1 << 20,))
    path = write(tmp_path, "bomb.csv.gz", gzip.compress(b"a,b\n" * 3_000_000))
    with pytest.raises(InputError, match="unpacks to more than"):
        load(path)


def test_a_cell_that_no_table_holds(tmp_path):
    path = write(tmp_path, "x.csv", b"a,b\n1,2\n3," + b"x" * (17 << 20) + b"\n5,6\n")
    with pytest.raises(InputError, match=r"line 3, cell 2 holds 17,825,792 bytes.*closing quote"):
        load(path)
    table = pl.DataFrame({"a": [1, 2], "b": ["x", "y" * (17 << 20)]})
    with pytest.raises(InputError, match=r"column 'b', row 1 holds 17,825,792 bytes"):
        load(table)
