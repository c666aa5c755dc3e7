"""Planting in copies: facts that are kept equal facts computed anew; what is named is compared with the exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.check import NotApplicable, checks
from holdfast.audit.load import load
from holdfast.audit.planting import Base, fresh_facts, loaded_with, planted_facts, sampled, tables_of, trial
from holdfast.audit.power import Rule, fault_named, next_strength, refits, smallest_found
from holdfast.audit.probes import Probes
from holdfast.audit.settings import Settings
from holdfast.faults._tables import CannotPlant, Truth

COMPARED = (
    "train_rows", "test_rows", "train_X", "test_X", "train_embedding", "test_embedding", "train_y", "test_y", "folds",
    "train_predicted", "test_predicted", "train_loss", "test_loss", "train_table", "test_table",
)  # fmt: skip
DECLARED = sorted({name for check in checks() for name in check.faults})


def small(n: int = 150, seed: int = 0) -> Probes:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.choice(["x", "y", "z"], n)})
    signal = frame["a"].to_numpy() + rng.normal(size=n) / 2 > 0
    frame = frame.with_columns(label=pl.Series(np.where(signal, "yes", "no")))
    loaded = load(frame[: n * 2 // 3], frame[n * 2 // 3 :], target="label")
    return fresh_facts(loaded, Settings(folds=3))


@pytest.fixture(scope="module")
def facts() -> Probes:
    known = small()
    for name in COMPARED:
        known[name]
    return known


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.code)
def test_a_check_has_faults_that_exist_or_says_why_it_has_none(check: Any) -> None:
    assert bool(check.faults) != bool(check.unplantable)
    for name in check.faults:
        assert fault_named(name).strengths, f"{check.code} declares {name}"


@pytest.mark.parametrize("name", DECLARED)
def test_facts_that_are_kept_equal_facts_computed_anew(facts: Probes, name: str) -> None:
    fault = fault_named(name)
    try:
        planted, _ = planted_facts(Base(facts), fault, fault.strengths[-1], np.random.default_rng(3))
    except CannotPlant as problem:
        pytest.skip(str(problem))
    anew = fresh_facts(planted["loaded"], facts["settings"])
    for fact in COMPARED:
        assert _same(planted[fact], anew[fact]), f"{name}: {fact} was kept although the fault changes it"


def _same(one: Any, other: Any) -> bool:
    return one.equals(other) if isinstance(one, pl.DataFrame) else np.array_equal(one, other, equal_nan=True)


def test_only_what_a_fault_touches_is_computed_again(facts: Probes) -> None:
    rng = np.random.default_rng(0)
    noisy, _ = planted_facts(Base(facts), fault_named("SymmetricLabelNoise"), 0.2, rng)
    assert noisy["train_embedding"] is facts["train_embedding"], "labels changed, not the features"
    assert noisy["test_X"] is facts["test_X"]
    assert noisy["train_predicted"] is not facts["train_predicted"]
    moved, _ = planted_facts(Base(facts), fault_named("ColumnShift"), 0.5, rng)
    assert moved["fitted"] is facts["fitted"], "the test set changed, not what the model was fitted on"
    assert moved["test_X"] is not facts["test_X"]


def test_untouched_tables_stay_untouched(facts: Probes) -> None:
    before = facts["loaded"].train.frame.clone(), facts["loaded"].test.frame.clone()
    for name in DECLARED:
        fault = fault_named(name)
        try:
            planted_facts(Base(facts), fault, fault.strengths[-1], np.random.default_rng(0))
        except CannotPlant:
            continue
    assert facts["loaded"].train.frame.equals(before[0])
    assert facts["loaded"].test.frame.equals(before[1])


def test_rows_named_are_scored_against_the_truth_in_file_numbers() -> None:
    base = sampled(small(600), 150, seed=1)
    assert base.rows == {"train": 150, "test": 150}
    fault = fault_named("ExactDuplicates")
    planted, truth = planted_facts(base, fault, 0.1, np.random.default_rng(0))
    check = next(check for check in checks() if check.code == "DUP001")
    seen = trial(check, planted, truth, base)
    assert seen.found
    assert (seen.hits, seen.named, seen.true) == (seen.true, seen.true, seen.true), f"copies are easy to name: {seen}"
    assert truth.train_origin is not None
    picked = base.in_file("train", np.arange(150))
    assert (np.diff(picked) > 0).all(), "a sample keeps the order of the file"
    assert picked.max() >= 150


def test_a_crash_counts_as_missed_with_its_reason(facts: Probes) -> None:
    check = next(check for check in checks() if check.code == "DUP001")

    class Crashes(check):  # type: ignore[misc, valid-type]
        def run(self) -> Any:
            raise RuntimeError("no")

    planted, truth = planted_facts(Base(facts), fault_named("ExactDuplicates"), 0.1, np.random.default_rng(0))
    seen = trial(Crashes, planted, truth, Base(facts))
    assert (seen.outcome, seen.found, seen.reason) == ("error", False, "RuntimeError: no")


def test_roles_stay_and_new_columns_get_one(facts: Probes) -> None:
    tables = tables_of(facts["loaded"])
    wider = tables.train.with_columns(copy=tables.train["a"] * 2)
    loaded = loaded_with(facts["loaded"], wider, None)
    assert [c.name for c in loaded.columns] == ["a", "b", "c", "label", "copy"]
    assert {c.name: c.role for c in loaded.columns}["copy"] == "feature"
    assert loaded.test is None


def test_a_fit_is_repeated_only_for_changed_training_rows(facts: Probes) -> None:
    by_code = {check.code: check for check in checks()}
    tables = tables_of(facts["loaded"])
    assert refits(by_code["LAB001"], fault_named("SymmetricLabelNoise"), tables)
    assert not refits(by_code["DUP001"], fault_named("ExactDuplicates"), tables)
    assert not refits(by_code["DRI001"], fault_named("ColumnShift"), tables)


@pytest.mark.parametrize(("true_rate", "often"), [(0.97, True), (0.45, False)])
def test_the_sequential_rule_errs_as_rarely_as_it_says(true_rate: float, often: bool) -> None:
    rule, rng, wrong = Rule(), np.random.default_rng(5), 0
    for _ in range(400):
        hits = draws = 0
        while (verdict := rule.decide(hits, draws)) is None:
            hits, draws = hits + int(rng.random() < true_rate), draws + 1
        wrong += verdict is not often
    assert wrong < 0.1 * 400, f"{wrong} of 400 decisions are wrong at a rate of {true_rate}"


def test_bisection_finds_the_first_strength_that_is_found() -> None:
    strengths = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    for edge in range(len(strengths) + 1):
        counts: dict[float, tuple[int, int]] = {}
        while (strength := next_strength(strengths, counts, Rule())) is not None:
            counts[strength] = (6, 6) if strength >= edge + 1 else (0, 2)
        expected = strengths[edge] if edge < len(strengths) else None
        assert smallest_found(strengths, counts, Rule()) == expected
        assert len(counts) <= 3, f"{len(counts)} of 7 strengths were tried"


def test_columns_of_one_set_alone_are_not_planted_in() -> None:
    """A column that only one set has once ended an audit where the power of an all-clear was measured."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=240), "b": rng.normal(size=240), "y": ["u", "v"] * 120})
    train, test = frame[:120], frame[120:].rename({"b": "c"})
    tables = tables_of(load(train, test, target="y"))
    assert list(tables.kinds) == ["a"]
    report = holdfast.audit(train, test, target="y", only=["DRI001"], repeats=2)
    assert report["DRI001"].outcome == "clear" and report["DRI001"].power is not None


