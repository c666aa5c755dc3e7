"""Labels judged by what a network did while it learnt them: areas under the margin, data maps, late stopping."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from holdfast.faults.worlds import worlds
from holdfast.faults.worlds.labels import _digits, _epoch_logits, _symmetric, _tumours
from holdfast.labels import AreaUnderTheMargin, DataMap, LateStopping
from holdfast.labels._dynamics import losses, margins

WORLDS = worlds("labels")


@pytest.mark.parametrize("world", ["learning_symmetric", "learning_class_conditional"])
def test_the_area_beats_the_loss_at_the_end_of_training(world: str) -> None:
    ours, last = [], []
    for seed in range(3):
        draw = WORLDS[world](seed)
        ours.append(roc_auc_score(draw.truth, AreaUnderTheMargin().score_rows(**draw.evidence)))
        last.append(roc_auc_score(draw.truth, losses(draw.evidence["epoch_logits"][-1:], draw.evidence["y"])[0]))
    assert np.mean(ours) > np.mean(last) + 0.002, f"{np.mean(ours):.3f} by area, {np.mean(last):.3f} by last loss"
    assert np.mean(ours) > 0.88, f"AUROC {np.mean(ours):.3f}"


def _judged(X: np.ndarray, given: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows the threshold samples of one training call wrong, and which rows were such samples."""
    y, samples = AreaUnderTheMargin.relabel(given, seed)
    return AreaUnderTheMargin().find_errors(_epoch_logits(X, y, seed), y, samples), samples


def test_threshold_samples_cut_between_right_and_wrong_labels() -> None:
    found, right = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = _digits(rng)
        given = _symmetric(X, y, rng)
        flagged, samples = _judged(X, given, seed)
        found.append(flagged[(given != y) & ~samples].mean())
        right.append(1 - flagged[(given == y) & ~samples].mean())
    assert min(found) > 0.9, f"{min(found):.0%} of the wrong labels fall below the threshold"
    assert min(right) > 0.75, f"only {min(right):.0%} of the right labels stay above it"


def test_with_two_classes_the_cut_is_worthless_as_the_docstring_says() -> None:
    X, y = _tumours(np.random.default_rng(0))
    flagged, samples = _judged(X, y, 0)
    assert flagged[~samples].mean() > 0.5, f"only {flagged[~samples].mean():.0%} of right labels are called wrong"


def test_areas_follow_the_definition_and_the_threshold_its_percentile() -> None:
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(7, 20, 4)), rng.integers(0, 4, 20)
    by_hand = [np.mean([z[row, y[row]] - max(np.delete(z[row], y[row])) for z in logits]) for row in range(20)]
    np.testing.assert_allclose(margins(logits, y).mean(axis=0), by_hand)
    bad = np.arange(20) < 5
    np.testing.assert_allclose(AreaUnderTheMargin().score_rows(logits, y), -np.array(by_hand))
    below = [row >= 5 and area < min(by_hand[:5]) for row, area in enumerate(by_hand)]
    assert any(below)
    assert AreaUnderTheMargin(percentile=0).find_errors(logits, y, bad).tolist() == below


def test_threshold_samples_take_a_class_of_their_own() -> None:
    given, bad = AreaUnderTheMargin.relabel(np.arange(100) % 4)
    assert bad.sum() == 100 // 5
    assert (given[bad] == 4).all()
    assert (given[~bad] == np.arange(100)[~bad] % 4).all()
    with pytest.raises(ValueError, match="is_bad marks no row"):
        AreaUnderTheMargin().find_errors(np.zeros((2, 3, 2)), [0, 1, 0], [0, 0, 0])
    with pytest.raises(ValueError, match="percentile is 120"):
        AreaUnderTheMargin(percentile=120).find_errors(np.zeros((2, 3, 2)), [0, 1, 0], [0, 0, 1])


