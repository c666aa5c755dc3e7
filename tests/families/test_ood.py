"""The ood family against its formulas, other implementations and real data."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import binomtest, kstest
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors

from holdfast.faults.worlds import ood as worlds
from holdfast.ood import (
    ConformalOutliers,
    DetectionReport,
    Energy,
    GeneralizedEntropy,
    Mahalanobis,
    MaxLogit,
    ModelSpecificEvaluation,
    MonitorEvaluation,
    NearestNeighbourDistance,
    RelativeMahalanobis,
    SelectiveEnsemble,
    SimilarityEnsemble,
)
from holdfast.ops.covariance import ledoit_wolf


def _tumours() -> tuple[np.ndarray, np.ndarray]:
    return load_breast_cancer(return_X_y=True)


# --- Mahalanobis ------------------------------------------------------------------------------------------------
def test_mahalanobis_without_shrinkage_is_the_textbook_formula() -> None:
    X, y = _tumours()
    X, new = X[:400, :10], X[400:, :10]
    y = y[:400]
    inside = X - np.array([X[y == c].mean(axis=0) for c in (0, 1)])[y]
    inverse = np.linalg.inv(inside.T @ inside / len(X))
    gaps = [new - X[y == c].mean(axis=0) for c in (0, 1)]
    expected = np.min([np.einsum("ij,jk,ik->i", gap, inverse, gap) for gap in gaps], axis=0)
    found = Mahalanobis(shrinkage=0.0).fit(X=X, y=y).score_rows(X=new)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_shrinkage_is_ledoit_and_wolfs() -> None:
    X = _tumours()[0][:60]
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    assert ledoit_wolf(scaled) == pytest.approx(ledoit_wolf_shrinkage(scaled, assume_centered=True), rel=1e-9)


def test_mahalanobis_does_not_see_units_and_survives_singular_covariances() -> None:
    X, y = _tumours()
    units = 10.0 ** np.arange(-6, 24, 1)
    base = Mahalanobis().fit(X=X, y=y).score_rows(X=X)
    np.testing.assert_allclose(Mahalanobis().fit(X=X * units, y=y).score_rows(X=X * units), base, rtol=1e-6)
    few = Mahalanobis(shrinkage=0.0).fit(X=X[:20], y=y[:20]).score_rows(X=X)
    assert np.isfinite(few).all(), "20 rows of 30 columns without shrinkage are not finite"
    doubled = np.hstack([X, X[:, :1], np.full((len(X), 1), 7.0)])
    assert np.isfinite(Mahalanobis().fit(X=doubled, y=y).score_rows(X=doubled)).all(), "a copied column breaks it"


def test_a_change_in_a_constant_column_counts_as_in_a_typical_one() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(0, 2, (500, 3)), np.full(500, 4.0)])
    detector = Mahalanobis().fit(X=X, y=np.zeros(500))
    moved = X.mean(axis=0) + 6 * np.eye(4)
    scores = detector.score_rows(X=moved)
    assert scores[3] == pytest.approx(np.median(scores[:3]), rel=0.2), f"distances {scores.round(2)}"


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_relative_mahalanobis_does_not_see_the_unit_of_features(scale: float) -> None:
    X, y = _tumours()
    base = RelativeMahalanobis().fit(X=X, y=y).score_rows(X=X)
    np.testing.assert_allclose(RelativeMahalanobis().fit(X=X * scale, y=y).score_rows(X=X * scale), base, rtol=1e-5)


def test_relative_mahalanobis_sees_only_directions_in_which_the_class_means_differ() -> None:
    X, y = load_wine(return_X_y=True)
    detector = RelativeMahalanobis().fit(X=X, y=y)
    whiten, directions = detector.gaussian_.whiten, detector.directions_[:2]  # three means span two directions
    away = np.random.default_rng(0).normal(size=whiten.shape[1])
    away -= directions.T @ (directions @ away)
    before = detector.score_rows(X=X)
    moved = detector.score_rows(X=X + np.linalg.solve(whiten.T, 10 * away))
    assert np.abs(moved - before).max() < 1e-6, f"scores move by {np.abs(moved - before).max():.2g}"
    along = detector.score_rows(X=X + np.linalg.solve(whiten.T, 40 * directions[0]))
    assert (along > before + 10).mean() > 0.9, (
        f"forty deviations raise {(along > before + 10).mean():.2f} of the scores"
    )


def test_relative_mahalanobis_is_zero_with_one_class() -> None:
    X = _tumours()[0]
    np.testing.assert_array_equal(RelativeMahalanobis().fit(X=X, y=np.zeros(len(X))).score_rows(X=X), 0)


# --- logits and probabilities -----------------------------------------------------------------------------------
def test_energy_is_scipys_logsumexp_and_tends_to_the_largest_logit() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (300, 40))
    for temperature in (0.5, 3.0):
        expected = -temperature * logsumexp(logits / temperature, axis=1)
        np.testing.assert_allclose(Energy(temperature=temperature).score_rows(logits=logits), expected, rtol=1e-12)
    cold = Energy(temperature=1e-3).score_rows(logits=logits)
    np.testing.assert_allclose(cold, MaxLogit().score_rows(logits=logits), atol=0.01)
    with pytest.raises(ValueError, match="temperature"):
        Energy(temperature=0.0).score_rows(logits=logits)


def test_generalized_entropy_sums_over_the_largest_probabilities() -> None:
    probs = np.random.default_rng(0).dirichlet(np.full(30, 0.3), 200)
    largest = -np.sort(-probs, axis=1)[:, :4]
    expected = (largest**0.3 * (1 - largest) ** 0.3).sum(axis=1)
    np.testing.assert_allclose(GeneralizedEntropy(gamma=0.3, top=4).score_rows(probs=probs), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="gamma"):
        GeneralizedEntropy(gamma=1.5).score_rows(probs=probs)
    with pytest.raises(ValueError, match="top"):
        GeneralizedEntropy(top=0).score_rows(probs=probs)


# --- selective ensembles ----------------------------------------------------------------------------------------
def test_selective_ensembles_hardly_contradict_each_other_where_single_models_do() -> None:
    models = np.hstack([worlds.unstable_answer(seed).evidence["ensemble_probs"] for seed in range(3)])
    first, second = (SelectiveEnsemble().predict(half) for half in (models[:10], models[10:]))
    answered = (first >= 0) & (second >= 0)
    single = (models[:10].argmax(axis=2) != models[10:].argmax(axis=2)).mean()
    contradicted = (first != second)[answered].mean()
    assert single > 0.03, f"single models differ on only {single:.2%} of the rows: the test shows nothing"
    assert contradicted <= single / 10, f"ensembles contradict each other on {contradicted:.2%}, models on {single:.2%}"
    assert answered.mean() > 0.7, f"both answer on only {answered.mean():.0%} of the rows"


def test_the_score_of_an_ensemble_is_scipys_binomial_test() -> None:
    votes = np.random.default_rng(0).integers(0, 3, (11, 50))
    counts = np.sort([np.bincount(row, minlength=3) for row in votes.T], axis=1)
    expected = [binomtest(int(row[2]), int(row[1] + row[2])).pvalue for row in counts]
    np.testing.assert_allclose(SelectiveEnsemble().score_rows(np.eye(3)[votes]), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="alpha"):
        SelectiveEnsemble(alpha=1.0).predict(np.eye(3)[votes])


# --- nearest neighbours -----------------------------------------------------------------------------------------
def test_neighbour_distance_agrees_with_scikit_learn() -> None:
    X = load_digits().data
    train, new = X[:900], X[900:]
    found = NearestNeighbourDistance(k=7).fit(X=train).score_rows(X=new)
    expected = NearestNeighbors(n_neighbors=7).fit(train).kneighbors(new)[0][:, -1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_monstrous_row_does_not_blur_the_others() -> None:
    X = load_digits().data
    detector = NearestNeighbourDistance(k=3).fit(X=X[:500])
    alone = detector.score_rows(X=X[500:600])
    together = detector.score_rows(X=np.vstack([X[500:600], np.full(64, 1e30)]))
    np.testing.assert_allclose(together[:-1], alone, rtol=1e-9)
    assert together[-1] > 1e30, f"the row at 1e30 scores {together[-1]:.3g}"


def test_normalised_distance_ignores_the_length_of_rows() -> None:
    X = load_digits().data
    detector = NearestNeighbourDistance(k=3, normalise=True).fit(X=X[:500])
    np.testing.assert_allclose(detector.score_rows(X=X[500:] * 9), detector.score_rows(X=X[500:]), atol=1e-6)


# --- similarity ensemble ----------------------------------------------------------------------------------------
def test_pvalues_are_uniform_on_rows_like_those_of_training() -> None:
    found: dict[str, list[float]] = {}
    for seed in range(30):
        world = worlds.none(seed)
        ensemble = SimilarityEnsemble(seed=seed).fit(X=world.train["X"], probs=world.train["probs"])
        pvalues = ensemble.component_pvalues(X=world.evidence["X"][:10], probs=world.evidence["probs"][:10])
        for name, values in pvalues.items():
            found.setdefault(name, []).extend(values)
    for name, values in found.items():
        test = kstest(values, "uniform")
        assert test.pvalue > 1e-3, f"{name}: p-values are not uniform (KS p = {test.pvalue:.2g})"


def test_a_tie_with_every_held_out_row_is_no_surprise() -> None:
    X = _tumours()[0]
    ensemble = SimilarityEnsemble().fit(X=X[:300], probs=np.full((300, 2), 0.5))
    pvalues = ensemble.component_pvalues(X=X[300:], probs=np.full((269, 2), 0.5))
    assert (pvalues["confidence"] == 1).all(), "equal confidence everywhere is called unusual"


def test_the_score_grows_with_the_deformation() -> None:
    X = _tumours()[0]
    ensemble = SimilarityEnsemble().fit(X=X[:300])
    noise = np.random.default_rng(1).normal(size=(269, 30)) * X.std(axis=0)
    means = [float(ensemble.score_rows(X=X[300:] + size * noise).mean()) for size in (0, 0.2, 0.4, 0.8)]
    assert np.all(np.diff(means) > 0.02), f"mean scores at growing noise: {np.round(means, 3)}"


def test_probabilities_are_given_twice_or_never() -> None:
    world = worlds.none(0)
    ensemble = SimilarityEnsemble().fit(X=world.train["X"], probs=world.train["probs"])
    with pytest.raises(ValueError, match="fitted with probs"):
        ensemble.score_rows(X=world.evidence["X"])


# --- conformal outliers -----------------------------------------------------------------------------------------
def _mixed_table(n: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers, skewed numbers, one-hot categories and codes, as an encoder makes them."""
    numbers, skewed = rng.normal(size=(n, 4)), rng.exponential(size=(n, 2)) ** 2
    kinds = np.eye(4)[rng.choice(4, n, p=[0.6, 0.25, 0.12, 0.03])]
    return np.hstack([numbers, skewed, kinds, rng.integers(0, 5, (n, 2))])


