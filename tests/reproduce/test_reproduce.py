"""Every script of `reproduce/` gives its record again, and the records hold what they are quoted for."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "reproduce"
SCRIPTS = sorted(path.stem for path in ROOT.glob("*.py") if path.stem != "common")
needs_data = pytest.mark.skipif(
    not os.environ.get("HOLDFAST_DATA"), reason="HOLDFAST_DATA is not set: the published tables are not here"
)


def record(script: str) -> dict[str, Any]:
    return json.loads((ROOT / "records" / f"{script}.json").read_text(encoding="utf-8"))


def _load(name: str) -> Any:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module(name)


def _close(left: Any, right: Any, where: str) -> None:
    if isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for name in left:
            _close(left[name], right[name], f"{where}.{name}")
    elif isinstance(left, list):
        assert len(left) == len(right), where
        for number, pair in enumerate(zip(left, right, strict=True)):
            _close(*pair, f"{where}[{number}]")
    elif isinstance(left, float):
        assert right == pytest.approx(left, rel=1e-3, abs=1e-9), where
    else:
        assert left == right, where


@needs_data
@pytest.mark.parametrize("script", SCRIPTS)
def test_rerun_gives_the_record(script: str) -> None:
    module, plain = _load(script), _load("common").plain
    if hasattr(module, "sample"):  # all of it would take minutes
        _close(record(script)["sample"], plain(module.sample()), script)
        return
    _close(record(script), plain(module.results()), script)


def test_every_script_has_a_record_and_a_paper() -> None:
    tables = [*(ROOT.parent / "src" / "holdfast").glob("*/sources.toml"), ROOT / "sources.toml"]
    papers = {key for path in tables if path.exists() for key in tomllib.loads(path.read_text(encoding="utf-8"))}
    for script in SCRIPTS:
        assert (ROOT / "records" / f"{script}.json").exists(), f"{script} has no record: run it"
        assert script in papers, f"{script} is the key of no paper in a sources.toml"


def test_coverage_counts_scripts_with_a_record() -> None:
    from typer.testing import CliRunner

    from holdfast.audit.sources import reproduced
    from holdfast.cli.app import app

    done = CliRunner().invoke(app, ["methods", "--coverage"])
    assert done.exit_code == 0
    assert reproduced().keys() <= set(SCRIPTS)
    for key in reproduced():
        assert f"reproduce/{key}.py" in done.output


def test_recht_drops_and_slopes() -> None:
    found = record("recht2019imagenet")
    published, cifar, imagenet = found["published"], found["cifar"], found["imagenet"]
    assert cifar["slope"]["low"] < published["cifar_slope"] < cifar["slope"]["high"]
    assert imagenet["slope"][1] < published["imagenet_slope"] < imagenet["slope"][2]
    for name, part in (("cifar_drops", cifar), ("imagenet_drops", imagenet)):
        assert part["drops"] == pytest.approx(published[name], abs=0.012), name
    assert cifar["slope"]["low"] > 1.2, "a slope above one: no adaptive overfitting"
    assert cifar["mean_drop"]["pvalue"] < 1e-6


def test_gadre_losses_of_large_runs_are_predicted_from_five_small_ones() -> None:
    found = record("gadre2024language")
    assert len(found) == 6
    for name, run in found.items():
        loss = run["loss"]
        assert abs(loss["relative"]) < 0.04, f"{name}: {loss['relative']:.3f}"
        assert loss["predicted"]["low"] < loss["seen"] < loss["predicted"]["high"], name


def test_miller_drops_are_graded_as_published_and_people_do_not_drop() -> None:
    found = record("miller2020effect")
    published = found["published_drops_from_the_original_set"]
    offsets = [drop - found[name]["drop"][0] for name, drop in published.items()]
    assert max(offsets) - min(offsets) < 0.5, "drops from another usual set differ by one constant"
    for name in published:
        assert found[name]["drop"][1] > 0, f"{name}: no drop"
        assert found[name]["explained"] > 0.9, f"{name}: not on a line"
        assert found[name]["drop_of_people"] < 0.5 < found[name]["drop"][1], f"{name}: people drop too"


def test_northcutt_counts_are_the_published_ones_and_models_that_repeat_wrong_labels_miss_the_corrected_ones() -> None:
    found = record("northcutt2021pervasive")
    published = found["published"]
    assert (found["candidates"], found["not_confirmed_as_given"]) == tuple(published.values())
    assert found["correlation_of_given_and_corrected_accuracy_on_corrected_rows"] < -0.5
    pairs = found["pairs"]
    assert pairs["with_a_pvalue_below_0.05"] > 0.05 * pairs["change_places"], "no more crossings than chance makes"
    assert pairs["below_the_prevalence_there_is"] <= 2 < pairs["below_5_points_more"], "CIFAR-10 itself is stable"


def test_taori_the_likelier_class_drifts_and_stays_within_the_bound_drawn_answers_do_not() -> None:
    found = record("taori2023data")
    drift, bound = found["drift_by_round"], found["bound_by_round"]
    assert drift[-1] < 1.2 * drift[0] < 0, f"drift goes from {drift[0]:.3f} to {drift[-1]:.3f}"
    assert all(abs(one) <= limit * 1.01 for one, limit in zip(drift, bound, strict=True))
    assert max(map(abs, found["drift_by_round_drawn"])) < 0.3 * abs(drift[0])


def test_sanyal_each_step_by_rank_lifts_more_than_by_chance() -> None:
    found = record("sanyal2021fix")
    assert found["wrong_among_the_first_tenth"] > 0.8
    assert found["drop_ranked"] > found["before"] > found["drop_random"]
    assert found["both_ranked"] > found["drop_ranked_add_random"] > found["drop_ranked"]
    lift = found["both_ranked"] - found["both_random"]
    assert lift > 4 * found["standard_error_of_ranked_less_random"], f"lift {lift:.3f}"


def test_shah_a_network_rests_on_the_line_alone_though_slabs_would_do() -> None:
    found = record("shah2020pitfalls")
    assert min(found["auc"]) > 0.99
    assert max(found["auc_with_line_shuffled"]) < 0.6
    assert min(found["auc_with_slabs_shuffled"]) > 0.99
    assert min(found["auc_of_a_network_on_slabs_alone"]) > 0.95


def test_cohen_models_that_agree_and_fail_mark_another_label_rule_that_disagree_other_pictures() -> None:
    found = record("cohen2020limits")
    plain, rule, pictures = (found[f"digits, {cause}"]["c"] for cause in ("none", "label rule", "pictures"))
    for site in (rule, pictures):
        assert site["auc_of_others"] < plain["auc_of_others"] - 0.2
        assert site["auc_of_its_own"] > 0.9, "the site can be learnt"
    assert rule["kappa_of_others"] > 0.7 > 0.4 > pictures["kappa_of_others"]


def test_ulmer_uncertainty_misses_unusual_patients_that_distances_find() -> None:
    found = record("ulmer2020trust")
    for factor, scores in found["one column scaled"].items():
        assert scores["max softmax"] < 0.5 < 0.85 < scores["nearest neighbours"], f"x {factor}: {scores}"
    for group, scores in found["groups left out"].items():
        assert max(scores["max softmax"], scores["entropy of an ensemble"]) < 0.6, f"{group}: {scores}"
        assert scores["Mahalanobis"] > 0.75, f"{group}: {scores}"
    for place, scores in found["other hospitals"].items():
        assert max(scores["max softmax"], scores["entropy of an ensemble"]) < 0.6, f"{place}: {scores}"


def test_yang_energy_reacts_to_another_look_and_is_behind_max_softmax_for_errors() -> None:
    found = record("yang2024imagenetood")
    softmax = found["max softmax"]
    for name in ("energy", "max logit"):
        looks = [found[name][look] - softmax[look] for look in ("blurred", "dimmed")]
        assert min(looks) > 0.01, f"{name}: {looks}"
        assert found[name]["errors"] < softmax["errors"] - 0.02
        assert found[name]["new classes"] < softmax["new classes"] + 0.02


def test_ulmer_uncertainty_stands_still_far_out_and_distance_does_not() -> None:
    found = record("ulmer2021know")
    for name in ("max softmax", "entropy of an ensemble", "spread of an ensemble"):
        assert found[name]["median_change_at_last"] < 1e-3 and found[name]["auroc_far"] < 0.5, name
    assert found["nearest neighbours"]["auroc_far"] == 1
    assert found["share_of_rays_sure_of_a_class"] > 0.9


def test_park_confidence_and_distance_change_places_and_both_are_never_the_worst() -> None:
    found = record("park2021natural")
    cells = [cell for steps in found.values() for cell in steps.values()]
    better = {cell["rows lie"]: cell["confidence"] > cell["distance"] for cell in cells}
    assert better["near the boundary"] and not better["far"]
    assert all(cell["both"] > min(cell["confidence"], cell["distance"]) for cell in cells)


def test_feldman_the_price_of_singletons_is_as_predicted_and_large_in_a_long_tail() -> None:
    found = record("feldman2020does")
    tail, equal, digits = found["long tail"], found["100 equal frequencies"], found["clusters of digits"]
    assert tail["excess_error"] == pytest.approx(tail["predicted_excess_error"], rel=0.05)
    assert 0.2 < tail["tau_1_times_n"] < 2 and tail["excess_error"] > 0.08 > 0.01 > equal["excess_error"]
    assert digits["excess_error_on_singletons"] > 0.08 and digits["excess_error"] > 0.01


def test_goswami_detectors_beat_chance_none_is_best_for_every_noise_and_cleaning_pays() -> None:
    found = record("goswami2023aqua")
    for detector, by_kind in found["auroc"].items():
        assert min(by_kind.values()) > 0.6, f"{detector}: {by_kind}"
    ranks = sorted(found["mean_rank"].values())
    assert ranks[-1] - ranks[0] < found["critical_difference"], f"ranks {ranks}: one of them surely leads"
    assert len(set(found["best_by_kind"].values())) > 1, found["best_by_kind"]
    for detector, by_rate in found["gain_from_cleaning"].items():
        assert min(by_rate["0.2"], by_rate["0.4"]) > 0.02, f"{detector}: {by_rate}"
