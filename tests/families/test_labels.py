"""Label errors: what laws cannot know, such as bars, known answers, clean data, and real errors."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.faults.worlds import worlds
from holdfast.labels import (
    ConfidentLearning,
    CrossValidatedMislabel,
    EnsembleNoiseCorrected,
    EnsembleVotes,
    LabelNoiseRate,
    NearestNeighbourLabels,
    NoiseCorrectedPosterior,
    PlantedChoice,
    RegressionVeracity,
)
from holdfast.labels._crossfit import out_of_fold
from holdfast.labels._plant import plant
from holdfast.labels.label_noise_rate import _class_weights

WORLDS = worlds("labels")
REAL = Path(os.environ.get("HOLDFAST_DATA", "")) / "label_errors_testsets"


def average_precision(world: str, score) -> float:
    draws = [WORLDS[world](seed) for seed in range(3)]
    return float(np.mean([average_precision_score(draw.truth, score(**draw.evidence)) for draw in draws]))


# --- quality --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("world", ["class_conditional_binary", "class_conditional"])
def test_the_correction_beats_the_default_score_where_noise_depends_on_the_class(world: str) -> None:
    def corrected(probs, y, **_):
        return NoiseCorrectedPosterior().fit(probs, y).score_rows(probs, y)

    def default(probs, y, **_):
        return ConfidentLearning().fit(probs, y).score_rows(probs, y)

    ours, theirs = average_precision(world, corrected), average_precision(world, default)
    assert ours > theirs + 0.04, f"average precision {ours:.3f} corrected, {theirs:.3f} by self-confidence"


def test_the_ensemble_reaches_its_bar_on_tumours() -> None:
    value = average_precision("class_conditional_binary", lambda X, y, **_: EnsembleNoiseCorrected().score_rows(X, y))
    assert value >= 0.9, f"average precision {value:.3f}"


def test_the_planted_choice_is_close_to_the_best_in_hindsight() -> None:
    world = WORLDS["class_conditional_binary"](0)
    X, y = world.evidence["X"], world.evidence["y"]
    method = PlantedChoice()
    chosen = average_precision_score(world.truth, method.score_rows(X, y))
    alone = [PlantedChoice(models=(kind,)).score_rows(X, y) for kind in ("linear", "kernel", "neighbours")]
    best = max(average_precision_score(world.truth, score) for score in alone)
    assert chosen > best - 0.03, f"average precision {chosen:.3f} chosen, {best:.3f} by the best single model"
    ranking = method.rank_candidates(X, y)
    values = [estimate.value for estimate in ranking.values()]
    assert values == sorted(values, reverse=True)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in ranking.values())


# --- confident learning ---------------------------------------------------------------------------------------
def test_issues_take_little_memory_beside_their_input() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.full(20, 0.2), 100_000)
    y = np.where(rng.random(100_000) < 0.8, probs.argmax(axis=1), rng.integers(0, 20, 100_000))
    tracemalloc.start()
    try:
        ConfidentLearning().find_issues(probs, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.6 * probs.nbytes, f"{peak / 1e6:.1f} MB on an input of {probs.nbytes / 1e6:.1f} MB"


@pytest.mark.parametrize("prune", ["noise_rate", "class", "both", "confident"])
def test_a_label_that_the_model_prefers_is_no_issue(prune: str) -> None:
    evidence = WORLDS["symmetric"](0).evidence
    mask = ConfidentLearning().find_issues(evidence["probs"], evidence["y"], prune=prune)
    assert mask.any()
    assert (evidence["probs"].argmax(axis=1) != evidence["y"])[mask].all()


def test_pruning_both_is_the_intersection() -> None:
    evidence = WORLDS["class_conditional"](0).evidence
    masks = {
        p: ConfidentLearning().find_issues(evidence["probs"], evidence["y"], prune=p) for p in ("noise_rate", "class")
    }
    both = ConfidentLearning().find_issues(evidence["probs"], evidence["y"], prune="both")
    assert (both == (masks["noise_rate"] & masks["class"])).all()
    assert (masks["noise_rate"] != masks["class"]).any()


def test_classes_without_labels_and_single_classes_are_survived() -> None:
    probs = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.3, 0.3]])
    assert ConfidentLearning().fit(probs, [0, 0, 0]).thresholds_.round(3).tolist() == [0.367, 2.0, 2.0]
    assert not ConfidentLearning().find_issues(np.ones((3, 1)), [0, 0, 0]).any()
    assert not ConfidentLearning().find_issues(probs[:1], [1]).any(), "the only row of a class is kept"


def test_a_class_is_never_emptied() -> None:
    """Two rows labelled 0 that look like classes 1 and 2: one is kept."""
    probs = np.array([[0.02, 0.95, 0.03], [0.01, 0.03, 0.96], *[[0.1, 0.8, 0.1]] * 5, *[[0.1, 0.1, 0.8]] * 5])
    y = np.repeat([0, 1, 2], [2, 5, 5])
    mask = ConfidentLearning().find_issues(probs, y, prune="class")
    assert np.flatnonzero(mask).tolist() == [1], "the less believable of the two is pruned"


def test_issues_are_checked_like_every_argument() -> None:
    with pytest.raises(ValueError, match="logits"):
        ConfidentLearning().find_issues([[4.0, -1.0]], [0])


# --- the correction -------------------------------------------------------------------------------------------
def test_the_known_mixture_is_undone() -> None:
    """With the true noise matrix, many steps recover the clean probabilities, and Bayes' rule does the rest."""
    clean = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    noise = np.array([[0.8, 0.1, 0.1], [0.0, 0.9, 0.1], [0.3, 0.0, 0.7]])
    method = NoiseCorrectedPosterior(steps=5000, calibrate=False, shrink=0.0).fit(clean, [0, 2])
    method.noise_matrix_ = noise
    y = np.array([1, 0])
    joint = clean * noise[:, y].T
    expected = 1 - joint[[0, 1], y] / joint.sum(axis=1)
    np.testing.assert_allclose(method.score_rows(clean @ noise, y), expected, atol=1e-4)


