"""Parquet joined part by part: any reader finds the same rows, types and names as in a file written at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from holdfast.corpus.parquet_parts import MAGIC, footer_of, part_of


def table(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "text": [None if n % 7 == 0 else f"text {n} é" * (n % 5) for n in range(rows)],
            "n": pl.Series(range(rows), dtype=pl.Int32),
            "share": [n / 3 for n in range(rows)],
            "flag": [n % 2 == 0 for n in range(rows)],
            "day": [dt.date(2020, 1, 1) + dt.timedelta(days=n) for n in range(rows)],
            "kind": pl.Series([["a", "b", "c"][n % 3] for n in range(rows)], dtype=pl.Categorical),
            "list": [[n, n + 1] if n % 4 else [] for n in range(rows)],
            "nested": [{"x": n, "y": {"z": str(n)}} for n in range(rows)],
        }
    )


def joined(frame: pl.DataFrame, path: Path, step: int) -> Path:
    data, groups, count, rows = MAGIC, b"", 0, 0
    for start in range(0, len(frame), step):
        part = part_of(frame[start : start + step], len(data))
        data, groups, count, rows = data + part.pages, groups + part.groups, count + part.group_count, rows + part.rows
    path.write_bytes(data + footer_of(frame.head(0), groups, count, rows))
    return path


@pytest.mark.parametrize(("rows", "step"), [(100, 7), (100, 1000), (20, 1), (0, 5)])
def test_other_readers_find_the_same_table(rows: int, step: int, tmp_path: Path) -> None:
    frame = table(rows)
    path = joined(frame, tmp_path / "x.parquet", step)
    assert pl.read_parquet(path).equals(frame)
    assert pl.scan_parquet(path).filter(pl.col("n") == 11).collect().equals(frame.filter(pl.col("n") == 11))
    assert pl.scan_parquet(path).slice(max(rows - 9, 0), 5).collect().equals(frame.slice(max(rows - 9, 0), 5))
    pq = pytest.importorskip("pyarrow.parquet")
    frame.write_parquet(tmp_path / "once.parquet")
    one, other = (pq.read_table(tmp_path / name) for name in ("x.parquet", "once.parquet"))
    assert one.schema.equals(other.schema) and one.to_pylist() == other.to_pylist()
    assert pq.ParquetFile(path).metadata.num_row_groups == -(-rows // step)