def pictures(folder: Path, n: int) -> Probes:
    """Handwritten digits in files."""
    from sklearn.datasets import load_digits

    image = pytest.importorskip("PIL.Image")
    pixels, y = load_digits().images[:n], load_digits().target[:n]
    paths = [str(folder / f"{row}.png") for row in range(n)]
    for path, own in zip(paths, pixels, strict=True):
        image.fromarray((own * 15).astype(np.uint8)).save(path)
    frame = pl.DataFrame({"picture": paths, "y": [f"digit {digit}" for digit in y]}).sample(n, shuffle=True, seed=1)
    return fresh_facts(load(frame[: n // 2], frame[n // 2 :], target="y"), Settings(folds=2))


def test_pictures_are_planted_in_files_that_go_with_the_facts(tmp_path: Path) -> None:
    facts = pictures(tmp_path, 120)
    before, sharp = {path.name: path.read_bytes() for path in tmp_path.iterdir()}, facts["test_X"]
    planted, truth = planted_facts(Base(facts), fault_named("ImageBrightness"), 5.0, np.random.default_rng(0))
    with pytest.raises(NotApplicable):
        planted["train_scale"]  # what could not be had holds no facts, and so no files
    folder = Path(planted["loaded"].test.frame["picture"][0]).parent
    assert truth.test_rows is not None and truth.test_rows.all() and len(list(folder.iterdir())) == 60
    assert np.abs(planted["test_X"] - sharp).mean() > 0.1
    assert planted["encoder"] is facts["encoder"]
    del planted
    assert not folder.exists(), "changed pictures were left behind"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_checks_that_declare_picture_faults_find_them(tmp_path: Path) -> None:
    facts = pictures(tmp_path, 500)
    by_code = {check.code: check for check in checks()}
    for code, name in (("DRI002", "ImageNoise"), ("OOD001", "ImageRotation")):
        assert name in by_code[code].faults
        assert refits(by_code[code], fault_named(name), tables_of(facts["loaded"])), "pictures of its own are dear"
        assert trial(by_code[code], facts, Truth(), Base(facts)).outcome == "clear", code
        planted, truth = planted_facts(Base(facts), fault_named(name), 3.0, np.random.default_rng(0))
        assert trial(by_code[code], planted, truth, Base(facts)).found, code