def test_the_noise_matrix_is_estimated() -> None:
    world = WORLDS["class_conditional_binary"](1)
    learned = NoiseCorrectedPosterior().fit(world.evidence["probs"], world.evidence["y"]).noise_matrix_
    assert np.allclose(learned.sum(axis=1), 1)
    assert learned[1, 0] == pytest.approx(0.35, abs=0.12), f"benign called malignant: {learned[1, 0]:.2f}"
    assert learned[0, 1] == pytest.approx(0.05, abs=0.08), f"malignant called benign: {learned[0, 1]:.2f}"


def test_suggested_labels_are_better_than_the_given_ones() -> None:
    world = WORLDS["symmetric"](0)
    probs, y = world.evidence["probs"], world.evidence["y"]
    suggested = NoiseCorrectedPosterior().fit(probs, y).suggest_labels(probs, y)
    changed = suggested != y
    right = float(world.truth[changed].mean())
    assert right > 0.8, f"{right:.0%} of the changed labels were wrong"
    assert changed[world.truth].mean() > 0.6


# --- the rate -------------------------------------------------------------------------------------------------
@cache
def clean_probabilities(name: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = {"breast_cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}[name](return_X_y=True)
    y = (y > np.median(y)).astype(int) if name == "diabetes" else y
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_predict(model, X, y, cv=folds, method="predict_proba"), y


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "diabetes"])
def test_clean_labels_of_hard_tasks_are_not_called_wrong(name: str) -> None:
    probs, y = clean_probabilities(name)
    rate = LabelNoiseRate().measure(probs, y)
    assert rate.low <= 0.005, f"{rate} on clean labels"
    assert rate.value <= 0.03, f"{rate} on clean labels; {(probs.argmax(axis=1) != y).mean():.0%} disagree"
    assert rate.pvalue > 0.05


def test_every_confident_contradiction_may_be_an_error() -> None:
    """The upper end: no one can tell overlap from errors on hard rows, so the interval does not pretend to."""
    probs, y = clean_probabilities("diabetes")
    joint = ConfidentLearning().fit(probs, y).joint_
    assert LabelNoiseRate().measure(probs, y).high >= 1 - joint.trace() / len(y) > 0.15


def test_where_nothing_is_known_few_errors_are_the_better_guess() -> None:
    """Two weak columns: a flat likelihood would put the rate anywhere."""
    X, target = load_diabetes(return_X_y=True)
    y = (target > np.median(target)).astype(int)
    values = []
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(len(y))[:300]
        probs = cross_val_predict(LogisticRegression(), X[rows][:, [0, 1, 4, 5]] * 20, y[rows], method="predict_proba")
        values.append(LabelNoiseRate().measure(probs, y[rows]).value)
    assert np.median(values) < 0.1, f"rates {values} on clean labels"


