"""What the laws of faults cannot say: rates, matrices, ratios, places and severities against what was asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from holdfast import faults
from holdfast.faults._tables import CannotPlant, Tables, Truth
from holdfast.faults.worlds import worlds

WORLDS = worlds("faults")


def _tables(world: str, seed: int = 0) -> Tables:
    return WORLDS[world](seed).evidence["tables"]


def _plant(fault: object, tables: Tables, strength: float, seed: int = 0) -> tuple[Tables, Truth]:
    return fault.plant(tables, strength, np.random.default_rng(seed))  # type: ignore[attr-defined]


def _confusion(before: pl.Series, after: pl.Series) -> np.ndarray:
    """(k, k) counts, true classes down, given ones across."""
    classes = before.unique().sort().to_list()
    pairs = [classes.index(a) * len(classes) + classes.index(b) for a, b in zip(before, after, strict=True)]
    return np.bincount(pairs, minlength=len(classes) ** 2).reshape(len(classes), -1)


def _many(n: int = 20_000, k: int = 4) -> Tables:
    """Random numbers and classes; the first column orders the classes, the second says nothing."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, k, n)
    frame = pl.DataFrame({"x": y + rng.normal(0, 0.4, n), "z": rng.normal(size=n), "y": y})
    return Tables(frame, frame, "y", "multiclass", {"x": "number", "z": "number"})


def test_symmetric_noise_hits_every_class_and_row_alike() -> None:
    tables = _many()
    planted, _ = _plant(faults.SymmetricLabelNoise(), tables, 0.3)
    counts = _confusion(tables.train["y"], planted.train["y"])
    sizes = counts.sum(axis=1)
    wrong = sizes - counts.diagonal()
    low, high = binom.ppf([1e-5, 1 - 1e-5], sizes[:, None], 0.3).T
    assert ((low <= wrong) & (wrong <= high)).all(), f"wrong by class {wrong} of {sizes}"
    off = counts[~np.eye(4, dtype=bool)]
    low, high = binom.ppf([1e-5, 1 - 1e-5], sizes.min(), 0.1)[0], binom.ppf(1 - 1e-5, sizes.max(), 0.1)
    assert low <= off.min() and off.max() <= high, f"classes are not replaced alike: {off}"


def test_class_conditional_noise_recovers_its_matrix() -> None:
    tables = _many()
    transition = ((0, 3, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0), (2, 0, 0, 0))
    planted, truth = _plant(faults.ClassConditionalLabelNoise(transition=transition), tables, 0.2)
    counts = _confusion(tables.train["y"], planted.train["y"]).astype(float)
    np.fill_diagonal(counts, 0)
    expected = np.array(transition) * np.bincount(tables.train["y"].to_numpy())[:, None]
    expected = expected / expected.sum() * 0.2 * tables.train.height
    assert np.abs(counts - expected).max() < 120, f"asked {expected.round()}, got {counts}"
    assert truth.amount == 0.2
    with pytest.raises(ValueError, match=r"expected \(4, 4\)"):
        _plant(faults.ClassConditionalLabelNoise(transition=((0, 1), (1, 0))), tables, 0.2)


def test_noise_near_the_boundary_is_nearer_than_chance() -> None:
    tables = _many(4_000, k=2)
    near = np.abs(tables.train["x"].to_numpy() - 0.5)
    hit = {s: _plant(faults.InstanceDependentLabelNoise(sharpness=s), tables, 0.1)[1].train_rows for s in (0.0, 4.0)}
    distances = [near[hit[s]].mean() for s in (0.0, 4.0)]
    assert distances[1] < 0.6 * distances[0], f"mean distance to the boundary {distances}"


def test_similar_classes_are_confused_more_than_others() -> None:
    tables = _many()
    planted, _ = _plant(faults.SimilarClassLabelNoise(), tables, 0.3)
    counts = _confusion(tables.train["y"], planted.train["y"])
    assert counts[0, 1] > 2 * counts[0, 3], f"class 0 is called {counts[0]}"
    with pytest.raises(CannotPlant, match="2 class"):
        _plant(faults.SimilarClassLabelNoise(), _tables("hearts"), 0.3)
    with pytest.raises(ValueError, match="expected two different classes"):
        _plant(faults.SimilarClassLabelNoise(pairs=((0, 99),)), tables, 0.3)


