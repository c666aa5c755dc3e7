"""The bench: what is ranked, what cannot be told apart, what is kept when it is killed, what it refuses."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holdfast
from holdfast.audit.choice import Choice
from holdfast.audit.journal import Journal
from holdfast.audit.load import InputError, load
from holdfast.audit.planting import fresh_facts
from holdfast.audit.settings import Settings
from holdfast.audit.supply import Supply
from holdfast.bench.candidates import variants
from holdfast.bench.families import NAMES
from holdfast.bench.families.labels import ALONE
from holdfast.bench.prior import combined, fitted_weight, shipped
from holdfast.bench.ranking import breaks_level, friedman, mean_interval, tiers
from holdfast.bench.report import BenchReport
from holdfast.labels import ConfidentLearning, EnsembleNoiseCorrected, NoiseCorrectedPosterior
from holdfast.shift import ClassifierTwoSample

NOISE = ["SymmetricLabelNoise"]
FEW = ["NearestNeighbourLabels", "ConfidentLearning"]  # that cost next to nothing


def table(n: int = 120, seed: int = 0, classes: int = 2) -> dict[str, Any]:
    """Two numbers that tell the class, one that does not, and a category."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    return {
        "a": rng.normal(size=n) + 3 * y, "b": rng.normal(size=n) - 2 * y, "c": rng.normal(size=n),
        "place": rng.choice(["north", "south"], n), "label": np.array(["no", "yes", "maybe"])[y],
    }  # fmt: skip


@pytest.fixture(scope="module")
def labels() -> BenchReport:
    return holdfast.bench("labels", table(), target="label", faults=NOISE, draws=2, only=FEW)


def test_methods_are_ranked_by_what_they_find(labels: BenchReport) -> None:
    values = [row["found"]["value"] for row in labels.ranking]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8, f"wrong labels in two well separated classes are found at {values[0]:.2f} average precision"
    assert [row["rank"] for row in labels.ranking] == list(range(1, len(values) + 1))
    assert labels.choices["labels"]["first"] == labels.ranking[0]["name"]
    assert labels.choices["labels"]["name"] in [row["name"] for row in labels.ranking]
    for row in labels.ranking:
        assert row["found"]["low"] <= row["found"]["value"] <= row["found"]["high"]
        assert row["cost"]["n"] == 4 and row["seconds"] >= 0 and row["peak_mb"] > 0


def test_one_kind_of_model_alone_is_ranked_in_the_usual_setting_only(labels: BenchReport) -> None:
    names = [row["name"] for row in labels.ranking if row["name"].startswith("ConfidentLearning")]
    for kind in ALONE:
        assert [name for name in names if name.endswith(kind)] == [f"ConfidentLearning, {kind}"]
    assert len([name for name in names if name.endswith("votes")]) > 1


def test_probabilities_of_one_kind_are_those_the_votes_are_the_mean_of() -> None:
    data = table(120)
    facts = fresh_facts(load(data, target="label"), Settings(folds=3, seed=1))
    supply = Supply(facts, "train")
    seen = {view: supply.arguments(["probs"], view)["probs"] for view in ("model", "votes", *ALONE)}
    assert all(probs.shape == (120, 2) for probs in seen.values())
    np.testing.assert_allclose(seen["votes"], np.mean([seen[view] for view in ("model", *ALONE)], axis=0), rtol=1e-12)
    alone = EnsembleNoiseCorrected(models=("linear",), folds=3, seed=1)
    expected = alone.mean_probabilities(X=facts["train_embedding"].astype(np.float64), y=facts["train_y"])
    np.testing.assert_array_equal(seen["linear"], expected)


def test_what_does_not_apply_is_listed_with_the_reason() -> None:
    report = holdfast.bench("labels", table(), target="label", faults=NOISE, draws=1,
                            only=[*FEW[:1], "RegressionVeracity", "LabelNoiseRate"])  # fmt: skip
    assert "numeric target" in report.record["not_applicable"]["labels.RegressionVeracity"]
    assert "measure" in report.record["not_applicable"]["labels.LabelNoiseRate"]