def test_one_way_noise_does_not_make_a_class_look_rare() -> None:
    """Class 1 is labelled 0 in 4 of 10 sure rows, so the 3 in 10 rows labelled 1 stand for half of all rows."""
    predicted = np.repeat([0, 1], [120, 80])
    z = np.concatenate([np.repeat([1.0, -1.0], 60), np.repeat([1.0, -1.0], 40)])
    y = np.repeat([0, 0, 1, 1, 0, 1, 0], [60, 40, 20, 24, 16, 16, 24])
    assert _class_weights(z, predicted, y, 2).round(4).tolist() == [0.8333, 1.25]


def test_the_order_of_rows_with_equal_confidence_does_not_matter() -> None:
    probs = np.repeat([[0.95, 0.05], [0.6, 0.4]], 200, axis=0)
    y = np.tile([0, 0, 0, 0, 1], 80)
    assert LabelNoiseRate().measure(probs, y) == LabelNoiseRate().measure(
        probs, np.sort(y.reshape(2, -1), axis=1).ravel()
    )


# --- models, neighbours, votes --------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["linear", "trees", "kernel", "neighbours", "boosting"])
def test_no_row_is_judged_by_a_model_that_saw_it(kind: str) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 3)), rng.integers(0, 2, 150)
    probs = out_of_fold(kind, X, y, folds=5, seed=0)
    assert np.allclose(probs.sum(axis=1), 1)
    right = float((probs.argmax(axis=1) == y).mean())
    assert right < 0.65, f"{kind} is right on {right:.0%} of random labels: it saw them"


def test_folds_follow_content_not_order() -> None:
    evidence = WORLDS["class_conditional_binary"](0).evidence
    X, y = evidence["X"], evidence["y"]
    order = np.random.default_rng(1).permutation(len(y))
    first, shuffled = out_of_fold("linear", X, y, 5, 0), out_of_fold("linear", X[order], y[order], 5, 0)
    np.testing.assert_allclose(first[order], shuffled, atol=1e-3)


def test_rare_classes_do_not_break_cross_fitting() -> None:
    X, y = np.arange(12.0)[:, None], np.array([0] * 6 + [1] * 5 + [2])
    probs = out_of_fold("linear", X, y, folds=4, seed=0)
    assert probs.shape == (12, 3)
    assert probs[11, 2] == 0, "a class that no other row has cannot be predicted"
    with pytest.raises(ValueError, match="folds"):
        CrossValidatedMislabel(folds=1).score_rows(X, y)


def test_planted_errors_follow_the_noise_and_spare_doubtful_rows() -> None:
    rng = np.random.default_rng(0)
    y, trusted = rng.integers(0, 3, 3000), rng.random(3000) < 0.5
    noise = np.array([[0.7, 0.3, 0.0], [0.0, 1.0, 0.0], [0.0, 0.1, 0.9]])
    planted = plant(y, trusted, noise, 0.12, (rng.random(3000), rng.random(3000)))
    assert not planted.is_flipped[~trusted].any()
    share = planted.is_flipped[trusted].mean()
    assert share == pytest.approx(0.12, abs=0.03), f"{share:.1%} of the trusted rows are flipped"
    assert (planted.y[planted.is_flipped] == 1).mean() > 0.97, "all noise goes to class 1"
    by_class = [planted.is_flipped[trusted & (y == j)].mean() for j in (0, 2)]
    assert by_class[0] > 2 * by_class[1], f"class 0 is three times as noisy as class 2, flipped {by_class}"


def test_given_neighbours_spare_the_search() -> None:
    evidence = WORLDS["symmetric"](0).evidence
    X, y = evidence["X"][:200], evidence["y"][:200]
    gaps = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    neighbours = np.argsort(gaps, axis=1, kind="stable")[:, :20]
    method = NearestNeighbourLabels(k=5)
    np.testing.assert_allclose(method.score_rows(X, y), method.score_rows(X, y, neighbours=neighbours))


def test_trusted_neighbours_find_what_a_mislabelled_cluster_hides() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (100, 2)), rng.normal(8, 1, (100, 2)), rng.normal(8, 0.1, (30, 2))])
    y = np.array([0] * 100 + [1] * 100 + [0] * 30)
    alone = NearestNeighbourLabels().score_rows(X, y)
    trusted = NearestNeighbourLabels().score_rows(X, y, ref_X=X[:200:5], ref_y=y[:200:5])
    assert alone[200:].mean() < 0.5 < trusted[200:].min(), f"{alone[200:].mean():.2f} alone, {trusted[200:].min():.2f}"