def test_copies_are_equal_and_near_copies_are_not() -> None:
    tables = _tables("digits")
    for fault, equal in ((faults.ExactDuplicates(), True), (faults.NearDuplicates(), False)):
        planted, truth = _plant(fault, tables, 0.1)
        copies, origins = planted.train.filter(truth.train_rows), tables.train[truth.train_origin[truth.train_rows]]
        assert (copies.rows() == origins.rows()) is equal
        blocks = [frame.drop("digit").to_numpy() for frame in (copies, origins)]
        assert np.abs(blocks[0] - blocks[1]).max() < 0.5, "a near copy is far away"
        assert all(np.abs(a - b).sum() > 0 for a, b in zip(*blocks, strict=True)) is not equal


def test_a_told_answer_is_told_as_often_as_asked() -> None:
    tables = _many(k=4)
    for fault, in_test in ((faults.TargetLeak(), 0.8 + 0.2 / 4), (faults.SpuriousFeature(), 1 / 4)):
        planted, truth = _plant(fault, tables, 0.8)
        column = truth.columns[0]
        shares = [(t[column] == t["y"].cast(pl.String)).mean() for t in (planted.train, planted.test)]
        assert abs(shares[0] - 0.85) < 0.02 and abs(shares[1] - in_test) < 0.02, f"{column}: {shares}"


def test_tilt_thins_rows_by_an_exponential_of_the_column() -> None:
    tables = _many()
    for strength in faults.ExponentialTilt.strengths:
        _, truth = _plant(faults.ExponentialTilt(column="z", keep=0.3), tables, strength)
        assert abs(truth.amount - strength) < 0.01, f"asked {strength}, got {truth.amount}"
    _, truth = _plant(faults.ExponentialTilt(column="z", keep=0.3), tables, 0.3)
    z = tables.test["z"].to_numpy()
    z = (z - z.mean()) / z.std()
    bins = np.digitize(z, [-1.5, -1, -0.5, 0, 0.5, 1, 1.5])
    kept = np.bincount(bins[truth.test_origin], minlength=8) / np.bincount(bins)
    middles = np.bincount(bins, weights=z) / np.bincount(bins)
    slope, _ = np.polyfit(middles, np.log(kept), 1)
    residual = np.abs(np.log(kept) - np.polyval(np.polyfit(middles, np.log(kept), 1), middles)).max()
    assert abs(slope - 0.3) < 0.04 and residual < 0.12, f"slope {slope:.3f} of a normal column, residual {residual:.3f}"


def test_label_shift_reaches_the_asked_shares_and_nothing_within_classes() -> None:
    tables = _many()
    planted, truth = _plant(faults.LabelShift(label=2), tables, 0.3)
    shares = np.bincount(planted.test["y"].to_numpy()) / planted.test.height
    before = np.bincount(tables.test["y"].to_numpy()) / tables.test.height
    assert abs(shares[2] - before[2] - 0.3) < 0.002 and abs(truth.amount - 0.3) < 0.002, f"shares {shares}"
    means = [frame.filter(pl.col("y") == 0)["z"].mean() for frame in (tables.test, planted.test)]
    assert abs(means[0] - means[1]) < 0.1, f"class 0 changed inside: {means}"


def test_gaps_in_the_training_table_are_where_the_truth_says() -> None:
    planted, truth = _plant(faults.NovelClass(label="digit 3"), _tables("pictures"), 0.05)
    assert "digit 3" not in planted.train["digit"].to_list()
    assert ((planted.test["digit"] == "digit 3").to_numpy() == truth.test_rows).all()
    planted, truth = _plant(faults.Truncation(column="x"), _many(), 0.2)
    assert ((planted.test["x"] > planted.train["x"].max()).to_numpy() == truth.test_rows).all()
    assert abs(truth.test_rows.mean() - 0.2) < 0.001
    planted, truth = _plant(faults.MissingSubpopulation(column="sex"), _tables("hearts"), 1.0)
    assert planted.train["sex"].n_unique() == 1
    assert planted.test.filter(truth.test_rows)["sex"].n_unique() == 1