def test_wrong_labels_gather_in_the_hard_region() -> None:
    draw = WORLDS["learning_symmetric"](0)
    regions = DataMap().regions(**draw.evidence)
    rates = {name: draw.truth[rows].mean() for name, rows in regions.items()}
    assert rates["hard"] > 0.5, f"{rates}"
    assert rates["easy"] < 0.02, f"{rates}"
    assert len(regions["ambiguous"]) == round(len(draw.truth) / 3)
    confidence, variability, _ = DataMap().coordinates(**draw.evidence)
    assert confidence[regions["easy"]].min() >= confidence[regions["hard"]].max()
    assert variability[regions["ambiguous"]].min() >= np.quantile(variability, 0.6)


def test_rows_learnt_late_are_wrong_and_training_without_them_is_better() -> None:
    """The paper's claim, on fresh digits: dropping what was learnt last raises accuracy with 30 % of labels wrong."""
    X, y = load_digits(return_X_y=True)
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(y))
        train, test = order[:700], order[700:]
        given = np.where(rng.random(700) < 0.3, (y[train] + rng.integers(1, 10, 700)) % 10, y[train])
        network = MLPClassifier((64,), batch_size=32, learning_rate_init=0.003, random_state=seed)
        log = [network.partial_fit(X[train] / 16, given, classes=range(10)).predict_proba(X[train] / 16)]
        log += [network.partial_fit(X[train] / 16, given).predict_proba(X[train] / 16) for _ in range(29)]
        kept = LateStopping().kept_rows(np.log(np.maximum(log, 1e-12)), given, drop=0.3)
        assert (given[kept] == y[train][kept]).mean() > 0.85
        again = MLPClassifier((64,), batch_size=32, learning_rate_init=0.003, max_iter=30, random_state=seed)
        with pytest.warns(match="Maximum iterations"):
            again.fit(X[train][kept] / 16, given[kept])
        gains.append(again.score(X[test] / 16, y[test]) - network.score(X[test] / 16, y[test]))
    assert np.mean(gains) > 0.03, f"accuracy on right labels changes by {np.mean(gains):+.3f}"


def test_the_epoch_is_the_first_that_ends_a_run() -> None:
    right = np.array([[1, 0, 1, 1, 1, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0, 1, 1, 0, 1, 1]], float).T
    epoch_logits = np.stack([1 - right, right], axis=2)  # label 1 is predicted where `right` is 1
    scores = {k: LateStopping(consecutive=k).score_rows(epoch_logits, [1, 1, 1, 1]).tolist() for k in (1, 2, 3)}
    assert scores == {1: [1, 1, 6, 2], 2: [4, 2, 7, 3], 3: [5, 7, 7, 7]}
    with pytest.raises(ValueError, match="epoch_logits has 6 epochs and consecutive is 9"):
        LateStopping(consecutive=9).score_rows(epoch_logits, [1, 1, 1, 1])


def test_the_log_of_the_training_loop_is_what_the_scorers_read() -> None:
    torch = pytest.importorskip("torch", reason="training needs torch: pip install 'holdfast[torch]'")
    from holdfast import nets
    from holdfast.nets.reference import MLP

    class CrossEntropy:
        def loss(self, model, inputs, y, **_):
            return torch.nn.functional.cross_entropy(model(inputs), y)

    X, y = _digits(np.random.default_rng(0))
    X = X.astype(np.float32)
    given = np.where(np.arange(len(y)) % 5 == 0, (y + 1) % 10, y)
    loader = nets.Batches(X, given, shuffle=True)
    log = nets.fit(MLP(d=64, k=10), CrossEntropy(), loader, epochs=20, device="cpu", log="evaluation").log
    scores = AreaUnderTheMargin().score_rows(log.epoch_logits, log.y)
    np.testing.assert_allclose(scores, -log.margins().mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(losses(log.epoch_logits, log.y), log.losses(), rtol=1e-3, atol=1e-5)
    for method in (AreaUnderTheMargin(), DataMap()):
        value = roc_auc_score(given != y, method.score_rows(log.epoch_logits, log.y))
        assert value > 0.8, f"AUROC {value:.3f} of {type(method).__name__} on the log of a network"
