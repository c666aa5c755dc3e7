"""The audit end to end: planted faults are found by the check that names them, clean data stay clean, prices hold."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.dummy import DummyClassifier

import holdfast
from holdfast.audit.check import Check, checks
from holdfast.audit.load import InputError
from holdfast.audit.records import OUTCOMES, Bars
from holdfast.audit.report import Report
from holdfast.datasets import heart_disease

SPEED = {"repeats": 2, "quick": True}


@cache
def cancer(seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Breast cancer split at random: nothing is wrong between the halves."""
    data = load_breast_cancer()
    frame = pl.DataFrame(data.data[:, :12], schema=[f"f{i}" for i in range(12)])
    frame = frame.with_columns(pl.Series("label", np.array(["malignant", "benign"])[data.target]))
    order = np.random.default_rng(seed).permutation(frame.height)
    return frame[order[:300]], frame[order[300:]]


def found(report: Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.outcome == "found"}


def test_codes_are_unique_and_titles_name_a_bad_state() -> None:
    codes = [check.code for check in checks()]
    assert len(codes) == len(set(codes))
    assert len(codes) >= 16
    for check in checks():
        assert check.title[0].islower(), check.title
        assert not check.title.endswith("."), check.title
        assert check.__doc__, check.code


def test_clean_halves_raise_no_alarm_between_them() -> None:
    between = {
        "SCH001",
        "SCH002",
        "SCH003",
        "DUP001",
        "DUP002",
        "DRI001",
        "DRI002",
        "DRI003",
        "DRI004",
        "ORD001",
        "LEA002",
        "PER001",
        "OOD001",
    }
    alarms = [found(holdfast.audit(*cancer(seed), target="label", **SPEED)) & between for seed in range(4)]
    assert sum(map(len, alarms)) <= 2, f"alarms on random halves: {alarms}"


def test_no_check_crashes_on_the_demo() -> None:
    train, test = heart_disease()
    report = holdfast.audit(train, test, target="disease", roles={"hospital": "group"}, repeats=2)
    errors = {finding.code: finding.reason for finding in report.findings if finding.outcome == "error"}
    assert not errors
    assert {finding.code for finding in report.findings} == {check.code for check in checks()}
    assert all(finding.outcome in OUTCOMES for finding in report.findings)
    assert {"SCH002", "PER001", "OOD001", "DRI001"} <= found(report)
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("code", "plant"),
    [
        ("SCH001", lambda a, b: (a, b.drop("f3"))),
        ("SCH002", lambda a, b: (a, b.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then("f1")))),
        ("SCH003", lambda a, b: (a.with_columns(f2=pl.lit(1.5)), b)),
        ("DUP001", lambda a, b: (pl.concat([a, a[:20]]), b)),
        ("DUP002", lambda a, b: (a, pl.concat([b, a[:10]]))),
        (
            "LEA002",
            lambda a, b: tuple(f.with_columns(leak=(pl.col("label") == "benign").cast(pl.Float64)) for f in (a, b)),
        ),
        ("ORD001", lambda a, b: (a.sort("label", "f0"), b)),
        ("DRI001", lambda a, b: (a, b.with_columns(pl.col("f4") * 2.54))),
        ("DRI002", lambda a, b: (a, b.with_columns(pl.col("f0") * 1.8))),
        (
            "DRI003",
            lambda a, b: (
                a,
                pl.concat([b.filter(pl.col("label") == "benign"), b.filter(pl.col("label") != "benign")[:20]]),
            ),
        ),
        ("PER001", lambda a, b: (a, b.with_columns(pl.col("label").shuffle(seed=1)))),
        ("OOD001", lambda a, b: (a, b.with_columns([pl.col(f"f{i}") * 9 for i in range(12)]))),
        (
            "LAB001",
            lambda a, b: (
                a.with_columns(
                    pl.when(pl.int_range(pl.len()) % 7 == 0).then(pl.lit("benign")).otherwise("label").alias("label")
                ),
                b,
            ),
        ),
    ],
)
def test_planted_fault_is_found_by_its_check(code: str, plant) -> None:
    train, test = plant(*cancer())
    report = holdfast.audit(train, test, target="label", only=[code], **SPEED)
    finding = report[code]
    assert finding.outcome == "found", f"{code}: {finding.outcome}, {finding.summary or finding.reason}"


