"""Categories that are spelt otherwise in the test set: found, priced, repaired, and given back by undo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.spelling import respelt
from holdfast.repair.ledger import undo


def _table(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    shop, x = rng.choice(["north", "south", "east", "west"], n), rng.normal(size=n)
    y = x + 2 * np.isin(shop, ["north", "east"]) - 1 + 0.7 * rng.normal(size=n) > 0
    return pl.DataFrame({"shop": shop, "x": x, "z": rng.normal(size=n), "bought": np.where(y, "yes", "no")})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shops of the test file are in capitals, and one is new."""
    folder = tmp_path_factory.mktemp("shops")
    test = _table(500, 1).with_columns(pl.col("shop").str.to_uppercase())
    test = test.with_columns(pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("web")).otherwise("shop").alias("shop"))
    _table(600, 0).write_csv(folder / "train.csv")
    test.write_csv(folder / "test.csv")
    return folder / "train.csv", folder / "test.csv"


def test_a_spelling_is_priced_repaired_and_undone(files: tuple[Path, Path], tmp_path: Path) -> None:
    report = holdfast.audit(*files, target="bought", only=["SCH001"])
    finding = report["SCH001"]
    names = {name: name.lower() for name in ("NORTH", "SOUTH", "EAST", "WEST")}
    assert [remedy.settings for remedy in finding.remedies] == [{"names": {"shop": names}}]
    assert finding.price is not None and finding.price.gain is not None
    assert finding.price.gain.low > 0.05, f"the price of a spelling is {finding.price.gain}"
    report.save(tmp_path / "report")
    done = holdfast.repair(tmp_path / "report", repeats=3, out=tmp_path / "fixed")
    assert done.outcome == "better", done.verdict
    assert done.train is None and done.test["shop"].unique().sort().to_list() == [
        "east",
        "north",
        "south",
        "web",
        "west",
    ]
    undone = undo(tmp_path / "fixed", tmp_path / "back")
    assert [path.read_bytes() for path in undone if path.name == "test.csv"] == [files[1].read_bytes()]


def test_without_test_labels_it_is_not_priced_and_says_why(files: tuple[Path, Path]) -> None:
    test = pl.read_csv(files[1]).drop("bought")
    finding = holdfast.audit(pl.read_csv(files[0]), test, target="bought", only=["SCH001"])["SCH001"]
    assert finding.price is not None and finding.price.gain is None
    assert finding.price.reason == "there are no labelled test rows to judge it on"


def test_only_what_is_surely_the_same_is_matched() -> None:
    assert respelt(["N. York", "Paris"], ["n york", "London"]) == {"N. York": "n york"}
    assert respelt(["x1", "x2", "x9"], ["1", "2", "3"]) == {"x1": "1", "x2": "2"}
    assert respelt(["a"], ["A", "a "]) == {}
    assert respelt(["", "?"], ["!", "b"]) == {}
    assert respelt([], ["a"]) == {}