def test_missing_cells_are_the_large_ones() -> None:
    tables = _many()
    means = []
    for sharpness in (0.0, 4.0):
        _, truth = _plant(faults.MissingNotAtRandom(column="z", sharpness=sharpness), tables, 0.2)
        means.append(np.mean(truth.before))
    assert abs(means[0]) < 0.1 and means[1] > 0.6, f"means of the missing cells {means}"


def test_drift_is_gradual_or_sudden_by_position() -> None:
    tables = _many()
    thirds = {}
    for fault in (faults.GradualDrift(column="z"), faults.SuddenDrift(column="z")):
        planted, _ = _plant(fault, tables, 1.0)
        moved = (planted.test["z"] - tables.test["z"]).to_numpy() / tables.train["z"].std(ddof=0)
        thirds[type(fault).__name__] = [float(part.mean()) for part in np.array_split(moved, 4)]
    assert np.allclose(thirds["GradualDrift"], [0.125, 0.375, 0.625, 0.875], atol=1e-3), thirds
    assert np.allclose(thirds["SuddenDrift"], [0, 0, 1, 1], atol=1e-9), thirds


def test_order_goes_with_the_column_as_asked() -> None:
    tables = _many()
    for strength in (0.2, 0.7, 1.0):
        _, truth = _plant(faults.SortedRows(column="z"), tables, strength)
        spearman = 6 / np.pi * np.arcsin(strength / 2)  # of a normal pair with this correlation
        assert abs(truth.amount - spearman) < 0.02, f"asked {strength}, Spearman {truth.amount:.3f}, law {spearman:.3f}"


def test_typos_keep_their_rules() -> None:
    tables = _tables("notes")
    planted, truth = _plant(faults.Typos(column="line"), tables, 1.0)
    assert truth.amount == 1.0
    for before, after in zip(tables.test["line"], planted.test["line"], strict=True):
        words = list(zip(before.split(" "), after.split(" "), strict=True))
        assert all(abs(len(a) - len(b)) <= 1 and a[:1] == b[:1] for a, b in words), (before, after)
        assert all((a == b) is (len(a) < 3) for a, b in words), (before, after)


@pytest.mark.parametrize("name", [name for name in dir(faults) if name.startswith("Image")])
def test_pictures_get_worse_with_the_severity(name: str) -> None:
    tables = _tables("pictures")
    sharp = tables.test["picture"].to_numpy().astype(float)
    distances = []
    for severity in range(1, 6):
        planted, _ = _plant(getattr(faults, name)(), tables, severity)
        distances.append(float(np.sqrt(((planted.test["picture"].to_numpy() - sharp) ** 2).mean())))
    assert all(a <= b for a, b in pairwise(distances)) and distances[-1] > distances[0], f"{name}: {distances}"
    assert planted.test["picture"].to_numpy().max() <= tables.train["picture"].to_numpy().max()


def test_pictures_in_columns_and_in_arrays_are_changed_alike() -> None:
    tables = _tables("pictures")
    flat = [
        pl.DataFrame(frame["picture"].to_numpy().reshape(-1, 64).astype(float), schema=[f"p{i}" for i in range(64)])
        for frame in (tables.train, tables.test)
    ]
    columns = Tables(flat[0], flat[1], kinds=dict.fromkeys(flat[0].columns, "number"))
    one, _ = _plant(faults.ImageBlur(shape=(8, 8)), columns, 3)
    other, _ = _plant(faults.ImageBlur(), tables, 3)
    difference = np.abs(one.test.to_numpy() - other.test["picture"].to_numpy().reshape(-1, 64))
    assert difference.max() <= 0.5 + 1e-9, "more than rounding"
    lists = Tables(pl.DataFrame({"p": [[1]]}), pl.DataFrame({"p": [[2]]}), kinds={"p": "image"})
    with pytest.raises(CannotPlant, match="decode it first"):
        _plant(faults.ImageBlur(), lists, 3)