def test_label_errors_are_named_and_dropping_them_is_priced() -> None:
    train, test = cancer()
    rng = np.random.default_rng(3)
    flip = np.sort(rng.choice(train.height, 60, replace=False))
    labels = np.array(train["label"].to_list())
    labels[flip] = np.where(labels[flip] == "benign", "malignant", "benign")
    report = holdfast.audit(
        train.with_columns(pl.Series("label", labels)), test, target="label", only=["LAB001"], repeats=5
    )
    finding = report["LAB001"]
    named = set(finding.remedies[0].rows)
    hit = len(named & set(flip.tolist()))
    assert hit / len(named) > 0.6, f"{hit} of {len(named)} named rows were flipped"
    assert hit / len(flip) > 0.5, f"{hit} of {len(flip)} flipped rows were named"
    assert finding.price is not None
    assert finding.price.gain is not None
    assert finding.price.gain.value > 0, f"dropping wrong labels gains {finding.price.gain}"


def test_a_harmful_remedy_has_a_negative_price() -> None:
    """Dropping a column that gives the answer away in both sets costs accuracy: the price must say so."""
    train, test = (f.with_columns(leak=(pl.col("label") == "benign").cast(pl.Float64)) for f in cancer())
    price = holdfast.audit(train, test, target="label", only=["LEA002"], repeats=3)["LEA002"].price
    assert price is not None
    assert price.gain is not None
    assert price.gain.value < 0


def test_no_drop_control_is_clear() -> None:
    report = holdfast.audit(*cancer(), target="label", only=["PER001"], **SPEED)
    assert report["PER001"].outcome in ("clear", "unsure")


def test_same_seed_same_report() -> None:
    def dump() -> str:
        record = holdfast.audit(
            *cancer(), target="label", repeats=2, only=["DUP001", "DRI001", "LAB001", "PER001"]
        ).to_dict()
        for volatile in ("timings", "created"):
            record.pop(volatile)
        for finding in record["findings"]:
            finding.pop("seconds")
        return json.dumps(record, sort_keys=True)

    assert dump() == dump()


def test_regression_one_set_and_no_target() -> None:
    data = load_diabetes(as_frame=True).frame
    report = holdfast.audit(data[:300], data[300:], target="target", **SPEED)
    assert not [f.reason for f in report.findings if f.outcome == "error"]
    alone = holdfast.audit(data, target="target", **SPEED)
    assert not [f.reason for f in alone.findings if f.outcome == "error"]
    assert alone["DRI001"].outcome == "not_applicable"
    unlabelled = holdfast.audit(data.drop(columns="target")[:300], data.drop(columns="target")[300:], **SPEED)
    assert not [f.reason for f in unlabelled.findings if f.outcome == "error"]
    assert unlabelled["LAB001"].outcome == "not_applicable"


def test_unlabelled_test_set_is_priced_out_of_fold() -> None:
    train, test = cancer()
    report = holdfast.audit(
        pl.concat([train, train[:30]]), test.drop("label"), target="label", only=["DUP001", "PER001"], repeats=2
    )
    assert report["PER001"].outcome == "not_applicable"
    price = report["DUP001"].price
    assert price is not None
    assert price.gain is not None
    assert price.gain.n == train.height + 30


def test_a_given_model_is_used_and_refitted() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = cancer()
    names = [name for name in train.columns if name != "label"]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        train.select(names).to_pandas(), train["label"].to_numpy()
    )
    report = holdfast.audit(
        pl.concat([train, train[:30]]), test, target="label", model=model, only=["PER001", "DUP001"], repeats=2
    )
    assert report.record.model["name"].startswith("Pipeline")
    price = report["DUP001"].price
    assert price is not None
    assert price.gain is not None, price.reason


