"""What wrong labels do to a choice of models, and weights that undo them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from holdfast.faults.worlds import worlds
from holdfast.labels import NoiseTransitionResampling, RankStability

WORLDS = worlds("labels")


# --- rank stability -------------------------------------------------------------------------------------------
def test_the_paper_claim_the_flexible_model_leads_on_given_and_loses_on_corrected_labels() -> None:
    method = RankStability()
    found = method.measure(**WORLDS["memorised_test_errors"](0).evidence)
    given, corrected = (
        method.accuracies_["new"][labels] - method.accuracies_["old"][labels] for labels in ("given", "corrected")
    )
    assert given > 0.1, f"the flexible model leads by {given:+.3f} on given labels"
    assert (corrected > 0) == (method.prevalence_ < found.value)
    assert found.value < 0.4
    assert found.pvalue < 1e-3


def test_dropping_right_rows_at_random_changes_places_where_it_says() -> None:
    """The definition: thin out rightly labelled rows until the prevalence is just below and above the value."""
    evidence = WORLDS["memorised_test_errors"](1).evidence
    value = RankStability().measure(**evidence).value
    rng, signs = np.random.default_rng(0), {}
    right = np.flatnonzero(evidence["y"] == evidence["corrected_y"])
    wrong = np.flatnonzero(evidence["y"] != evidence["corrected_y"])
    for prevalence in (value - 0.08, value + 0.08):
        wrong_rows = rng.choice(wrong, 20_000)
        rows = np.r_[wrong_rows, rng.choice(right, round(20_000 * (1 - prevalence) / prevalence))]
        kept = {name: codes[rows] for name, codes in evidence.items()}
        truth = kept["corrected_y"]
        signs[prevalence] = (kept["new_predicted"] == truth).mean() - (kept["old_predicted"] == truth).mean()
    below, above = signs.values()
    assert below > 0 > above, f"{signs}"


def test_models_that_never_change_places_are_seldom_said_to() -> None:
    """One model better by 3 points on every row: any crossing is chance."""
    pvalues, covered = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        corrected = rng.integers(0, 3, 500)
        y = np.where(rng.random(500) < 0.15, (corrected + 1) % 3, corrected)
        old, new = (np.where(rng.random(500) < rate, corrected, (corrected + 2) % 3) for rate in (0.80, 0.83))
        found = RankStability().measure(y=y, corrected_y=corrected, old_predicted=old, new_predicted=new)
        pvalues.append(found.pvalue)
        covered.append(found.high == 1)
    assert np.mean(np.array(pvalues) < 0.05) < 0.09, f"{np.mean(np.array(pvalues) < 0.05):.1%} false alarms at 5 %"
    assert np.mean(covered) > 0.85


def test_without_corrected_rows_nothing_is_known() -> None:
    found = RankStability().measure(y=[0, 1], corrected_y=[0, 1], old_predicted=[0, 0], new_predicted=[0, 1])
    assert tuple(found) == (1.0, 0.0, 1.0, 2, 1.0)


# --- weights by the transition matrix -------------------------------------------------------------------------
@pytest.mark.parametrize("resample", [False, True])
def test_training_on_the_weights_beats_training_on_the_noise(resample: bool) -> None:
    """Digits, 40 % called the next class: the paper's claim against plain training; fresh rows have right labels."""
    X, y = load_digits(return_X_y=True)
    gains, of_wrong = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        train, test = np.split(rng.permutation(len(y)), [700])
        given = np.where(rng.random(700) < 0.4, (y[train] + 1) % 10, y[train])
        probs = cross_val_predict(LogisticRegression(C=0.1, max_iter=500), X[train] / 16, given, method="predict_proba")
        weights = NoiseTransitionResampling(resample=resample).fit(probs, given).weigh_rows(probs, given)
        scores = [
            LogisticRegression(max_iter=500).fit(X[train] / 16, given, sample_weight=w).score(X[test] / 16, y[test])
            for w in (None, weights)
        ]
        gains.append(scores[1] - scores[0])
        of_wrong.append(weights[given != y[train]].mean() / weights[given == y[train]].mean())
    assert np.mean(gains) > 0.1, f"accuracy changes by {np.mean(gains):+.3f}"
    assert np.mean(of_wrong) < 0.4, f"a wrong label weighs {np.mean(of_wrong):.2f} of a right one"


def test_drawn_weights_are_counts_whose_mean_is_the_weight() -> None:
    draw = WORLDS["weights_symmetric"](0).evidence
    probs, y = draw["probs"], draw["y"]
    weights = NoiseTransitionResampling().fit(probs, y).weigh_rows(probs, y)
    counts = [
        NoiseTransitionResampling(resample=True, seed=seed).fit(probs, y).weigh_rows(probs, y) for seed in range(20)
    ]
    assert all(one.sum() == len(y) for one in counts)
    assert not np.array_equal(counts[0], counts[1])
    gap = np.abs(np.mean(counts, axis=0) - weights) / np.sqrt(np.maximum(weights, 0.05) / 20)
    assert np.mean(gap > 4) < 0.01


def test_vanished_weights_are_one() -> None:
    method = NoiseTransitionResampling(probs_of="true").fit([[0.9, 0.1], [0.1, 0.9]], [0, 1])
    assert method.weigh_rows([[1.0, 0.0]], [1]).tolist() == [1.0]
