"""The columns of a wide table that a model reads: chosen by what they tell, on the rows that are learnt from alone."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer

from holdfast.audit.models import ProbeModel
from holdfast.ops.relevance import KEPT, most_relevant, relevance
from holdfast.shift import ClassifierTwoSample


def test_columns_that_tell_are_chosen_whatever_the_form() -> None:
    """A line, a bump and a category with three levels, among noise and 400 random categories."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 1500))
    X[:, 1100:] = rng.integers(0, 40, size=(600, 400))
    X[:, 1499] = rng.integers(0, 3, size=600)
    is_categorical = np.arange(1500) >= 1100
    planted = {5: X[:, 5] > 0, 900: np.abs(X[:, 900]) < 0.7, 1499: X[:, 1499] == 1}
    for place, answer in planted.items():
        y = np.where(rng.random(600) < 0.2, ~answer, answer).astype(int)
        assert relevance(X, y, is_categorical, 2, None).argmax() == place
        assert place in most_relevant(X, y, is_categorical, 2)


def test_weights_gaps_and_large_numbers() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 3))
    y = (X[:, 0] > 0).astype(int)
    wrong = np.arange(300) < 150
    y[wrong] = (X[wrong, 1] > 0).astype(int)
    told = relevance(X, y, np.zeros(3, dtype=bool), 2, np.where(wrong, 0.0, 1.0))
    assert told[0] > 0.4 > 0.1 > told[1], f"rows of no weight were counted: {told}"
    X[::2, 0], X[:, 2] = np.nan, 1e308 * np.sign(X[:, 2])
    gapped = relevance(X, y, np.zeros(3, dtype=bool), 2, np.where(wrong, 0.0, 1.0))
    assert np.isfinite(gapped).all()
    assert 0.1 < gapped[0] < told[0]


def test_a_wide_probe_is_as_good_as_the_narrow_one_and_judges_on_other_rows() -> None:
    """Breast cancer among 2,000 columns of noise: .94 in the mean of two halves; noise alone teaches nothing."""
    data = load_breast_cancer()
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(data.target), 2000))
    order = rng.permutation(len(data.target))
    ours, theirs = order[:284], order[284:]

    def accuracy(X: np.ndarray) -> float:
        model = ProbeModel(2, (False,) * X.shape[1]).fit(X[ours], data.target[ours], None, 0)
        return float((model.predict(X[theirs]).argmax(axis=1) == data.target[theirs]).mean())

    assert accuracy(np.hstack([data.data, noise])) > 0.9
    shuffled = rng.permutation(data.target)
    model = ProbeModel(2, (False,) * 2000).fit(noise[ours], shuffled[ours], None, 0)
    luck = (model.predict(noise[theirs]).argmax(axis=1) == shuffled[theirs]).mean()
    assert luck < 0.72, f"the majority class has .63; {luck:.2f} would mean that judging rows chose the columns"
    assert f"the {KEPT} of 2,030 columns" in ProbeModel(2, (False,) * 2030).name
    assert "columns" not in ProbeModel(2, (False,) * 30).name


def test_a_wide_two_sample_test_finds_one_moved_column_and_is_honest() -> None:
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        ref, cur = rng.normal(size=(120, 700)), rng.normal(size=(120, 700))
        alarms += ClassifierTwoSample(iterations=10, seed=seed).measure(ref_X=ref, cur_X=cur).pvalue < 0.05
    assert alarms <= 4, f"{alarms} of 20 draws without a shift"
    rng = np.random.default_rng(99)
    ref, cur = rng.normal(size=(400, 1000)), rng.normal(size=(400, 1000))
    cur[:, 777] += 1.5
    method = ClassifierTwoSample(explain=True)
    estimate = method.measure(ref_X=ref, cur_X=cur)
    assert estimate.value > 0.75, estimate
    assert method.importances_.argmax() == 777
    assert (method.importances_ != 0).sum() <= 2 * KEPT
