"""Repairs from end to end: what helps is applied, what does not is said, inputs stay untouched, undo is exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.load import InputError
from holdfast.audit.records import Remedy, digest_of
from holdfast.repair.ledger import undo

from .worlds import World, made, table, with_remedies


@pytest.fixture(scope="module")
def fixed(noisy: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("out") / "fixed"
    before = [noisy.train.read_bytes(), noisy.test.read_bytes()]
    done = holdfast.repair(noisy.report, out=folder, repeats=3)
    assert [noisy.train.read_bytes(), noisy.test.read_bytes()] == before, "an input file was changed"
    return done, folder


def test_planted_label_noise_is_repaired_and_the_gain_is_confirmed(fixed: tuple[Any, Path]) -> None:
    done, _ = fixed
    gain = done.record["judgement"]["gain"]
    assert done.outcome == "better", done.verdict
    assert gain["low"] > 0 and any(name.startswith("LAB001") for name in done.applied)


def test_the_page_is_offline_and_hostile_text_stays_text(fixed: tuple[Any, Path]) -> None:
    from holdfast.report.verification import render

    _, folder = fixed
    record = json.loads((folder / "verification.json").read_text())
    record["alone"][0]["title"] = "<script>alert(1)</script>\u202e"
    page = render(record)
    assert "<script>alert" not in page.split('id="record"')[0]
    assert "http" not in page.split('id="record"')[0].replace("http-equiv", "")


def test_copies_leave_the_test_set_first(fixed: tuple[Any, Path]) -> None:
    done, folder = fixed
    assert "DUP002.0" in done.applied
    repaired = pl.read_csv(folder / "test.csv")
    assert repaired.height == 800, f"{repaired.height} test rows are left of 820 with 20 copies"
    lines = done.ledger.filter((pl.col("set") == "test") & (pl.col("action") == "drop_rows"))
    assert sorted(lines["row"]) == list(range(20))


def test_every_difference_stands_in_the_ledger_and_nothing_else(fixed: tuple[Any, Path], noisy: World) -> None:
    done, folder = fixed
    original = pl.read_csv(noisy.train, infer_schema=False)
    repaired = pl.read_csv(folder / "train.csv", infer_schema=False)
    lines = done.ledger.filter(pl.col("set") == "train")
    dropped = set(lines.filter(pl.col("action") == "drop_rows")["row"])
    relabelled = lines.filter(pl.col("action") == "relabel_rows")
    expected = original.with_row_index().with_columns(pl.col("label"))
    given = dict(zip(relabelled["row"], relabelled["after"], strict=True))
    labels = [given.get(row, label) for row, label in enumerate(original["label"])]
    expected = expected.with_columns(pl.Series("label", labels)).filter(~pl.col("index").is_in(list(dropped)))
    assert repaired.equals(expected.drop("index")), "the ledger does not say what was done"
    assert (relabelled["before"] != relabelled["after"]).all() and len(dropped) + len(given) > 50


def test_undo_gives_the_files_back_bit_for_bit(fixed: tuple[Any, Path], noisy: World, tmp_path: Path) -> None:
    _, folder = fixed
    paths = undo(folder, tmp_path)
    assert sorted(path.name for path in paths) == ["learn.csv", "meet.csv"]
    assert (tmp_path / "learn.csv").read_bytes() == noisy.train.read_bytes()
    assert (tmp_path / "meet.csv").read_bytes() == noisy.test.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        undo(folder, tmp_path)


def test_what_helped_holds_again_and_the_look_is_counted(fixed: tuple[Any, Path], noisy: World) -> None:
    _, folder = fixed
    looks = json.loads((folder / "holdout.json").read_text())
    again = holdfast.verify(folder)
    after = json.loads((folder / "holdout.json").read_text())
    (key,) = looks
    assert after[key]["looks"] == looks[key]["looks"] + 1
    assert again.outcome in ("holds", "cannot_tell") and again.record["found"]["level"] > 0.93
    X, y = made(1200, 9)
    fresh = holdfast.verify(folder, test=table(X, y))
    assert fresh.record["fresh"] and fresh.record["found"]["rows"] == 1200
    assert fresh.outcome == "holds", fresh.verdict


def test_verify_refuses_a_folder_that_was_changed(fixed: tuple[Any, Path], tmp_path: Path) -> None:
    import shutil

    _, folder = fixed
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "train.csv").write_text("c0,label\n1,yes\n")
    with pytest.raises(InputError, match=r"train.csv.* was changed"):
        holdfast.verify(copy)
    with pytest.raises(InputError, match=r"expected the verification.json"):
        holdfast.verify(tmp_path / "nowhere")


def test_a_remedy_that_cannot_help_is_no_better(noisy: World, tmp_path: Path) -> None:
    """Dropping random rows of sound data gains nothing: nothing is applied, no training file is written."""
    X, y = made(1000, 3)
    train, test = table(X[:500], y[:500]), table(X[500:], y[500:])
    report = holdfast.audit(train, test, target="label", only=["LAB001", "DUP001"], quick=True)
    rows = tuple(range(0, 500, 10))
    report = with_remedies(report, "DUP001", Remedy("drop_rows", "Drop every tenth row", True, rows=rows))
    done = holdfast.repair(report, train=train, test=test, only=["DUP001"], out=tmp_path / "out", repeats=3)
    assert done.outcome == "no_better" and done.applied == () and done.train is None, done.verdict
    assert not list((tmp_path / "out").glob("train.*"))
    forced = holdfast.repair(report, train=train, test=test, only=["DUP001"], repeats=3, force=True)
    assert forced.train is not None and forced.train.height == 450 and "asked" in forced.verdict


def test_without_a_test_set_remedies_are_derived_inside_each_fit() -> None:
    X, y = made(500, 5)
    rng = np.random.default_rng(2)
    flipped = rng.random(500) < 0.2
    train = table(X, np.where(flipped, 1 - y, y))
    report = holdfast.audit(train, target="label", only=["LAB001"], quick=True)
    done = holdfast.repair(report, train=train, repeats=3, only=["LAB001.0"])
    assert done.record["judged"]["set"] == "train"
    assert all("inside each fit" in one["derived"] for one in done.record["alone"])


@pytest.mark.parametrize("part", ["digest", "content", "version", "none"])
def test_a_report_that_was_changed_is_refused(noisy: World, part: str) -> None:
    record = noisy.report.to_dict()
    if part == "digest":
        record["digest"] = "0" * 32
    elif part == "content":
        record["findings"][0]["summary"] += "!"
    elif part == "version":
        record["schema"] = "holdfast/report/99"
    else:
        record.pop("digest")
    with pytest.raises(InputError, match=r"digest|newer Holdfast"):
        holdfast.repair(record)


def test_other_data_are_refused(noisy: World) -> None:
    X, y = made(800, 77)
    with pytest.raises(InputError, match="not the train set that the report was made from"):
        holdfast.repair(noisy.report, train=table(X, y))
    record = noisy.report.to_dict()
    record["sets"][0]["path"] = "gone.csv"
    record["digest"] = digest_of(record)
    with pytest.raises(InputError, match=r"gone.csv"):
        holdfast.repair(record)


def test_conflicts_are_refused_and_never_combined(noisy: World) -> None:
    drop = Remedy("drop_rows", "Drop", True, rows=(1, 2, 3))
    label = Remedy("relabel_rows", "Relabel", False, rows=(3, 4), values=(0, 1))
    report = with_remedies(noisy.report, "IMB001", drop)
    report = with_remedies(report, "LAB001", label)
    with pytest.raises(InputError, match=r"IMB001.0 drops row 3, to which LAB001.0 gives a new label"):
        holdfast.repair(report, only=["IMB001", "LAB001"], force=True, repeats=3)


def test_a_class_is_never_emptied(noisy: World) -> None:
    labels = pl.read_csv(noisy.train)["label"]
    rows = tuple(int(row) for row in np.flatnonzero((labels == "yes").to_numpy()))
    report = with_remedies(noisy.report, "LAB001", Remedy("drop_rows", "Drop all", True, rows=rows))
    with pytest.raises(InputError, match="no training row of class 'yes'"):
        holdfast.repair(report, only=["LAB001"])
    done = holdfast.repair(report, repeats=3)
    assert any("'yes'" in reason for *_, reason in done.record["left_out"])


def test_too_few_rows_say_how_many_are_needed() -> None:
    X, y = made(300, 8)
    train, test = table(X[:270], y[:270]), table(X[270:], y[270:])
    report = holdfast.audit(train, test, target="label", only=["DUP001"], quick=True)
    report = with_remedies(report, "DUP001", Remedy("drop_rows", "Drop", True, rows=(1, 2)))
    with pytest.raises(InputError, match=r"30 untouched labelled rows are too few .* at least 40"):
        holdfast.repair(report, train=train, test=test)


def test_inputs_are_safe_from_the_output_folder(noisy: World) -> None:
    with pytest.raises(InputError, match=r"holds the input learn.csv"):
        holdfast.repair(noisy.report, out=noisy.train.parent)


def test_a_full_disk_leaves_nothing_half_written(
    fixed: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, _ = fixed

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("holdfast.repair.output._text", full)
    with pytest.raises(OSError, match=r"No space left on device. Nothing there was changed"):
        done.save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_repair_goes_on_where_it_was(noisy: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.audit.repair import Schoolroom

    fits, fit = [], Schoolroom.fit

    def counted(room: Schoolroom, *given: Any) -> Any:
        fits.append(1)
        if len(fits) == stop:
            raise KeyboardInterrupt
        return fit(room, *given)

    monkeypatch.setattr(Schoolroom, "fit", counted)
    call = {"repeats": 3, "only": ["LAB001"]}
    stop = 0
    whole = holdfast.repair(noisy.report, out=tmp_path / "whole", **call)
    needed, stop = len(fits), len(fits) - 1
    fits.clear()
    with pytest.raises(KeyboardInterrupt):
        holdfast.repair(noisy.report, out=tmp_path / "killed", **call)
    assert [path.name for path in tmp_path.iterdir() if "killed" in path.name] == [".killed.fits"]
    fits.clear()
    again = holdfast.repair(noisy.report, out=tmp_path / "killed", **call)
    assert len(fits) == 2 < needed, f"{len(fits)} of {needed} fits were made again"
    assert again.record["judgement"] == whole.record["judgement"] and again.ledger.equals(whole.ledger)
    assert not list(tmp_path.glob(".*")), "fits are left behind"


def test_fits_of_another_repair_are_thrown_away(tmp_path: Path) -> None:
    from holdfast.verify.store import FitStore

    FitStore(tmp_path / "fits", {"seed": 0}).put("a", np.ones(3))
    assert FitStore(tmp_path / "fits", {"seed": 0}).get("a").tolist() == [1.0, 1.0, 1.0]
    other = FitStore(tmp_path / "fits", {"seed": 1})
    assert other.get("a") is None
    other.put("a", np.zeros(1))
    (path,) = (tmp_path / "fits").glob("*/*.npy")
    path.write_bytes(path.read_bytes()[:20])
    assert other.get("a") is None, "a file that was cut is not believed"


def test_same_seed_same_verdict(noisy: World) -> None:
    first, second = (holdfast.repair(noisy.report, repeats=3, only=["LAB001"]) for _ in range(2))
    assert first.record["judgement"] == second.record["judgement"]
    assert first.ledger.equals(second.ledger)


def test_the_probe_model_is_written_and_read_back_by_an_audit(tmp_path: Path) -> None:
    """Numbers, flags and categories with gaps, labels that are numbers; texts and dates have no place in a pipeline."""
    pytest.importorskip("skops")
    from holdfast.audit.given_model import load_model

    X, y = made(600, 21)
    rng = np.random.default_rng(6)
    frame = table(X, y).with_columns(
        label=pl.Series(np.where(y == 1, 7, 3)), flag=pl.Series(rng.random(600) < 0.5),
        kind=pl.Series(rng.choice(["a", "b", "c"], 600)),
        c1=pl.when(pl.Series(rng.random(600) < 0.1)).then(None).otherwise(pl.col("c1")),
    )  # fmt: skip
    frame = frame.with_columns(kind=pl.when(pl.col("c2") > 1).then(None).otherwise(pl.col("kind")))
    train, test = frame[:300], frame[300:]
    report = holdfast.audit(train, test, target="label", only=["DUP001"], quick=True)
    report = with_remedies(report, "DUP001", Remedy("drop_rows", "Drop", True, rows=(1, 2)))
    done = holdfast.repair(report, train=train, test=test, force=True, repeats=3, only=["DUP001"], out=tmp_path / "out")
    model = load_model(tmp_path / "out" / "model.skops")
    shown = test.drop("label").to_pandas()
    assert set(model.predict(shown)) == {3, 7} and (model.predict(shown) == test["label"].to_numpy()).mean() > 0.75
    unseen = shown.assign(kind="never met")
    assert np.isfinite(model.predict_proba(unseen)).all()
    again = holdfast.audit(done.train, test, target="label", model=model, only=["PER001"], quick=True)
    assert again.record.model["name"].startswith("Pipeline") and again["PER001"].outcome != "error"
    dated = frame.with_columns(day=pl.date_range(pl.date(2020, 1, 1), pl.date(2021, 8, 22), eager=True))
    call = {"target": "label", "only": ["DUP001"], "quick": True, "roles": {"day": "feature"}}
    report = holdfast.audit(dated[:300], dated[300:], **call)
    report = with_remedies(report, "DUP001", Remedy("drop_rows", "Drop", True, rows=(1, 2)))
    done = holdfast.repair(report, train=dated[:300], test=dated[300:], force=True, repeats=3, only=["DUP001"])
    assert done.model is None and "columns of kind date" in done.record["why_no_model"]


def test_missing_values_are_filled_alike_in_both_sets_and_in_the_fit() -> None:
    X, y = made(600, 11)
    rng = np.random.default_rng(4)
    gone = rng.random(600) < np.where(np.arange(600) < 300, 0.1, 0.5)
    whole = table(X, y).with_columns(pl.when(pl.Series(gone)).then(None).otherwise(pl.col("c0")).alias("c0"))
    train, test = whole[:300], whole[300:]
    report = holdfast.audit(train, test, target="label", only=["SCH002"], quick=True)
    (place,) = [i for i, one in enumerate(report["SCH002"].remedies) if one.action == "impute_values"]
    done = holdfast.repair(report, train=train, test=test, only=[f"SCH002.{place}"], force=True, repeats=3)
    assert done.train is not None and done.test is not None
    assert done.train["c0"].null_count() == done.test["c0"].null_count() == 0
    filled = done.test["c0"].filter(pl.Series(gone[300:])).unique().to_list()
    assert filled == [train["c0"].median()], f"filled with {filled}"
    assert done.ledger.height == int(gone.sum())


def test_rejecting_unfamiliar_rows_states_a_risk() -> None:
    """Half of the test rows lie far from training and have random labels: refusing them lowers the risk."""
    X, y = made(900, 12)
    X[600:750] += 12.0
    y[600:750] = np.random.default_rng(5).integers(2, size=150)
    train, test = table(X[:450], y[:450]), table(X[450:], y[450:])
    report = holdfast.audit(train, test, target="label", only=["OOD001"], quick=True)
    done = holdfast.repair(report, train=train, test=test, repeats=3)
    (said,) = done.record["rejection"]
    assert said["kept"] and said["risk"]["risk"]["high"] < said["risk"]["risk_of_all"]["value"], said
    assert done.test is not None and done.test["holdfast_rejected"].sum() >= 140
