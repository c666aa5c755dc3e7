"""`Repairer` is an estimator like any other, repairs the training fold only, and pays where labels are wrong."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from holdfast.integrations.sklearn import Repairer

# "equals leaving out zero-weight rows": the audit looks at rows, not at their weights.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "the audit sees rows of weight zero",
    "check_sample_weights_invariance": "the audit sees rows of weight zero",
}


@parametrize_with_checks(
    [Repairer(LogisticRegression(), checks=("DUP001",)), Repairer(Ridge(), checks=("DUP001",))],
    expected_failed_checks=lambda estimator: EXPECTED,
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_accepts_it(estimator, check) -> None:
    check(estimator)


def noisy(seed: int, share: float = 0.15) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X, clean labels, labels of which a share is wrong, and which."""
    X, y = load_breast_cancer(return_X_y=True)
    wrong = np.random.default_rng(seed).random(len(y)) < share
    return X, y, np.where(wrong, 1 - y, y), wrong


def test_wrong_labels_are_left_out_of_the_fit_and_the_score_rises() -> None:
    gains = []
    for seed in range(3):
        X, clean, given, wrong = noisy(seed)
        for train, test in StratifiedKFold(2, shuffle=True, random_state=seed).split(X, clean):
            plain = DecisionTreeClassifier(random_state=0)
            model = Repairer(plain, checks=("LAB001",), also_unsure=True, seed=seed).fit(X[train], given[train])
            precision = wrong[train][~model.kept_].mean()
            assert precision > 0.7, f"only {precision:.0%} of the {(~model.kept_).sum()} dropped labels are wrong"
            before = clone(plain).fit(X[train], given[train]).score(X[test], clean[test])
            gains.append(model.score(X[test], clean[test]) - before)
    assert np.mean(gains) > 0.03 and np.min(gains) > -0.02, f"accuracy gained: {np.round(gains, 3)}"


def test_only_the_rows_of_fit_are_looked_at_or_changed() -> None:
    X, _, given, _ = noisy(1)
    before = X.copy(), given.copy()
    model = Repairer(LogisticRegression(max_iter=5000), checks=("LAB001", "DUP001")).fit(X[:300], given[:300])
    assert len(model.kept_) == 300
    answers = model.predict_proba(X[300:])
    one = np.vstack([model.predict_proba(row[None]) for row in X[300:320]])
    np.testing.assert_allclose(answers[:20], one)
    assert (before[0] == X).all() and (given == before[1]).all()


def test_it_clones_pickles_and_works_in_pipelines_and_searches() -> None:
    X, _, given, _ = noisy(1)
    model = Repairer(LogisticRegression(max_iter=1000), checks=("DUP001",), seed=3)
    assert clone(model).get_params()["seed"] == 3
    pipeline = make_pipeline(StandardScaler(), model)
    grid = {"repairer__checks": [(), ("DUP001",)], "repairer__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="accuracy").fit(X, given)
    assert len(search.cv_results_["params"]) == 4 and np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert is_classifier(model) and is_regressor(Repairer(Ridge()))
    assert np.isfinite(cross_val_score(Repairer(Ridge(), checks=("DUP001",)), *load_diabetes(return_X_y=True))).all()


def test_no_checks_is_the_plain_estimator() -> None:
    X, _, given, _ = noisy(0)
    plain = DecisionTreeClassifier(random_state=0).fit(X, given)
    model = Repairer(DecisionTreeClassifier(random_state=0), checks=()).fit(X, given)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    assert model.kept_.all() and model.weight_ is None and not model.applied_


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame])
def test_tables_keep_their_names_and_copies_are_dropped(table) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    twice = np.r_[np.arange(len(y)), np.arange(100)]
    frame = table({f"cell {i}": X[twice, i] for i in range(6)})
    model = Repairer(LogisticRegression(max_iter=5000), checks=("DUP001",)).fit(frame, y[twice])
    assert (~model.kept_).sum() == 100 and not model.kept_[len(y) :].any()
    assert list(model.feature_names_in_) == [f"cell {i}" for i in range(6)]
    assert model.n_features_in_ == 6


def test_weights_reach_the_estimator_together_with_those_given() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] + rng.normal(0, 0.5, 400) > 1.6).astype(int)
    given = rng.uniform(0.5, 1.5, 400)
    model = Repairer(LogisticRegression(), checks=("IMB001",)).fit(X, y, sample_weight=given)
    assert [remedy.action for remedy in model.applied_] == ["balance_classes"], model.left_
    wanted = LogisticRegression().fit(X, y, sample_weight=given * 400 / (2 * np.bincount(y)[y]))
    np.testing.assert_allclose(model.estimator_.coef_, wanted.coef_)


def test_a_remedy_that_does_not_pay_is_left_out() -> None:
    X, _, given, _ = noisy(0)
    twice = np.r_[np.arange(len(given)), np.arange(40)]
    model = Repairer(DecisionTreeClassifier(), checks=("DUP001",), only_if_pays=True)
    model.fit(X[twice], given[twice])
    assert model.kept_.all() and any("does not surely pay" in why for why in model.left_), model.left_


def test_wrong_settings_and_too_few_rows_are_said() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.raises(ValueError, match="there is no check 'LAB9'"):
        Repairer(LogisticRegression(), checks=("LAB9",)).fit(X, y)
    with pytest.raises(ValueError, match="does not fit a"):
        Repairer(LogisticRegression(), metric="r2").fit(X, y)
    few = np.r_[0:8, 19:27]
    model = Repairer(LogisticRegression(max_iter=5000)).fit(X[few], y[few])
    assert model.left_ == ["16 rows are too few to audit"]
