"""Real files as they are found, where `HOLDFAST_DATA` points to them."""

import os
from pathlib import Path

import pytest

from holdfast.audit.load import encode_target, load

ROOT = os.environ.get("HOLDFAST_DATA", "")
pytestmark = pytest.mark.skipif(not ROOT, reason="HOLDFAST_DATA does not point to the real data sets")


def file(name):
    path = Path(ROOT) / name
    if not path.exists():
        pytest.skip(f"{name} is not in HOLDFAST_DATA")
    return path


def roles(loaded):
    return {column.name: column.role for column in loaded.columns}


def test_adult_has_no_header_a_title_and_other_labels_in_test():
    loaded = load(file("adult/adult.data.gz"), file("adult/adult.test.gz"), target="x14")
    assert (loaded.train.frame.height, loaded.test.frame.height) == (32_561, 16_281)
    assert loaded.task.classes == ("<=50K", ">50K")
    codes, notes = encode_target(loaded, "test")
    assert (codes == 1).sum() == 3846
    assert notes == ("label '<=50K.' was read as '<=50K'", "label '>50K.' was read as '>50K'")
    assert sum("'?' count as missing" in note for note in loaded.train.notes) == 3
    assert "left out 1 line(s) above the table" in loaded.test.notes
    assert {column.kind for column in loaded.features()} == {"number", "category"}


def test_wine_is_separated_by_spaces_under_a_hash():
    loaded = load(
        file("wine_quality/winequality-white.csv.gz"), file("wine_quality/winequality-red.csv.gz"), target="quality"
    )
    assert loaded.train.frame.shape == (4898, 12)
    assert loaded.test.frame.shape == (1599, 12)
    assert loaded.train.frame.columns[:2] == ["fixed acidity", "volatile acidity"]
    assert {column.kind for column in loaded.columns} == {"number"}
    assert loaded.train.notes == ()


def test_employment_is_packed_parquet_with_a_models_predictions():
    loaded = load(
        file("employment_ma/employment_MA_reference.pq.gz"),
        file("employment_ma/employment_MA_analysis.pq.gz"),
        target="employed",
    )
    assert (loaded.train.frame.height, loaded.test.frame.height) == (68_785, 208_892)
    found = roles(loaded)
    assert found["id"] == "id"
    assert (found["predicted_probability"], found["prediction"]) == ("proba", "ignored")
    assert "taken as unlabelled" in loaded.test.notes[0]


def test_compas_repeats_names_and_mixes_dates_ids_and_gaps():
    loaded = load(file("compas/compas-scores-two-years.csv.gz"), target="two_year_recid")
    assert loaded.train.frame.shape == (7214, 53)
    found = roles(loaded)
    assert found["id"] == "id"
    assert found["c_case_number"] == "id"
    assert found["dob"] == "time"
    assert found["violent_recid"] == "ignored", "no cell holds anything"
    assert loaded.train.notes == (
        "the header repeats column names: the repeats are called 'decile_score_2', 'priors_count_2'",
    )


def test_youtube_comments_are_text_by_authors():
    loaded = load(file("youtube_spam/Youtube01-Psy.csv"), file("youtube_spam/Youtube02-KatyPerry.csv.gz"))
    assert loaded.task.target == "label"
    assert roles(loaded) == {
        "COMMENT_ID": "id",
        "AUTHOR": "group",
        "DATE": "time",
        "CONTENT": "text",
        "label": "target",
    }


def test_messages_keep_their_quotes_and_lines():
    loaded = load(file("sms_spam/SMSSpamCollection.gz"), target="x0")
    assert loaded.train.frame.height == 5575
    assert loaded.task.classes == ("ham", "spam")
    assert "(the first, at line 6, has 1): all of their cells count as missing" in " ".join(loaded.train.notes)
    assert loaded.columns[1].role == "text"


@pytest.mark.parametrize(
    ("name", "rows"), [("liar/train.tsv.gz", 10_269), ("sentiment_sentences_3domains/imdb_labelled.txt.gz", 1000)]
)
def test_stray_quotes_swallow_no_line(name, rows):
    assert load(file(name)).train.frame.height == rows


def test_students_have_a_numeric_grade():
    loaded = load(file("student_performance/student-por.csv.gz"), target="G3")
    assert loaded.task.kind == "regression"
    values, _ = encode_target(loaded, "train")
    assert values.mean() == pytest.approx(11.906, abs=1e-3)


def test_hourly_air_has_empty_columns_and_rows():
    loaded = load(file("air_quality_uci/AirQualityUCI.csv.gz"))
    assert loaded.train.frame.height == 9357
    assert roles(loaded)["column_15"] == "ignored"
    assert "left out 114 empty row(s) at the end" in loaded.train.notes
