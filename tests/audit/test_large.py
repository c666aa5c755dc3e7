"""Parquet of more rows than are held: what is counted is counted in all rows, however the files are cut."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.large import keys, scan, shards
from holdfast.audit.large.cells import typed_cells
from holdfast.audit.large.place import place_for
from holdfast.audit.load import load, read_table
from holdfast.ops.distinct import Distinct

COUNTED = ("SCH001", "SCH002", "SCH003", "DUP001", "DUP002", "LEA001")


def table(n: int, seed: int) -> pl.DataFrame:
    """Missing cells, a constant, copies, entities, a rare class and text of several kinds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    frame = pl.DataFrame(
        {
            "x": pl.Series(x).set(pl.Series(rng.random(n) < 0.1 + 0.3 * seed), None),
            "z": rng.normal(size=n).astype(np.float32),
            "k": rng.integers(0, 5, n),
            "color": rng.choice(["red", "blue", "NA", "green" if seed else "red"], n, p=[0.5, 0.3, 0.195, 0.005]),
            "same": np.ones(n),
            "amount": [f"{value:.2f}" for value in rng.normal(size=n)],
            "when": pl.Series(rng.integers(0, 1000, n)).cast(pl.String).map_elements(
                lambda days: f"2024-01-{1 + int(days) % 28:02}", pl.String
            ),
            "customer_id": rng.integers(0, n // 4, n) + seed * n // 8,
            "y": np.where(rng.random(n) < 0.001, "rare", np.where(x > 0, "yes", "no")),
        }
    )  # fmt: skip
    copies = frame[rng.integers(0, n, n // 50)].with_columns(y=pl.lit("yes"))
    return pl.concat([frame, copies])[rng.permutation(n + n // 50)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train and test, as one file each and cut in two ways."""
    place = tmp_path_factory.mktemp("large")
    train, test = table(6_000, 0), table(3_000, 1)
    test = pl.concat([test, train[:90]])
    for name, frame in (("train", train), ("test", test)):
        frame.write_parquet(place / f"{name}.parquet")
        for way, cuts in (("a", [0, 1, 700, 700, 2900, len(frame)]), ("b", [0, 2500, len(frame)])):
            (place / f"{name}-{way}").mkdir()
            for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
                frame[start:stop].write_parquet(place / f"{name}-{way}" / f"{number}.parquet", row_group_size=300)
    return place


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS", 1000)
    monkeypatch.setattr(shards, "CELLS", 2000)
    monkeypatch.setattr(keys, "TOGETHER", 900)


@cache
def audited(train: Path, test: Path | None, only: tuple[str, ...] = COUNTED, **settings: Any) -> dict[str, Any]:
    given = {"only": only, "quick": True, "max_rows": 500, "target": "y", **settings}
    report = holdfast.audit(train, test, **given).to_dict()
    for one in report["sets"]:
        one.pop("path")
    findings = [{**finding, "seconds": 0} for finding in report["findings"]]
    return {**report, "findings": findings, "created": "", "timings": {}, "digest": ""}


def test_counts_are_those_of_the_audit_that_holds_all_rows(data: Path) -> None:
    held = audited(data / "train.parquet", data / "test.parquet")
    whole = audited(data / "train.parquet", data / "test.parquet", hold_rows=1500)
    assert [one["held_rows"] for one in whole["sets"]] == [1500, 1500] and held["sets"][0]["held_rows"] == 6120
    assert [one["rows"] for one in whole["sets"]] == [one["rows"] for one in held["sets"]] == [6120, 3150]
    assert [c["role"] for c in whole["columns"]] == [c["role"] for c in held["columns"]]
    assert {c["name"]: c["role"] for c in whole["columns"]}["customer_id"] == "group"
    assert [c["distinct"] for c in whole["columns"] if c["name"] not in ("amount", "when")] == [
        c["distinct"] for c in held["columns"] if c["name"] not in ("amount", "when")
    ]
    for code in COUNTED:
        one, other = ({f["code"]: f for f in record["findings"]}[code] for record in (whole, held))
        assert one["outcome"] == other["outcome"] == "found", code
        if code == "DUP001":  # near copies are looked for among the rows of models alone, in both
            assert one["because"][0] == other["because"][0] and one["because"][-1] == other["because"][-1]
        elif code == "DUP002":
            assert one["because"][0].split(",")[0] == other["because"][0].split(",")[0]
        else:
            ends = [[each["estimate"][name] for name in ("value", "low", "high", "n")] for each in (one, other)]
            assert ends[0] == pytest.approx(ends[1], rel=1e-9), code
            assert one["summary"] == other["summary"]
    assert whole["task"]["classes"] == ["no", "rare", "yes"]


def test_neither_cuts_nor_engines_nor_order_of_work_change_a_word(data: Path, tmp_path: Path) -> None:
    only = ("SCH001", "DUP001")
    first = audited(data / "train-a", data / "test-b", hold_rows=1500, only=only)
    assert first == audited(data / "train.parquet", data / "test.parquet", hold_rows=1500, only=only)
    alone = {"hold_rows": 1500, "only": ("SCH001",)}
    assert audited(data / "train-a", None, **alone) == audited(
        data / "train-b", None, **alone, engine="processes", workers=2
    )
    other = audited(data / "train-b", data / "test-a", hold_rows=1500, seed=1, only=only)
    assert other["sets"][0]["fingerprint"] == first["sets"][0]["fingerprint"]
    assert other["findings"] != first["findings"]


def test_rows_are_named_by_their_number_in_the_files(data: Path) -> None:
    whole = audited(data / "train.parquet", data / "test.parquet", hold_rows=1500)
    train, test = pl.read_parquet(data / "train.parquet"), pl.read_parquet(data / "test.parquet")
    for code, frame in (("DUP001", train), ("DUP002", test)):
        finding = next(one for one in whole["findings"] if one["code"] == code)
        shown = finding["rows"]["shown"]
        equal = [row for row in shown if row["note"].startswith("equals")]
        assert len(equal) > 5 and finding["rows"]["total"] > len(shown) / 2
        for row in equal:
            origin = int(row["note"].split()[-1])
            names = [name for name in row["cells"] if name != "y"]
            assert frame[row["row"], "k"] == int(row["cells"]["k"])
            assert frame.select(names).row(row["row"]) == train.select(names).row(origin)
        assert set(finding["remedies"][0]["rows"]) >= {row["row"] for row in equal}


def test_the_drawn_rows_are_the_loaders_own_and_uniform(data: Path) -> None:
    with place_for("local", None, 1500, None, 3, 100, lambda *told: None) as place:
        loaded = load(data / "train-a", target="y", place=place)
        drawn, whole = loaded.train.frame, loaded.train.whole
        assert whole is not None and (np.diff(whole.numbers) > 0).all()
        every = read_table(data / "train.parquet", "train", "y").frame
        assert drawn.equals(every[whole.numbers])
        raw = pl.read_parquet(data / "train.parquet")
        typed = [typed_cells(raw[name], name, kind, name == "y") for name, kind in drawn.schema.items()]
        assert pl.DataFrame(typed).equals(every)
        quarters = np.histogram(whole.numbers, 4, (0, len(every)))[0]
        assert abs(quarters - 375).max() < 6 * 375**0.5
    assert not place.folder.exists()


def test_a_wide_category_and_a_small_test_set_in_memory(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "KEPT", 10)
    rng = np.random.default_rng(0)
    train = pl.DataFrame({"city": [f"c{i % 60}" for i in range(3000)], "x": rng.normal(size=3000), "y": [0, 1] * 1500})
    test = pl.DataFrame({"city": [f"c{i}" for i in range(50, 70)] * 10, "x": rng.normal(size=200), "y": [0, 1] * 100})
    train.write_parquet(data / "wide.parquet")
    report = holdfast.audit(
        data / "wide.parquet", test, target="y", hold_rows=400, max_rows=200, quick=True, only=["SCH001"]
    )
    found = report.findings[0]
    assert found.outcome == "found" and "50 % of test rows" in found.details[0].rows[0][2]  # type: ignore[union-attr]


def test_the_sketch_of_many_values_is_near_their_number() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 40_000, dtype=np.uint64)
    parts = [Distinct.of(part, kept=1024) for part in np.array_split(np.repeat(hashes, 3)[rng.permutation(120_000)], 7)]
    left = right = parts[0]
    for part in parts[1:]:
        left, right = left.merged(part), part.merged(right)
    assert (left.hashes == right.hashes).all() and (left.counts == 3).all() and (right.counts == 3).all()
    assert abs(left.estimate() / 40_000 - 1) < 5 / 1024**0.5
