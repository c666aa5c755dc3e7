"""Python objects: every DataFrame library, arrays, dicts; and what only they can hold."""

import datetime as dt
import decimal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from holdfast.audit.load import InputError, encode_target, load, read_table

COLUMNS = {"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, None, -2.0], "d": [True, False, True]}
FRAME = pl.DataFrame(COLUMNS)


class FakeRelation:
    """What reading asks of a DuckDB relation."""

    def fetchnumpy(self):
        raise NotImplementedError

    def pl(self):
        return FRAME


def sources():
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    table = pyarrow.table(COLUMNS)
    return {
        "polars": FRAME,
        "lazy": FRAME.lazy(),
        "pyarrow table": table,
        "record batch": table.to_batches()[0],
        "pandas": pandas.DataFrame(COLUMNS),
        "pandas nullable": pandas.DataFrame(COLUMNS).convert_dtypes(),
        "pandas arrow": table.to_pandas(types_mapper=pandas.ArrowDtype),
        "dict": COLUMNS,
        "dict of arrays": {name: np.array(cells, dtype=object) for name, cells in COLUMNS.items()},
        "list of dicts": FRAME.to_dicts(),
        "duckdb": FakeRelation(),
    }


def test_every_library_gives_the_same_table():
    for name, source in sources().items():
        data = read_table(source, "train")
        assert data.frame.equals(FRAME), (name, data.frame)
        assert data.frame.schema == FRAME.schema, (name, data.frame.schema)
        assert data.fingerprint == read_table(FRAME, "train").fingerprint, name
        assert data.path.startswith("<"), name


def test_duckdb_itself():
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("select * from (values (1, 'x'), (2, NULL)) as t(a, b)")
    assert read_table(relation, "train").frame.to_dict(as_series=False) == {"a": [1, 2], "b": ["x", None]}


def test_arrays():
    data = read_table(np.array([[1.0, np.nan], [np.inf, 2.0]]), "train")
    assert data.frame.to_dict(as_series=False) == {"x0": [1.0, None], "x1": [None, 2.0]}
    assert data.notes == ("column 'x0': 1 infinite value(s), the first in row 1, count as missing",)
    assert read_table(np.array([[1, "a"], [2, "b"]], dtype=object), "train").frame["x0"].to_list() == [1, 2]
    record = np.array([(1, 2.5), (2, 3.5)], dtype=[("k", "i4"), ("v", "f4")])
    assert read_table(record, "train").frame.columns == ["k", "v"]
    assert read_table(np.ones((2, 2), np.float16), "train").frame.schema["x0"] == pl.Float32
    with pytest.raises(InputError, match=r"shape \(3,\); expected two dimensions"):
        read_table(np.ones(3), "train")
    with pytest.raises(InputError, match="has no rows"):
        read_table(np.ones((0, 3)), "train")
    with pytest.raises(InputError, match="has no columns"):
        read_table(np.ones((3, 0)), "train")


def test_pandas_names_index_and_mixed_cells():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[1, 2, "x"], [3, 4, 5]], columns=["a", "a", None], index=["r", "s"])
    data = read_table(frame, "train")
    assert data.frame.columns == ["a", "a_2", "column_2"]
    assert data.frame["column_2"].to_list() == ["x", "5"]
    assert any("reset_index" in note for note in data.notes)
    assert any("repeats" in note for note in data.notes)
    wide = pandas.DataFrame({("up", "l"): [1, 2], ("up", "r"): [3, 4]})
    assert read_table(wide, "train").frame.columns == ["up_l", "up_r"]
    numbered = pandas.DataFrame(np.arange(6).reshape(3, 2))
    assert load(numbered, target=1, roles={0: "group"}).task.target == "1"


def test_dtypes_of_every_library_become_few():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "category": pandas.Categorical(["u", None, "v"]),
            "zoned": pandas.to_datetime(["2024-01-01 12:00+02:00", None, "2024-01-02 12:00+02:00"], utc=False),
            "plain": pandas.to_datetime(["2024-01-01", None, "2024-01-02"]),
            "duration": pandas.to_timedelta(["1s", None, "2s"]),
            "decimal": [decimal.Decimal("1.5"), None, decimal.Decimal("2")],
            "small": np.array([1, 2, 3], dtype=np.uint8),
            "huge": np.array([1, 2, 2**63 + 5], dtype=np.uint64),
            "object": [{"k": 1}, None, [1]],
            "nothing": [None, None, None],
        }
    )
    found = read_table(frame, "train").frame
    assert found["category"].to_list() == ["u", None, "v"]
    assert found["zoned"].to_list() == [dt.datetime(2024, 1, 1, 10), None, dt.datetime(2024, 1, 2, 10)]
    assert found["plain"].dtype == pl.Datetime("us")
    assert found["duration"].to_list() == [1.0, None, 2.0]
    assert found["decimal"].to_list() == [1.5, None, 2.0]
    assert found.schema["small"] == pl.Int64
    assert found.schema["huge"] == pl.Float64
    assert found["object"].null_count() == 1
    assert found["nothing"].null_count() == 3


def test_the_users_objects_are_left_alone():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, np.inf], "b": ["?", "x"]})
    before = frame.copy(deep=True)
    load(frame)
    pandas.testing.assert_frame_equal(frame, before)
    array = np.array([[1.0, np.nan], [np.inf, 2.0]])
    load(array)
    assert np.isinf(array[1, 0])


@pytest.mark.parametrize("source", [3, None, object(), [1, 2], b"abc", {"a": 3}, lambda: None])
def test_other_objects_are_refused_in_words(source):
    with pytest.raises(InputError, match=r"train (is )?<"):
        read_table(source, "train")


def test_columns_of_different_lengths():
    with pytest.raises(InputError, match=r"different lengths.*'a': 2.*'b': 1"):
        load({"a": [1, 2], "b": [1]})


def test_a_text_target_of_a_table_with_types_stays_text():
    loaded = load({"x": [1, 2, 3, 4], "y": ["10", "2", "10", "2"]}, target="y")
    assert loaded.task.classes == ("2", "10"), "in the order of the numbers"
    assert encode_target(loaded, "train")[0].tolist() == [1, 0, 1, 0]


def test_reading_a_file_imports_neither_pandas_nor_pyarrow(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n1,x,0\n2,y,1\n3,x,1\n")
    code = (
        "import sys; from holdfast.audit.load import load; "
        f"load({str(tmp_path / 't.csv')!r}, target='y'); "
        "bad = {'pandas', 'pyarrow', 'sklearn', 'scipy', 'torch'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys; import holdfast.audit.load; assert 'polars' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reading_leaves_the_csv_module_as_it_was(tmp_path):
    import csv

    before = csv.field_size_limit()
    (tmp_path / "t.csv").write_text('a,b\n"x, y",1\n5" pipe,3\n"z, w",5\n')
    load(tmp_path / "t.csv")
    assert csv.field_size_limit() == before


def test_a_name_that_is_empty():
    assert read_table(pl.DataFrame({"": [1, 2], "b": [3, 4]}), "train").frame.columns == ["column_0", "b"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([2**63 + 5, 1], [float(2**63 + 5), 1.0]),
        ([10**400, 1], [str(10**400), "1"]),
        ([2**63 - 1, None], [2**63 - 1, None]),
    ],
)
def test_python_integers_of_any_size(cells, expected):
    assert read_table({"v": cells}, "train").frame["v"].to_list() == expected
