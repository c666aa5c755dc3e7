"""Profiles: what a bench chose is what the audit uses, says and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_bench_verb import FEW, NOISE, table

import holdfast
from holdfast.audit.choice import Choice
from holdfast.audit.conformal import outliers
from holdfast.audit.load import InputError, load
from holdfast.audit.planting import fresh_facts
from holdfast.audit.profile import read_profile
from holdfast.audit.settings import Settings

CHOSEN: dict[str, dict[str, Any]] = {
    "labels": {"method": "labels.NearestNeighbourLabels", "settings": {"k": 7}, "view": ""},
    "ood": {"method": "ood.Mahalanobis", "settings": {}, "view": ""},
    "numbers": {"method": "shift.MannWhitney", "settings": {}, "view": ""},
    "rows": {"method": "shift.MaximumMeanDiscrepancy", "settings": {}, "view": ""},
    "estimation": {"method": "estimation.CBPE", "settings": {"calibration": "always"}, "view": ""},
    "weighting": {"method": "weighting.KernelMeanMatching", "settings": {}, "view": ""},
}


def frames() -> tuple[dict[str, Any], dict[str, Any]]:
    """Training rows of which some labels are wrong; test rows that moved, and twelve far from everything."""
    train, test = table(200), table(150, seed=1)
    train["label"][:12] = np.where(train["label"][:12] == "no", "yes", "no")
    test["c"] = test["c"] + 1.5
    test["a"][:12] += 40
    return train, test


def profile(data: dict[str, Any], **chosen: dict[str, Any]) -> dict[str, Any]:
    from holdfast.audit.load import load

    loaded = load(data, target="label")
    about = {"fingerprint": loaded.train.fingerprint, "features": ["a", "b", "c", "place"], "target": "label",
             "task": "binary", "path": "elsewhere.csv"}  # fmt: skip
    return {"schema": "holdfast/profile/1", "version": holdfast.__version__, "data": about,
            "choices": chosen or CHOSEN}  # fmt: skip


def test_checks_use_the_chosen_methods_and_say_so() -> None:
    train, test = frames()
    codes = ["LAB001", "OOD001", "DRI001", "DRI002", "PER002"]
    given: dict[str, Any] = {"target": "label", "only": codes, "quick": True}
    plain = holdfast.audit(train, test, **given)
    report = holdfast.audit(train, test, profile=profile(train), **given)
    said = {"LAB001": "NearestNeighbourLabels(k=7)", "OOD001": "Mahalanobis", "DRI001": "MannWhitney",
            "DRI002": "MaximumMeanDiscrepancy", "PER002": "CBPE(calibration='always')"}  # fmt: skip
    for code, name in said.items():
        finding = report[code]
        assert finding.outcome in ("found", "clear", "unsure"), f"{code}: {finding.reason}"
        assert any("chosen by planting" in words and name in words for words in finding.because), code
        assert not any("chosen by planting" in words for words in plain[code].because), code
        assert name.split("(")[0] in " ".join(finding.sources)
    assert report["DRI001"].outcome == report["DRI002"].outcome == "found"
    strange = report["OOD001"].rows
    assert strange is not None and {row.row for row in strange.shown} >= set(range(12)), "the twelve far rows are named"
    wrong = report["LAB001"].rows
    assert wrong is not None and len({row.row for row in wrong.shown} & set(range(12))) >= 8
    assert "weighting.KernelMeanMatching" in report["DRI002"].sources and report["DRI002"].remedies
    assert report.to_dict()["settings"]["chosen"]["ood"]["method"] == "ood.Mahalanobis"


@pytest.mark.parametrize("view", ["linear", "kernel", "votes"])
def test_a_choice_says_whose_probabilities_it_reads(view: str) -> None:
    train, test = frames()
    chosen = {"labels": {"method": "labels.NoiseCorrectedPosterior", "settings": {}, "view": view}}
    report = holdfast.audit(train, test, target="label", only=["LAB001"], quick=True, profile=profile(train, **chosen))
    assert any(f"NoiseCorrectedPosterior, {view}." in words for words in report["LAB001"].because)


def test_without_a_weigher_that_helps_no_weights_are_offered() -> None:
    train, test = frames()
    chosen = {"weighting": {"method": "", "name": "none"}}
    report = holdfast.audit(train, test, target="label", only=["DRI002"], quick=True, profile=profile(train, **chosen))
    assert not report["DRI002"].remedies and "No weights are offered" in " ".join(report["DRI002"].because)


def test_the_profile_of_a_bench_is_read_by_the_audit(tmp_path: Path) -> None:
    train, test = frames()
    bench = holdfast.bench("labels", train, test, target="label", faults=NOISE, draws=1, only=FEW[:1])
    bench.save(tmp_path)
    for source in (bench, tmp_path / "profile.json", str(tmp_path / "profile.json")):
        report = holdfast.audit(train, test, target="label", only=["LAB001"], quick=True, profile=source)
        assert "labels.NearestNeighbourLabels" in report["LAB001"].sources
        assert not any("other rows" in line for line in report.record.left_out)


def test_other_rows_are_a_remark_and_other_data_are_refused() -> None:
    train, test = frames()
    known = profile(train)
    other = {name: values[:150] for name, values in train.items()}
    report = holdfast.audit(other, test, target="label", only=["SCH001"], quick=True, profile=known)
    assert any("other rows (elsewhere.csv)" in line for line in report.record.left_out)
    old = holdfast.audit(
        train, test, target="label", only=["SCH001"], quick=True, profile={**known, "version": "0.0.1"}
    )
    assert any("Holdfast 0.0.1" in line for line in old.record.left_out)
    with pytest.raises(InputError, match="other columns: 'c'"):
        holdfast.audit({k: v for k, v in train.items() if k != "c"}, target="label", profile=known, quick=True)
    with pytest.raises(InputError, match="made for target 'label'"):
        holdfast.audit(train, target="place", profile=known, quick=True)


def test_a_choice_that_takes_too_long_on_many_rows_is_left_for_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = frames()
    monkeypatch.setattr("holdfast.audit.run.QUADRATIC_ROWS", 100)
    report = holdfast.audit(train, test, target="label", only=["SCH001"], quick=True, profile=profile(train))
    assert any("MaximumMeanDiscrepancy was chosen for rows, but takes too long" in s for s in report.record.left_out)
    assert set(report.to_dict()["settings"]["chosen"]) == set(CHOSEN) - {"rows"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "holdfast/report/1"}, "is no profile"),
        ({"schema": "holdfast/profile/2"}, "pip install -U"),
        ({"choices": {}}, "damaged"),
        ({"choices": {"labels": {"method": "os.system"}}}, "does not have"),
        ({"choices": {"labels": {"method": "faults.TargetLeak"}}}, "does not have"),
        ({"choices": {"everything": {"method": "ood.Mahalanobis"}}}, "no choice of 'everything'"),
        ({"choices": {"ood": {"method": "ood.Mahalanobis", "settings": {"power": 3}}}}, "no setting 'power'"),
        ({"choices": {"ood": {"method": "ood.MaxSoftmax", "view": "tea leaves"}}}, "cannot be read"),
        ({"data": 3}, "damaged"),
    ],
)
def test_a_damaged_profile_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_profile({**profile(table()), **change})


def test_files_that_are_no_profiles_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("not json")
    (tmp_path / "list.json").write_text(json.dumps([1]))
    for name, words in (("text.json", "not JSON"), ("list.json", "is no profile"), ("none.json", "cannot read")):
        with pytest.raises(InputError, match=words):
            read_profile(tmp_path / name)


def test_a_score_fitted_on_the_rows_met_never_scores_its_own() -> None:
    """Fitted and asked on the same rows, a classifier of training against test would call ordinary rows strange."""
    rng = np.random.default_rng(3)
    chosen = {"ood": {"method": "ood.PluginSCOD", "settings": {}, "view": ""}}
    named = []
    for _ in range(5):
        train, test = ({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.normal(size=n),
                        "place": rng.choice(["north", "south"], n), "label": rng.choice(["no", "yes"], n)}
                       for n in (300, 250))  # fmt: skip
        report = holdfast.audit(
            train, test, target="label", only=["OOD001"], quick=True, profile=profile(train, **chosen)
        )
        finding = report["OOD001"]
        assert finding.outcome in ("found", "clear", "unsure"), finding.reason
        named.append(0 if finding.rows is None else finding.rows.total)
    assert np.mean(named) <= 2, f"of 250 ordinary rows {named} were called strange"


@pytest.mark.parametrize("rows", [(200, 6), (30, 40)])
def test_a_score_fitted_on_the_rows_met_scores_every_row_of_a_few(rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    train, test = ({"a": rng.normal(size=n), "label": rng.choice(["no", "yes"], n)} for n in rows)
    facts = fresh_facts(load(train, test, target="label"), Settings(folds=3))
    found = outliers(Choice("ood.PluginSCOD"), facts, rate=0.1, seed=0)
    assert np.all(found.scores != 0), f"rows that no fold scored: {np.flatnonzero(found.scores == 0)}"


def test_rows_met_that_are_fewer_than_the_folds_of_few_training_rows_are_all_scored() -> None:
    rng = np.random.default_rng(0)
    train, test = ({"a": rng.normal(size=n), "label": np.array(["no", "yes"] * n)[:n]} for n in (8, 40))
    facts = fresh_facts(load(train, test, target="label"), Settings(folds=2))
    assert np.all(outliers(Choice("ood.PluginSCOD"), facts, rate=0.1, seed=0).scores != 0)
