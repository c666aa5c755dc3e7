"""Text, images, dates, many categories and one class: what tables hold beyond numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits

import holdfast
from holdfast.audit.load import load
from holdfast.audit.planting import fresh_facts
from holdfast.audit.settings import Settings

QUICK = {"quick": True, "repeats": 2}
GOOD = ["great", "lovely", "excellent", "warm", "superb", "kind"]
BAD = ["awful", "cold", "broken", "rude", "dull", "noisy"]
PLAIN = ["the", "room", "staff", "food", "was", "place", "very", "and", "service", "view"]


def reviews(n: int, seed: int, words: list[str] = PLAIN) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.5
    texts = [" ".join([*rng.choice(words, 12), *rng.choice(GOOD if up else BAD, 2)]) for up in label]
    return pl.DataFrame({"review": texts, "label": np.where(label, "good", "bad")})


def test_text_alone_is_learnt_by_a_linear_model_and_new_words_are_seen() -> None:
    foreign = [f"wort{i}" for i in range(40)]
    report = holdfast.audit(reviews(300, 0), reviews(200, 1, foreign), target="label", **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]
    assert "linear" in report.record.model["name"]
    assert report["DRI002"].outcome == "found", report["DRI002"]
    performance = report["PER001"].estimate
    assert performance is not None
    assert performance.value < 0.1, "the words that matter are the same in both sets"


@pytest.mark.parametrize("rows", [120, 400])
def test_texts_of_one_kind_are_not_told_apart_by_components_that_fit_one_set(rows: int) -> None:
    words = [f"w{i}" for i in range(800)]
    comparing = ["DRI002", "OOD001", "DUP002"]
    reports = [
        holdfast.audit(reviews(rows, 2 * seed, words), reviews(rows, 2 * seed + 1, words), target="label", **QUICK)
        for seed in range(3)
    ]
    said = {f.code: [report[f.code].outcome for report in reports] for f in reports[0].findings if f.code in comparing}
    areas = [round(report["DRI002"].estimate.value, 2) for report in reports]
    assert said["DRI002"] == ["clear"] * 3, f"{said}, AUROC between the sets {areas}"
    assert all(outcomes.count("found") == 0 for outcomes in said.values()), said


def test_what_the_training_encoder_says_is_not_made_where_only_the_sets_are_compared() -> None:
    numbers = pl.DataFrame({"a": np.random.default_rng(0).normal(size=80), "label": ["no", "yes"] * 40})
    for table, shared in ((reviews(80, 0), False), (numbers, True)):
        facts = fresh_facts(load(table, table, target="label"), Settings())
        assert facts["ref_embedding"].shape == facts["cur_embedding"].shape
        assert ("train_embedding" in facts._known) == shared, "components of text are projected once, not twice"


def test_copies_of_texts_alone_are_no_coincidence() -> None:
    train, test = reviews(300, 0), reviews(200, 1)
    test = pl.concat([test, train[:20]])
    report = holdfast.audit(pl.concat([train, train[-30:]]), test, target="label", only=["DUP001", "DUP002"], **QUICK)
    found = {code: report[code].rows for code in ("DUP001", "DUP002")}
    assert {code: rows and rows.total for code, rows in found.items()} == {"DUP001": 30, "DUP002": 20}


def test_text_beside_numbers() -> None:
    frames = [f.with_columns(stars=pl.int_range(pl.len()) % 5) for f in (reviews(200, 0), reviews(150, 1))]
    report = holdfast.audit(*frames, target="label", **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]


def test_image_paths_are_read(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    digits = load_digits()
    rows = []
    for i in range(240):
        path = tmp_path / f"{i}.png"
        image.fromarray((digits.images[i] * 15).astype(np.uint8)).save(path)
        rows.append((str(path), str(digits.target[i] % 2)))
    frame = pl.DataFrame(rows, schema=["picture", "odd"], orient="row")
    report = holdfast.audit(frame[:160], frame[160:], target="odd", **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]
    kinds = {column.name: column.kind for column in report.record.columns}
    assert kinds["picture"] == "image"
    finding = report["PER001"]
    assert finding.estimate is not None
    shares = {label: value for label, value, *_ in finding.details[0].items}
    assert shares["test, all rows"] > 0.7, shares


def test_dates_many_categories_and_missing_values() -> None:
    rng = np.random.default_rng(0)
    n = 400
    frame = pl.DataFrame(
        {
            "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 1) + pl.duration(days=n - 1), eager=True),
            "shop": [f"shop {i}" for i in rng.integers(0, 300, n)],
            "size": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "open": rng.random(n) < 0.5,
            "sold": rng.normal(size=n),
        }
    )
    report = holdfast.audit(frame[:250], frame[250:], target="sold", **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]
    assert report["SCH001"].outcome == "found", "shops that training never saw"


def test_three_classes_with_one_unseen_in_training() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 4))
    y = np.array(["a", "b", "c"])[np.clip((X[:, 0] + 1.5).astype(int), 0, 2)]
    frame = pl.DataFrame(X, schema=list("pqrs")).with_columns(pl.Series("y", y))
    test = frame[300:].with_columns(pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("new")).otherwise("y").alias("y"))
    report = holdfast.audit(frame[:300], test, target="y", **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]
    assert report.record.sets[1].used_rows == 195
    assert any("5 of 200 test rows" in said for said in report.record.left_out)


def test_few_rows_are_refused_check_by_check() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "y": ["u", "v", "u", "v"]})
    report = holdfast.audit(frame, frame, target="y", **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]
    assert report["PER001"].outcome == "not_applicable"
    assert "at least 10" in report["PER001"].reason


def test_wide_tables_stay_quick() -> None:
    rng = np.random.default_rng(2)
    names = [f"c{i}" for i in range(1500)]
    frame = pl.DataFrame(rng.normal(size=(120, 1500)), schema=names).with_columns(
        pl.Series("y", rng.integers(0, 2, 120).astype(str))
    )
    report = holdfast.audit(frame[:80], frame[80:], target="y", only=["SCH001", "SCH002", "DRI001", "DUP001"], **QUICK)
    assert not [f.reason for f in report.findings if f.outcome == "error"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [6, 40, 61])
def test_tiny_tables_of_chance_give_no_error_and_no_warning(rows: int) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        train, test = (
            {"a": rng.normal(size=rows), "b": rng.choice(["x", "y"], rows), "label": rng.choice(["p", "q", "r"], rows)}
            for _ in range(2)
        )
        report = holdfast.audit(train, test, target="label", quick=True)
        errors = {finding.code: finding.reason for finding in report.findings if finding.outcome == "error"}
        assert not errors, errors