def test_precision_of_votes_grows_with_confidence() -> None:
    draws = [WORLDS["symmetric"](seed) for seed in range(3)]
    confident, unsure = [], []
    for world in draws:
        ensemble, y = world.evidence["ensemble_probs"], world.evidence["y"]
        against = EnsembleVotes(by="vote").score_rows(ensemble, y) > 0.5
        sure = EnsembleVotes().confidence_of(ensemble) > np.median(EnsembleVotes().confidence_of(ensemble)[against])
        confident.append(world.truth[against & sure].mean())
        unsure.append(world.truth[against & ~sure].mean())
    assert np.mean(confident) > np.mean(unsure) + 0.05, f"{np.mean(confident):.2f} against {np.mean(unsure):.2f}"


# --- numbers --------------------------------------------------------------------------------------------------
def test_uncertainty_keeps_hard_rows_from_crowding_out_wrong_ones() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    scale = np.where(rng.random(n) < 0.5, 0.2, 5.0)
    wrong = (rng.random(n) < 0.1) & (scale < 1)
    target = rng.normal(0, scale) + wrong * 2.0
    evidence = {"target": target, "prediction": np.zeros(n), "uncertainty": np.full(n, 0.1), "residual_scale": scale}
    scaled = roc_auc_score(wrong, RegressionVeracity().score_rows(**evidence))
    raw = roc_auc_score(wrong, np.abs(target))
    assert scaled > 0.98 > raw + 0.1, f"AUROC {scaled:.3f} scaled, {raw:.3f} by raw residual"


def test_the_removed_share_is_chosen() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    clean = X @ [1.0, 2.0, 3.0] + rng.normal(0, 0.3, 300)
    wrong = rng.random(300) < 0.1
    given = np.where(wrong, 40.0, clean)
    score = np.abs(given - clean)
    chosen = RegressionVeracity().removal_share(Ridge(), X, given, score, shares=(0.0, 0.1, 0.4))
    assert chosen > 0, "wrong targets are kept"
    kept = RegressionVeracity().removal_share(Ridge(), X, clean, X[:, 0], shares=(0.0, 0.5))
    assert kept == 0.0, "good rows are removed"


# --- real errors ----------------------------------------------------------------------------------------------
def real(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cross-validated probabilities, given labels, and whether five people rejected the given label."""

    def array(path: str) -> np.ndarray:
        with gzip.open(REAL / path) as file:
            return np.load(file)

    probs = array(f"cross_validated_predicted_probabilities/{name}_test_set_pyx.npy.gz")
    y = array(f"original_test_labels/{name}_test_set_original_labels.npy.gz").astype(int)
    plain = REAL / f"mturk/{name}_mturk.json"
    text = (
        plain.read_bytes() if plain.exists() else gzip.decompress((REAL / f"mturk/{name}_mturk.json.gz").read_bytes())
    )
    wrong = np.zeros(len(y), bool)
    wrong[[int(item["id"]) for item in json.loads(text) if item["mturk"]["given"] < 3]] = True
    return probs / probs.sum(axis=1, keepdims=True), y, wrong


@pytest.mark.skipif(not os.environ.get("HOLDFAST_DATA"), reason="HOLDFAST_DATA does not point to the real data sets")
@pytest.mark.parametrize(("name", "auroc"), [("mnist", 0.998), ("cifar10", 0.988), ("20news", 0.988)])
def test_errors_that_people_confirmed_in_test_sets(name: str, auroc: float) -> None:
    probs, y, wrong = real(name)
    score = ConfidentLearning().fit(probs, y).score_rows(probs, y)
    assert roc_auc_score(wrong, score) == pytest.approx(auroc, abs=0.0006)
    corrected = roc_auc_score(wrong, NoiseCorrectedPosterior().fit(probs, y).score_rows(probs, y))
    assert corrected > auroc - 0.005, f"AUROC {corrected:.4f} of the corrected posterior"
    rate = LabelNoiseRate().measure(probs, y)
    assert rate.low <= wrong.mean() <= rate.high, f"{rate}, confirmed {wrong.mean():.4f}"


def test_cross_validated_mislabel_is_the_mean_log_loss_of_its_fits() -> None:
    world = worlds("labels")["symmetric"](0)
    X, y = world.evidence["X"][:120], world.evidence["y"][:120]
    scores = CrossValidatedMislabel(models=("linear", "neighbours"), repeats=2, folds=3, seed=5).score_rows(X=X, y=y)
    rows = np.arange(len(y))
    fits = [out_of_fold(kind, X, y, 3, 5 + 1000 * repeat) for kind in ("linear", "neighbours") for repeat in range(2)]
    expected = -np.mean([np.log(np.maximum(fit[rows, y], 1e-6)) for fit in fits], axis=0)
    assert np.allclose(scores, expected), f"largest difference {np.abs(scores - expected).max():.3g}"