def test_the_same_seed_gives_the_same_ranking(labels: BenchReport) -> None:
    again = holdfast.bench("labels", table(), target="label", faults=NOISE, draws=2, only=FEW)
    timed = ("seconds", "peak_mb", "created")

    def plain(report: BenchReport) -> str:
        rows = [{key: value for key, value in row.items() if key not in timed} for row in report.ranking]
        return json.dumps(sorted(rows, key=lambda row: row["name"]), sort_keys=True)

    assert plain(labels) == plain(again)


def test_settings_that_are_choices_of_names_are_candidates() -> None:
    settings = list(variants(ConfidentLearning))
    assert {} in settings and {"score": "normalized_margin", "adjust": True} in settings and len(settings) == 6
    assert list(variants(NoiseCorrectedPosterior)) == [{}, {"calibrate": False}]
    assert list(variants(ClassifierTwoSample)) == [{}], "explain changes no answer: it is silent"


def test_a_killed_bench_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[int] = []

    def interrupt(stage: str, done: int, total: int) -> None:
        told.append(done)
        if stage.startswith("planting") and done == 2:
            raise KeyboardInterrupt

    given: dict[str, Any] = {"target": "label", "faults": NOISE, "only": FEW[:1], "draws": 2, "out": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        holdfast.bench("labels", table(), progress=interrupt, **given)
    journal = tmp_path / "bench-labels.journal"
    lines = journal.read_text().splitlines()
    assert len(lines) == 3, "the head and two plantings"
    marked = json.loads(lines[1].rpartition(" ")[0])
    for outcome in marked["value"]["outcomes"].values():
        outcome["found"] = 0.125
    text, before = json.dumps(marked), lines[0].rpartition(" ")[2]
    line = f"{text} {blake2b(f'{before}{text}'.encode(), digest_size=8).hexdigest()}"
    journal.write_text("\n".join([lines[0], line, lines[2][: len(lines[2]) // 2]]))
    report = holdfast.bench("labels", table(), **given)
    whole = holdfast.bench("labels", table(), target="label", faults=NOISE, draws=2, only=FEW[:1])
    first = {row["name"]: row["found"]["value"] for row in report.ranking}
    for row in whole.ranking:
        assert first.get(row["name"], 0) < row["found"]["value"], "the planting in the journal was not done again"
    report.save()
    assert not journal.exists() and (tmp_path / "bench-labels.json").exists()


def test_a_journal_of_another_bench_is_begun_anew(tmp_path: Path) -> None:
    def journal(draws: int) -> Journal:
        return Journal(tmp_path / "j", {"draws": draws}, anew=True)

    first = journal(1)
    first.add("key", {"amount": 1})
    first.close()
    again = journal(1)
    again.close()
    assert again.entries == {"key": {"amount": 1}}
    other = journal(2)
    other.add("another", {"amount": 2})
    other.close()
    last = journal(2)
    last.remove()
    assert last.entries == {"another": {"amount": 2}} and not list(tmp_path.iterdir())


def test_page_and_profile_are_written(labels: BenchReport, tmp_path: Path) -> None:
    page = labels.save(tmp_path).read_text()
    assert labels.choices["labels"]["name"].split("(")[0] in page and "script-src" not in page and "<script" not in page
    profile = json.loads((tmp_path / "profile.json").read_text())
    assert profile["choices"]["labels"]["method"] == labels.choices["labels"]["method"]
    assert json.loads((tmp_path / "bench-labels.json").read_text()) == labels.to_dict()


def test_names_in_the_page_stay_text() -> None:
    data = table()
    data["<script>alert(1)</script>"] = data.pop("c")
    data["<b>label</b>"] = data.pop("label")
    report = holdfast.bench("labels", data, target="<b>label</b>", faults=NOISE, draws=1, only=FEW[:1])
    assert (
        "<b>label</b>" not in report._repr_html_().replace("&lt;b&gt;", "") and "<script>" not in report._repr_html_()
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"family": "label"}, "Did you mean 'labels'"),
        ({"faults": ["SymetricLabelNoise"]}, "Did you mean 'SymmetricLabelNoise'"),
        ({"only": ["ConfidentLerning"]}, "Did you mean 'ConfidentLearning'"),
        ({"target": "lable"}, "Did you mean 'label'"),
        ({"target": None, "train": {"a": range(80), "b": range(80)}}, "name it as the target"),
        ({"train": table(40)}, "at least 60"),
        ({"draws": 0}, "at least 1"),
        ({"faults": ["ColumnShift"]}, "no fault that a bench of labels plants has a place"),
        ({"metric": "r2"}, "does not fit"),
    ],
)
def test_what_cannot_be_done_is_said(change: dict[str, Any], words: str) -> None:
    given = {
        "family": "labels",
        "train": table(),
        "target": "label",
        "faults": NOISE,
        "draws": 1,
        "only": FEW[:1],
        **change,
    }
    with pytest.raises(InputError, match=words):
        holdfast.bench(given.pop("family"), given.pop("train"), **given)


def test_a_folder_with_a_profile_of_other_data_is_refused_before_any_work(labels: BenchReport, tmp_path: Path) -> None:
    labels.save(tmp_path)
    worked: list[str] = []
    with pytest.raises(InputError, match="other data"):
        holdfast.bench("labels", table(seed=1), target="label", faults=NOISE, draws=1, only=FEW[:1], out=tmp_path,
                       progress=lambda stage, done, total: worked.append(stage))  # fmt: skip
    assert worked == ["reading"]


# --- ranking -----------------------------------------------------------------------------------------------------
def test_intervals_cover_the_mean_over_all_possible_draws() -> None:
    rng = np.random.default_rng(0)
    cells, truth, hits = ["a"] * 4 + ["b"] * 4, (0.2 + 0.8) / 2, 0
    for trial in range(300):
        values = np.concatenate([rng.normal(0.2, 0.1, 4), rng.normal(0.8, 0.1, 4)])
        interval = mean_interval(values, cells, trial)
        hits += interval.low <= truth <= interval.high
    assert 0.80 <= hits / 300 <= 0.97, f"90 % intervals held the truth in {hits} of 300 trials"


def test_one_draw_says_nothing_about_how_sure_it_is() -> None:
    interval = mean_interval(np.array([0.2, 0.8]), ["a", "b"], 0)
    assert interval.value == 0.5 and interval.low == -np.inf and interval.high == np.inf


def test_alike_methods_share_a_tier_and_false_splits_are_rare() -> None:
    rng, split = np.random.default_rng(1), 0
    for _ in range(200):
        values = rng.normal(size=(5, 1, 20)).sum(axis=1)
        split += max(tiers(values[np.argsort(-values.mean(axis=1))])) > 1
    assert split / 200 < 0.25, f"five equal methods were told apart in {split} of 200 benches"
    assert tiers(np.array([[0.9] * 12, [0.5] * 12, [0.5] * 12]) + rng.normal(0, 0.01, (3, 12))) == [1, 2, 2]


def test_friedman_holds_its_level() -> None:
    rng = np.random.default_rng(2)
    pvalues = [friedman(rng.normal(size=(6, 15))) for _ in range(300)]
    share = float(np.mean([p is not None and p < 0.05 for p in pvalues]))
    assert share < 0.1, f"six equal methods: p < .05 in {share:.1%} of benches"
    assert friedman(np.ones((2, 9))) is None and friedman(np.ones((3, 9))) == 1.0


def test_level_breaking_allows_for_chance() -> None:
    assert not breaks_level(0, 0) and not breaks_level(3, 20) and breaks_level(6, 20)


def test_names_of_candidates_say_what_they_are() -> None:
    assert Choice("labels.ConfidentLearning", {"adjust": True}, "votes").name == "ConfidentLearning(adjust=True), votes"
    assert Choice("", {}, "consensus of four").name == "consensus of four"


# --- the choice --------------------------------------------------------------------------------------------------
def test_a_choice_leans_on_other_data_sets_as_far_as_their_weight_says() -> None:
    planted, prior = [0.8, 0.7, 0.6], np.array([-0.2, 0.15, 0.05])
    picks = [int(combined(planted, prior, weight).argmax()) for weight in (1.0, 0.5, 0.0)]
    assert picks == [0, 1, 1]


def test_the_weight_is_the_one_with_which_choices_were_worth_most() -> None:
    rng = np.random.default_rng(0)
    worth = {str(i): rng.normal(0, 0.1, 6) for i in range(30)}
    telling = {key: values + rng.normal(0, 0.01, 6) for key, values in worth.items()}
    noise = {key: rng.normal(0, 0.1, 6) for key in worth}
    common = {key: values + np.linspace(0, 0.5, 6) for key, values in worth.items()}
    assert fitted_weight(telling, worth) >= 0.5, "planting that tells the truth is believed"
    assert fitted_weight(noise, common) <= 0.25, "planting that tells nothing is not"


def test_what_is_shipped_is_what_the_record_says() -> None:
    root = Path(__file__).parents[2]
    run = json.loads((root / "benchmarks" / "records" / "choice_by_planting.json").read_text())[-1]
    for family, table_ in run["families"].items():
        assert shipped(family) == {"weight": table_["weight"], "sets": len(table_["rows"]), "prior": table_["prior"]}
        page = (root / "docs" / "bench.md").read_text()
        gain = table_["summary"]["choice over default"]
        line = [line for line in page.splitlines() if line.startswith(f"| {family} |")][1]
        assert f"{gain['gain']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})" in line
        lost = [row["set"] for row in table_["rows"] if row["choice"] < row["default"] - 1e-9]
        said = next(line for line in page.splitlines() if line.startswith(f"- {family}:"))
        assert all(name in said for name in lost) and len(lost) == gain["losses"]
        assert len(table_["rows"]) >= 20
    assert set(run["families"]) == set(NAMES)


def test_no_weights_is_a_choice_too() -> None:
    report = holdfast.bench("weighting", table(160), target="label", faults=["ExponentialTilt"], draws=1,
                            only=["LogisticRatio", "KernelMeanMatching"])  # fmt: skip
    chosen = report.choices["weighting"]
    assert chosen["method"] in ("", "weighting.LogisticRatio", "weighting.KernelMeanMatching")
    assert (chosen["method"] == "") == (chosen["name"] == "none") == bool(chosen["why"])
    assert {row["name"] for row in report.ranking} >= {"LogisticRatio", "KernelMeanMatching"}


@pytest.mark.parametrize(
    ("family", "faults", "only", "slots"),
    [
        ("ood", ["UnitChange"], ["Mahalanobis", "NearestNeighbourDistance"], {"ood"}),
        ("shift", ["ColumnShift"], ["KolmogorovSmirnov", "ChiSquared"], {"numbers", "categories"}),
        ("estimation", ["ColumnShift"], ["CBPE", "AverageConfidence"], {"estimation"}),
    ],
)
def test_every_family_has_its_ranking(family: str, faults: list[str], only: list[str], slots: set[str]) -> None:
    report = holdfast.bench(family, table(160), target="label", faults=faults, draws=1, only=only)
    assert set(report.choices) == slots
    assert {row["name"].split("(")[0] for row in report.ranking} >= set(only)
    assert "Chosen" in report._repr_html_()
    if family == "shift":
        assert all(row["false_alarms"]["draws"] == 20 for row in report.ranking)
    if family == "ood":
        assert all("AUROC of the model's errors" in row["extras"] for row in report.ranking)
    if family == "estimation":
        assert all(row["found"]["value"] == row["cost"]["value"] < 0.5 for row in report.ranking)