def test_pictures_in_files_are_changed_in_copies(tmp_path: Path) -> None:
    """Grey and colour, of several sizes: inputs stay as they were, copies keep their size."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    shapes = [(8, 8), (12, 10, 3), (9, 9)]
    pixels = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    paths = [str(tmp_path / f"{i}.{kind}") for i, kind in enumerate(("png", "png", "bmp"))]
    for array, path in zip(pixels, paths, strict=True):
        image.fromarray(array).save(path)
    before = [Path(path).read_bytes() for path in paths]
    table = pl.DataFrame({"p": paths, "y": [0, 1, 0]})
    tables = Tables(table, table, "y", "binary", {"p": "image"})
    with pytest.raises(CannotPlant, match="it was not said where changed copies may be written"):
        _plant(faults.ImageContrast(), tables, 3)
    tables = replace(tables, pictures=str(tmp_path / "out"))
    planted, truth = _plant(faults.ImageContrast(), tables, 3)
    assert [Path(path).read_bytes() for path in paths] == before, "an input was touched"
    assert truth.test_rows.all() and truth.columns == ("p",) and planted.train["p"].to_list() == paths
    new = [np.asarray(image.open(path)) for path in planted.test["p"]]
    assert [array.shape for array in new] == shapes
    assert all(path.startswith(str(tmp_path / "out")) for path in planted.test["p"])
    assert all(a.std() < 0.8 * b.std() for a, b in zip(new, pixels, strict=True)), "contrast fell"
    again, _ = _plant(faults.ImageContrast(), tables, 3)
    assert set(again.test["p"]).isdisjoint(planted.test["p"]), "copies of one planting overwrote those of another"
    broken = table.with_columns(p=pl.Series([paths[0], str(tmp_path / "none.png"), None]))
    with pytest.raises(CannotPlant, match=r"row 1: .*none.png' cannot be read as a picture"):
        _plant(faults.ImageContrast(), replace(tables, test=broken), 3)
    assert len(list((tmp_path / "out").iterdir())) == 2, "the copies made before the broken picture were left behind"


def test_asking_for_what_is_not_there_says_what_is() -> None:
    tables = _tables("hearts")
    with pytest.raises(ValueError, match=r"no varying column 'agee'.*'age'"):
        _plant(faults.ColumnShift(column="agee"), tables, 0.5)
    with pytest.raises(ValueError, match="no class 'maybe'; there are: 'no', 'yes'"):
        _plant(faults.LabelShift(label="maybe"), tables, 0.1)
    with pytest.raises(ValueError, match="expected a share from 0 to 1"):
        _plant(faults.SymmetricLabelNoise(), tables, 1.5)
    with pytest.raises(CannotPlant, match="no test table"):
        _plant(faults.ColumnShift(), _tables("one_table"), 0.5)


def test_cell_errors_are_of_three_kinds_in_as_many_cells_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: 100.0 * (j + 1) + rng.normal(size=4000) for j, name in enumerate("abcde")})
    tables = Tables(frame, frame, kinds=dict.fromkeys("abcde", "number"))
    planted, truth = _plant(faults.CellErrors(cells=0.5), tables, 0.2)
    assert planted.test is not None and truth.test_rows is not None and truth.columns == tuple("abcde")
    old, new = frame.to_numpy(), planted.test.to_numpy()
    changed = (old != new)[truth.test_rows]
    assert truth.test_rows.sum() == 800 and not (old != new)[~truth.test_rows].any()
    assert 2.8 < changed.sum(axis=1).mean() < 3.2, "one cell, and each of the other four with probability one half"
    slips = np.isclose(new, 10 * old)
    swaps = np.isin(new, old.ravel()) & (old != new)
    shares = [float(kind[truth.test_rows].sum() / changed.sum()) for kind in (slips, swaps)]
    assert all(0.28 < share < 0.39 for share in shares), f"slips and swaps are {shares} of the wrong cells"