@pytest.mark.parametrize("detector", ["neighbours", "mahalanobis"])
def test_false_alarms_stay_below_the_rate_on_a_few_hundred_mixed_rows(detector: str) -> None:
    flagged = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        finder = ConformalOutliers(detector=detector, rate=0.1).fit(X=_mixed_table(300, rng))
        flagged.append((finder.group_rows(X=_mixed_table(200, rng)) == 0).any())
    assert np.mean(flagged) <= 0.2, f"ordinary rows are flagged in {np.mean(flagged):.0%} of draws, rate 10 %"


def test_false_discoveries_stay_below_the_rate_and_strange_rows_are_found() -> None:
    shares, found = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        finder = ConformalOutliers(rate=0.1).fit(X=_mixed_table(300, rng))
        test = _mixed_table(200, rng)
        test[:20, :4] += 6
        flagged = finder.group_rows(X=test) == 0
        shares.append(flagged[20:].sum() / max(flagged.sum(), 1))
        found.append(flagged[:20].mean())
    assert np.mean(shares) <= 0.15, f"share of false discoveries {np.mean(shares):.3f}, rate 0.1"
    assert np.mean(found) >= 0.9, f"share of planted rows found {np.mean(found):.2f}"


def test_fewest_is_where_naming_a_row_becomes_possible() -> None:
    rng = np.random.default_rng(3)
    X, test = rng.normal(size=(99, 3)), rng.normal(size=(100, 3)) * 0.1
    finder = ConformalOutliers(rate=0.1).fit(X=X)
    finder.group_rows(X=test)
    assert finder.fewest_ == 10
    for many, expected in ((9, 0), (10, 10)):
        strange = test.copy()
        strange[:many] = 50
        assert (finder.group_rows(X=strange) == 0).sum() == expected, f"{many} strange rows"


