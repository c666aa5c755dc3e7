"""What no test of one part foresees: hostile names, wide and damaged tables, noise. Only `InputError` may come out."""

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from holdfast.audit.load import InputError, encode_target, load, read_table, safe_text

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "../../etc/passwd",
    "\x1b[2J\x1b]0;x\x07",
    "a\nb",
    "{0}%s",
    "́",
]


def test_hostile_names_and_cells_stay_data_and_never_reach_a_message_raw(tmp_path):
    frame = pl.DataFrame({name: [f"{name} here", "?", "x\x1b[31m"] for name in HOSTILE})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    for file in ("t.csv", "t.parquet"):
        data = read_table(tmp_path / file, "train")
        assert data.frame.columns == HOSTILE, file
        assert data.frame.row(0) == tuple(f"{name} here" for name in HOSTILE)
        assert all(note.isprintable() for note in data.notes), data.notes
    with pytest.raises(InputError) as caught:
        load(tmp_path / "t.csv", target="\x1b[2J")
    assert str(caught.value).isprintable()
    with pytest.raises(InputError) as caught:
        load(str(tmp_path / "no\x1b[31m\nsuch.csv"))
    assert str(caught.value).isprintable()


def test_ten_thousand_columns(tmp_path):
    width = 10_000
    rows = [
        ",".join(f"c{i}" for i in range(width)),
        *(",".join(str((i * k) % 7) for i in range(width)) for k in (1, 2, 3)),
    ]
    (tmp_path / "wide.csv").write_text("\n".join(rows) + "\n")
    loaded = load(tmp_path / "wide.csv", tmp_path / "wide.csv", target="c3")
    assert len(loaded.columns) == width
    assert len(loaded.features()) > 9000
    (tmp_path / "gaps.csv").write_text(
        "\n".join(",".join(row.split(",")[:2000]) for row in [rows[0], "?," * width, *rows[1:]])
    )
    data = read_table(tmp_path / "gaps.csv", "train")
    assert len(data.notes) == 13, "notes on two thousand columns are shortened, and say so"
    assert data.notes[-1] == "and 1,988 more notes of this kind on other columns"


def test_empty_rows_at_the_end_of_a_sheet_are_left_out_and_said(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n,\n3,4\n" + ",\n" * 50)
    data = read_table(tmp_path / "t.csv", "train")
    assert data.frame["a"].to_list() == [1, None, 3]
    assert data.notes == ("left out 50 empty row(s) at the end",)
    (tmp_path / "t.csv").write_text("a,b\n" + ",\n" * 50)
    with pytest.raises(InputError, match="no cell that holds anything below its header"):
        read_table(tmp_path / "t.csv", "train")


def loaded_or_message(*sources, **options):
    """What was loaded, or the message of the one error that is allowed."""
    try:
        return load(*sources, **options)
    except InputError as error:
        return str(error)


NOISE = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.text('ab1,;\t|"\n\r #?', max_size=120).map(str.encode),
    st.lists(
        st.lists(st.sampled_from(["1", "2.5", "x", "", '"q"', '"', "?", "2020-01-01", "nan"]), min_size=1, max_size=4)
    ).map(lambda rows: "\n".join(",".join(row) for row in rows).encode()),
    st.sampled_from(
        [b"PAR1", b"ARROW1\0\0", b"\x1f\x8b\x08", b"(\xb5/\xfd", b"\xff\xfe", b"{", b"[{", b"\xef\xbb\xbf"]
    ).flatmap(lambda start: st.binary(max_size=100).map(lambda rest: start + rest)),
)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(content=NOISE)
@example(content=b"\xff\xff\xff\xff" + b"\0" * 20)
@example(content=b"a\n" + b"\xff")
@example(content=b'"')
@example(content=b'a,b\n"')
@example(content=b"#")
@example(content=b"{}")
@example(content=b"[]")
@example(content=b'{"a": []}')
@example(content=b'[{"a": 1, "a": 2}, {}]')
@example(content=b'{"a": 1e999}\n{"a": -1}')
def test_noise_is_a_table_or_one_clear_message(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("noise") / "noise.csv"
    path.write_bytes(content)
    loaded = loaded_or_message(path, path)
    if isinstance(loaded, str):
        assert loaded.isprintable()
        return
    assert loaded.train.frame.height >= 2
    assert all(note.isprintable() for note in loaded.train.notes)
    for kind in loaded.train.frame.dtypes:
        assert kind in (pl.Int64, pl.Float64, pl.Float32, pl.Boolean, pl.String, pl.Date, pl.Datetime("us")), kind


PLAIN = (st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.datetimes())
NESTED = (st.lists(st.integers(0, 5), max_size=2), st.dictionaries(st.text(max_size=2), st.integers(0, 5), max_size=1))
CELL = st.one_of(*PLAIN, *NESTED, st.binary(max_size=3), st.decimals(), st.timedeltas(), st.times())


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    first=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    second=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    as_array=st.booleans(),
)
def test_cells_of_any_kind_in_python_objects(first, second, as_array):
    def source(rows):
        if as_array:
            array = np.empty((len(rows), 3), dtype=object)
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    array[i, j] = cell
            return array
        return {f"x{j}": [row[j] for row in rows] for j in range(3)}

    loaded = loaded_or_message(source(first), source(second), target="x0")
    if isinstance(loaded, str):
        assert loaded.isprintable()
        return
    for data in (loaded.train, loaded.test):
        if "x0" in data.frame.columns:
            assert len(encode_target(loaded, data.name)[0]) == data.frame.height
        for column in data.frame.iter_columns():
            if column.dtype.is_float():
                assert column.is_finite().all(), "numbers are finite or missing"
    common = [name for name in loaded.train.frame.columns if name != "x0"]
    assert [loaded.train.frame.schema[name] for name in common if name in loaded.test.frame.columns] == [
        loaded.test.frame.schema[name] for name in common if name in loaded.test.frame.columns
    ]


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=200), st.integers(1, 100))
def test_safe_text_is_always_short_and_printable(text, limit):
    assert safe_text(text, limit).isprintable()
    assert len(safe_text(text, limit)) <= limit
