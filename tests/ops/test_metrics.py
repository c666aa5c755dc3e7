"""Metrics agree with scikit-learn, influences with the jackknife, intervals with the truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as peer

from holdfast.ops.metrics import METRICS, Metric
from holdfast.ops.resampling import bootstrap_interval, bootstrap_weights, metric_interval, paired_gain

CLASSIFICATION = [name for name, metric in METRICS.items() if "binary" in metric.tasks]
REGRESSION = [name for name, metric in METRICS.items() if "regression" in metric.tasks]


def _case(kind: str, n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    if kind == "regression":
        truth = rng.normal(size=n)
        return truth + 1e3, truth + 1e3 + rng.normal(0, 0.5, n)
    k = 2 if kind == "binary" else 4
    truth = rng.integers(k, size=n)
    raw = (rng.normal(size=(n, k)) + 1.5 * np.eye(k)[truth]).round(1)  # rounded: ties
    probs = np.exp(raw)
    return truth, probs / probs.sum(axis=1, keepdims=True)


def _peer(name: str, truth: np.ndarray, prediction: np.ndarray, w: np.ndarray) -> float:
    if name in REGRESSION:
        squared = peer.mean_squared_error(truth, prediction, sample_weight=w)
        return {
            "mae": peer.mean_absolute_error(truth, prediction, sample_weight=w),
            "rmse": squared**0.5,
            "r2": peer.r2_score(truth, prediction, sample_weight=w),
        }[name]
    chosen, k = prediction.argmax(axis=1), prediction.shape[1]
    if name == "auroc":
        areas = [peer.roc_auc_score(truth == c, prediction[:, c], sample_weight=w) for c in range(k)]
        return areas[1] if k == 2 else float(np.mean(areas))
    if name == "brier":
        whole = np.average(((prediction - np.eye(k)[truth]) ** 2).sum(axis=1), weights=w)
        return peer.brier_score_loss(truth, prediction[:, 1], sample_weight=w) if k == 2 else whole
    return {
        "accuracy": lambda: peer.accuracy_score(truth, chosen, sample_weight=w),
        "balanced_accuracy": lambda: peer.balanced_accuracy_score(truth, chosen, sample_weight=w),
        "f1": lambda: peer.f1_score(truth, chosen, sample_weight=w, average="binary" if k == 2 else "macro"),
        "log_loss": lambda: peer.log_loss(truth, prediction, sample_weight=w),
    }[name]()


KINDS = [(name, kind) for name in METRICS for kind in METRICS[name].tasks]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_agrees_with_scikit_learn(name: str, kind: str) -> None:
    truth, prediction = _case(kind)
    weights = np.random.default_rng(1).integers(0, 4, len(truth)).astype(float)
    for w in (np.ones(len(truth)), weights):
        assert METRICS[name](truth, prediction, w) == pytest.approx(_peer(name, truth, prediction, w), abs=1e-9)
    assert METRICS[name](truth, prediction) == pytest.approx(_peer(name, truth, prediction, np.ones(len(truth))))


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_many_weights_at_once_equal_one_at_a_time(name: str, kind: str) -> None:
    truth, prediction = _case(kind)
    blocks = np.concatenate(list(bootstrap_weights(len(truth), 5, 3)))
    together = METRICS[name](truth, prediction, blocks)
    assert together.shape == (5,)
    assert np.allclose(together, [METRICS[name](truth, prediction, row) for row in blocks])
    assert np.allclose(blocks.sum(axis=1), len(truth))


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_influence_is_the_derivative_in_the_rows_weight(name: str, kind: str) -> None:
    truth, prediction = _case(kind, n=200)
    metric, step = METRICS[name], 1e-4
    pull = metric.influence(truth, prediction)
    assert abs(pull.mean()) < 1e-9
    for row in (0, 7, 50, 121):
        weights = np.ones(len(truth))
        weights[row] += step
        slope = (metric(truth, prediction, weights) - metric(truth, prediction)) / step * len(truth)
        assert slope == pytest.approx(pull[row], abs=0.02), f"row {row}"


def test_one_class_and_perfect_predictions_do_not_crash() -> None:
    truth = np.zeros(6, dtype=int)
    probs = np.tile([1.0, 0.0], (6, 1))
    values = {name: METRICS[name](truth, probs) for name in CLASSIFICATION}
    assert np.isnan(values.pop("auroc"))
    assert values == {"accuracy": 1.0, "balanced_accuracy": 1.0, "f1": 0.0, "log_loss": pytest.approx(0), "brier": 0.0}
    assert METRICS["r2"](np.ones(4), np.zeros(4)) == 0.0
    for name in CLASSIFICATION:
        assert np.isfinite(METRICS[name].influence(truth, probs)).all()


def _covered(metric: Metric, refits: int, n: int, draws: int, noise: float) -> tuple[float, float]:
    """Share of paired intervals that hold the expected gain, and their width against the spread of the errors."""
    k, hits, widths, errors = 3, 0, [], []

    def simulate(rng: np.random.Generator, size: int, runs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        truth = rng.integers(k, size=size)
        shared = rng.normal(size=(size, k))
        sides = []
        for skill in (1.0, 1.4):
            own = skill + noise * rng.normal(size=(runs, 1, 1))  # every refit has a skill of its own
            raw = shared + 0.6 * rng.normal(size=(runs, size, k)) + own * np.eye(k)[truth]
            probs = np.exp(raw - raw.max(axis=2, keepdims=True))
            sides.append(probs / probs.sum(axis=2, keepdims=True))
        return truth, sides[0], sides[1]

    large = (simulate(np.random.default_rng(seed), 4000, 40) for seed in range(5))
    expected = np.mean([paired_gain(*sides, metric).value for sides in large])
    for seed in range(draws):
        gain = paired_gain(*simulate(np.random.default_rng(1000 + seed), n, refits), metric)
        hits += gain.low <= expected <= gain.high
        widths.append(gain.high - gain.low)
        errors.append(gain.value - expected)
    return hits / draws, float(np.mean(widths) / (3.29 * np.std(errors)))


@pytest.mark.parametrize("name", ["accuracy", "auroc", "f1", "log_loss"])
@pytest.mark.parametrize(("refits", "noise"), [(1, 0.0), (5, 0.0), (5, 0.3)])
def test_paired_interval_covers_rows_and_refits(name: str, refits: int, noise: float) -> None:
    covered, ratio = _covered(METRICS[name], refits, n=150, draws=250, noise=noise)
    assert 0.84 <= covered <= 0.97, f"{covered:.3f} of the 90 % intervals hold the expected gain"
    assert 0.8 <= ratio <= 1.6, f"intervals are {ratio:.2f} times as wide as they should be"


def test_gain_pvalues_are_uniform_without_a_gain() -> None:
    low = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = rng.integers(2, size=120)
        sides = rng.dirichlet([1, 1], size=(2, 4, 120))
        low += paired_gain(truth, sides[0], sides[1], "log_loss").pvalue < 0.1
    assert 12 <= low <= 50, f"{low} of 300 p-values below 0.1"


def test_no_change_at_all_is_still_uncertain_for_counts_and_sign_follows_the_metric() -> None:
    truth, probs = _case("binary")
    same = paired_gain(truth, probs[None], probs[None], "accuracy")
    assert (same.value, same.pvalue) == (0.0, 0.5)
    assert same.high > 0
    softer = probs * 0.2 + 0.4
    assert paired_gain(truth, softer[None], probs[None], "log_loss").low > 0


def test_single_intervals_cover() -> None:
    hits = {"wilson": 0, "bootstrap": 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = np.zeros(60, dtype=int)
        probs = np.eye(2)[(rng.random(60) < 0.06).astype(int)]
        low, high = metric_interval(truth, probs, "accuracy")[1:3]
        hits["wilson"] += low <= 0.94 <= high
        x = rng.exponential(size=60)
        low, high = bootstrap_interval(lambda w, x=x: w @ x / 60, 60, draws=400, seed=seed)[1:3]
        hits["bootstrap"] += low <= 1 <= high
    assert all(250 <= count <= 292 for count in hits.values()), hits