@pytest.mark.skipif("HOLDFAST_DATA" not in os.environ, reason="HOLDFAST_DATA is not set: no heart disease files")
def test_hospitals_with_other_tables_are_unfamiliar() -> None:
    columns = (0, 3, 4, 7, 9)  # age, blood pressure, cholesterol, heart rate, ST depression

    def read(name: str) -> np.ndarray:
        path = Path(os.environ["HOLDFAST_DATA"]) / "heart_disease" / f"processed.{name}.data"
        table = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=columns)
        return table[np.isfinite(table).all(axis=1)]

    cleveland = read("cleveland")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(cleveland))
    finder = ConformalOutliers().fit(X=cleveland[order[:200]])
    at_home = (finder.group_rows(X=cleveland[order[200:]]) == 0).mean()
    away = (finder.group_rows(X=read("switzerland")) == 0).mean()  # cholesterol is 0 in every row there
    assert at_home <= 0.05, f"{at_home:.0%} of held-out Cleveland rows are called unfamiliar"
    assert away >= 0.9, f"only {away:.0%} of the Swiss rows are called unfamiliar"


# --- evaluations ------------------------------------------------------------------------------------------------
def test_the_report_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    is_bad = rng.random(500) < 0.2
    score = np.round(rng.normal(size=500) + is_bad, 1)  # with ties
    report = DetectionReport()
    assert report.measure(score=score, is_bad=is_bad).value == pytest.approx(roc_auc_score(is_bad, score))
    found = {name: estimate.value for name, estimate in report.report_.items()}
    assert found["aupr_error"] == pytest.approx(average_precision_score(is_bad, score))
    assert found["aupr_success"] == pytest.approx(average_precision_score(~is_bad, -score))
    false, true, _ = roc_curve(is_bad, score, drop_intermediate=False)
    assert found["fpr"] == pytest.approx(false[(true >= 0.95).argmax()])
    assert found["base_rate"] == pytest.approx(is_bad.mean())
    for name, estimate in report.report_.items():
        assert estimate.low < estimate.value < estimate.high, f"{name}: {estimate}"


