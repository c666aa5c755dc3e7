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


def test_renamed_columns_are_priced_repaired_and_undone(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The column that tells most is called otherwise in the test file, and its categories are in capitals too."""
    test = pl.read_csv(files[1]).rename({"shop": "Shop ", "z": "Z"})
    test.write_csv(tmp_path / "test.csv")
    call = {"target": "bought", "only": ["SCH001"]}
    report = holdfast.audit(files[0], tmp_path / "test.csv", **call)
    (remedy,) = report["SCH001"].remedies
    assert remedy.action == "rename_columns" and remedy.settings == {"names": {"Shop ": "shop", "Z": "z"}}
    assert report["SCH001"].price is not None and report["SCH001"].price.gain is not None
    small = pl.read_csv(files[1]).with_columns(pl.col("shop").str.to_lowercase()).rename({"shop": "Shop ", "z": "Z"})
    small.write_csv(tmp_path / "small.csv")
    report = holdfast.audit(files[0], tmp_path / "small.csv", **call)
    assert report["SCH001"].price.gain.low > 0.05, "with the column the model is far better"
    done = holdfast.repair(report, repeats=3, out=tmp_path / "fixed")
    assert done.outcome == "better" and done.train is None, done.verdict
    assert done.test.columns == ["shop", "x", "z", "bought"]
    lines = done.ledger.filter(pl.col("action") == "rename_columns")
    assert lines.select("column", "before", "after").rows() == [("Shop ", "Shop ", "shop"), ("Z", "Z", "z")]
    undone = undo(tmp_path / "fixed", tmp_path / "back")
    assert [path.read_bytes() for path in undone] == [(tmp_path / "small.csv").read_bytes()]
    assert holdfast.verify(tmp_path / "fixed").outcome in ("holds", "cannot_tell")
    unlabelled = holdfast.audit(pl.read_csv(files[0]), small.drop("bought"), **call)["SCH001"]
    assert unlabelled.price is not None and "no labelled test rows" in unlabelled.price.reason


def test_columns_that_only_sound_alike_are_left_alone() -> None:
    train = pl.DataFrame({"a_1": range(100), "b": range(100), "c": ["x", "y"] * 50, "t": ["u", "v"] * 50})
    test = train.rename({"a_1": "A1", "c": "C"}).with_columns(C=pl.Series(range(100)), a1=pl.Series(range(100)))
    finding = holdfast.audit(train, test, target="t", only=["SCH001"], quick=True)["SCH001"]
    assert finding.remedies == (), "two columns could be a_1, and C holds numbers"


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