def test_a_model_of_other_columns_is_refused() -> None:
    from sklearn.linear_model import LogisticRegression

    train, test = cancer()
    model = LogisticRegression().fit(load_digits().data[:100, :3], load_digits().target[:100] > 4)
    with pytest.raises(InputError, match="model"):
        holdfast.audit(train, test, target="label", model=model, **SPEED)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"metric": "rmse"}, "accuracy"),
        ({"ignore": {"LAB001": " "}}, "reason"),
        ({"only": ["LAB999"]}, "LAB001"),
        ({"repeats": 1}, "at least 2"),
        ({"target": "lable"}, "label"),
        ({"proba": np.ones((3, 2))}, "proba"),
        ({"proba": ["sure"]}, "no column 'sure'"),
    ],
)
def test_wrong_arguments_are_explained(settings: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        holdfast.audit(*cancer(), **{"target": "label", **settings})


def test_an_ignored_check_shows_its_reason() -> None:
    report = holdfast.audit(*cancer(), target="label", ignore={"LAB001": "labels are audited elsewhere"}, **SPEED)
    assert report.record.ignored == {"LAB001": "labels are audited elsewhere"}
    assert "LAB001" not in {finding.code for finding in report.findings}


def test_one_crashed_check_is_an_outcome() -> None:
    class Crash(Check):
        """Crashes."""

        code, title = "ZZZ001", "crashes"

        def run(self):
            raise RuntimeError("boom")

    try:
        from holdfast.audit.probes import Probes
        from holdfast.audit.run import run_check

        finding = run_check(Crash(), Probes())
        assert (finding.outcome, finding.reason) == ("error", "RuntimeError: boom")
    finally:
        del Crash
        import gc

        gc.collect()


def test_large_sets_are_sampled_and_said_so() -> None:
    train, test = cancer()
    report = holdfast.audit(train, test, target="label", max_rows=150, only=["PER001"], **SPEED)
    assert report.record.sets[0].used_rows == 150
    assert any("random 150 of 300 train rows" in said and "1.4 times" in said for said in report.record.left_out)


def test_power_of_an_all_clear_is_measured_and_monotone() -> None:
    report = holdfast.audit(*cancer(), target="label", only=["DUP001", "DRI001"], repeats=2)
    power = report["DUP001"].power
    assert power is not None
    assert power.smallest is not None
    assert power.smallest <= 0.01
    rates = [rate for _, rate, _ in power.curve]
    assert rates[-1] >= 0.8


def test_kept_powers_are_found_again_and_never_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.audit import power

    train, test = cancer()
    measured = []
    of = power.power_of
    monkeypatch.setattr(power, "power_of", lambda check, bases: measured.append(check.code) or of(check, bases))

    def audited(train: Any = train, **settings: Any) -> dict[str, Any]:
        measured.clear()
        call: dict[str, Any] = {"only": ["DUP001", "SCH002"], "repeats": 2, "cache": tmp_path / "kept", **settings}
        return holdfast.audit(train, test, target="label", **call).to_dict()

    first = audited()
    assert measured == ["DUP001", "SCH002"]
    again = audited(repeats=3)
    assert not measured and [f["power"] for f in again["findings"]] == [f["power"] for f in first["findings"]]
    assert again["left_out"] == first["left_out"]
    monkeypatch.setattr(power, "power_of", of)
    assert audited(cache=None)["findings"][0]["power"] == first["findings"][0]["power"], "as measured anew"
    monkeypatch.setattr(power, "power_of", lambda check, bases: measured.append(check.code) or of(check, bases))
    given = DummyClassifier().fit(train.drop("label").to_numpy(), train["label"].to_numpy())
    for other in ({"seed": 1}, {"max_rows": 250}, {"train": train[:-1]}, {"model": given}):
        audited(**other, only=["DUP001"])
        assert measured == ["DUP001"], f"taken from an audit of something else: {other}"
    (tmp_path / "file").write_text("")
    stages: list[str] = []
    with pytest.raises(InputError, match="is a file; expected a folder"):
        audited(cache=tmp_path / "file", progress=lambda stage, *_: stages.append(stage))
    assert not stages, "told before any work"


def test_given_predictions_are_shown_and_compared_with_nothing_of_another_model() -> None:
    """Probabilities of a coin: the probe's training score must not make a drop of them."""
    train, test = cancer()
    coin = np.random.default_rng(0).uniform(0.01, 0.99, test.height)
    named = test.with_columns(pl.Series("p", coin))
    report = holdfast.audit(train, named, target="label", proba=["p"], roles={"p": "proba"}, **SPEED)
    by_array = holdfast.audit(train, test, target="label", proba=coin, only=["PER001"], **SPEED)
    assert by_array["PER001"].reason == report["PER001"].reason
    performance = report["PER001"]
    assert performance.outcome == "not_applicable"
    bars = performance.details[0]
    assert isinstance(bars, Bars)
    assert abs(bars.items[0][1] - 0.5) < 0.12, "the accuracy shown is that of the predictions given"
    assert [report[code].outcome for code in ("PER002", "PER003")] == ["not_applicable"] * 2
    assert report["DRI003"].outcome == "clear", "class shares are judged by one model on both sets"
    assert report["CAL001"].outcome == "found"
    assert not report["CAL001"].remedies
    assert any("predictions on the test set were given" in line for line in report.record.left_out)
    assert not [f.reason for f in report.findings if f.outcome == "error"]


def test_power_on_a_very_wide_table_is_left_to_the_drill() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"c{i}": rng.normal(size=60) for i in range(1_001)}).with_columns(y=pl.Series([0, 1] * 30))
    record = holdfast.audit(frame, target="y", only=["DUP001"], repeats=2).to_dict()
    assert record["findings"][0]["power"] is None
    assert any("too slow to look at again" in said for said in record["left_out"]), record["left_out"]