def test_an_inverted_score_is_no_detector() -> None:
    world = worlds.novelty_scores(0)
    turned = DetectionReport().measure(score=-world.evidence["score"], is_bad=world.evidence["is_bad"])
    assert turned.value < 0.5 < turned.pvalue, f"{turned}"


def test_rows_of_one_kind_cannot_judge_a_detector() -> None:
    with pytest.raises(ValueError, match="is_bad is false on all 3 rows"):
        DetectionReport().measure(score=[1.0, 2.0, 3.0], is_bad=[0, 0, 0])


def test_causes_are_judged_against_all_right_rows() -> None:
    evidence = worlds.error_scores(1).evidence
    score, correct, group = evidence["score"], evidence["correct"], evidence["group"]
    evaluation = ModelSpecificEvaluation()
    overall = evaluation.measure(score=score, correct=correct, group=group)
    assert overall.value == pytest.approx(roc_auc_score(~correct, score))
    for cause, estimate in evaluation.by_cause_.items():
        rows = correct | (group == cause)
        assert estimate.value == pytest.approx(roc_auc_score(~correct[rows], score[rows])), f"cause {cause}"
    assert evaluation.novelty_.value == pytest.approx(roc_auc_score(group > 0, score))


def test_the_best_novelty_detector_is_not_the_best_error_detector() -> None:
    evidence = worlds.monitor_choice(2).evidence
    evaluation = MonitorEvaluation(rejected=0.4)
    loss = evaluation.measure(**{name: evidence[name] for name in ("scores", "is_bad", "correct")})
    novelty, errors = ([e.value for e in side] for side in (evaluation.novelty_, evaluation.errors_))
    assert np.argmax(novelty) != np.argmax(errors), f"novelty {novelty}, errors {errors}"
    assert loss.value == pytest.approx(max(errors) - errors[int(np.argmax(novelty))], abs=0.05)
    assert evaluation.disagreement_ == 1.0
    risks = [risk.value for risk in evaluation.residual_risk_]
    assert risks[int(np.argmax(errors))] < risks[int(np.argmax(novelty))], f"residual risks {risks}"
    kept = np.argsort(evidence["scores"][0])[:240]
    assert risks[0] == pytest.approx(1 - evidence["correct"][kept].mean(), abs=0.01)


def test_one_monitor_has_nothing_to_lose() -> None:
    evidence = worlds.monitor_choice(0).evidence
    loss = MonitorEvaluation().measure(
        scores=evidence["scores"][:1], is_bad=evidence["is_bad"], correct=evidence["correct"]
    )
    assert loss.value == 0
    assert loss.pvalue == 1


def test_abstaining_by_both_reasons_costs_less_than_by_either() -> None:
    """Area under the joint risk over the share abstained from: doubt alone, the ratio alone, the plug-in rule."""
    from holdfast.faults.worlds import ood as world_of
    from holdfast.ood import PluginSCOD

    areas: dict[str, list[float]] = {}
    for seed in range(6):
        world = world_of.foreign_or_wrong(seed)
        method = PluginSCOD().fit(ref_X=world.train["ref_X"], cur_X=world.train["cur_X"])
        probs = world.evidence["probs"]
        plug_in = method.score_rows(X=world.evidence["X"], probs=probs)
        doubt = 1 - probs.max(axis=1)
        ratio = PluginSCOD(cost_in=0.0, cost_out=1.0).fit(ref_X=world.train["ref_X"], cur_X=world.train["cur_X"])
        scores = {"both": plug_in, "doubt": doubt, "ratio": ratio.score_rows(X=world.evidence["X"], probs=probs)}
        for name, score in scores.items():
            kept = world.truth[np.argsort(score, kind="stable")]
            areas.setdefault(name, []).append(float((np.cumsum(kept) / np.arange(1, len(kept) + 1)).mean()))
    means = {name: np.mean(values) for name, values in areas.items()}
    assert means["both"] < min(means["doubt"], means["ratio"]), means


def test_the_record_shows_the_default_ahead_of_single_detectors_on_a_good_and_on_a_poor_network() -> None:
    record = json.loads((Path(__file__).parents[2] / "benchmarks/records/ood_default.json").read_text("utf-8"))[-1]
    for kind, bed in record["beds"].items():
        mean = {name: np.mean(row["auroc"]) for name, row in bed.items() if name != "accuracy"}
        pooled = mean.pop("PooledDetectors")
        assert pooled >= max(mean.values()), f"{kind}: {pooled:.4f}, the best single one {max(mean.values()):.4f}"
