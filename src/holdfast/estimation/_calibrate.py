"""One-versus-rest isotonic calibration of one sample's probabilities by another's labels, with weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from holdfast.ops.metrics import METRICS
from holdfast.ops.resampling import bootstrap_weights

SPLITS, HELD_OUT, BINS = 10, 0.1, 10  # NannyML's check whether a class needs calibration


def calibrated(
    ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray, weights: np.ndarray | None, when: str
) -> tuple[np.ndarray, list[int]]:
    """(cur_n, k) calibrated probabilities and the classes that were calibrated; `when`: auto, always or never."""
    columns = [1] if ref_probs.shape[1] == 2 else list(range(ref_probs.shape[1]))
    classes = [] if when == "never" else columns
    if when == "auto":
        classes = [c for c in columns if _needs_calibration(ref_y == c, ref_probs[:, c])]
    return _beliefs(ref_probs, ref_y, cur_probs, weights, classes), classes


def redrawn(
    ref_probs: np.ndarray,
    ref_y: np.ndarray,
    cur_probs: np.ndarray,
    weights: np.ndarray | None,
    classes: list[int],
    draws: int,
    seed: int,
) -> Iterator[np.ndarray]:
    """The same beliefs from bootstrap samples of the reference."""
    base = np.ones(len(ref_y)) if weights is None else weights
    for block in bootstrap_weights(len(ref_y), draws, seed):
        for row in block:
            yield _beliefs(ref_probs, ref_y, cur_probs, row * base, classes)


def _beliefs(
    ref_probs: np.ndarray, ref_y: np.ndarray, cur_probs: np.ndarray, weights: np.ndarray | None, classes: list[int]
) -> np.ndarray:
    raw = np.clip(cur_probs.astype(np.float64), 0, 1)
    for c in classes:
        raw[:, c] = _isotonic(ref_probs[:, c], ref_y == c, weights, cur_probs[:, c])
    if raw.shape[1] == 2:
        return np.column_stack([1 - raw[:, 1], raw[:, 1]])
    totals = raw.sum(axis=1, keepdims=True)
    return np.where(totals > 0, raw / np.where(totals > 0, totals, 1), 1 / raw.shape[1])


def _isotonic(score: np.ndarray, is_class: np.ndarray, weights: np.ndarray | None, at: np.ndarray) -> np.ndarray:
    """Isotonic regression of a class on its score, at other scores: linear between, constant beyond.

    scikit-learn's class gives the same and spends ten times as long on checks.
    """
    from sklearn.isotonic import isotonic_regression

    weights = np.ones(len(score)) if weights is None else weights
    order = np.argsort(score, kind="stable")
    order = order[weights[order] > 0]
    starts = np.flatnonzero(np.r_[True, score[order][1:] != score[order][:-1]])
    mass = np.add.reduceat(weights[order], starts)
    shares = np.add.reduceat(weights[order] * is_class[order], starts) / mass
    fitted = isotonic_regression(shares, sample_weight=mass, y_min=0, y_max=1)
    return np.interp(at, score[order][starts], fitted)


def _needs_calibration(is_class: np.ndarray, score: np.ndarray) -> bool:
    """Whether isotonic regression lowers the calibration error on held-out tenths, as NannyML decides it."""
    from sklearn.model_selection import StratifiedShuffleSplit

    rarer = min(int(is_class.sum()), int((~is_class).sum()))
    if rarer < 2 or len(is_class) < 2 / HELD_OUT or _ranked(is_class, score) > 0.999:
        return False
    splits = StratifiedShuffleSplit(n_splits=SPLITS, test_size=HELD_OUT, random_state=42).split(score, is_class)
    parts = [
        (is_class[test], score[test], _isotonic(score[fit], is_class[fit], None, score[test])) for fit, test in splits
    ]
    truth, before, after = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _calibration_error(truth, before) > _calibration_error(truth, after)


def _calibration_error(truth: np.ndarray, score: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal size."""
    order = np.argsort(score)
    bins = BINS if len(order) > 2 * BINS else max(len(order) // 2, 1)
    edges = np.arange(0, len(order) + 1, len(order) // bins)
    edges[-1] = len(order)
    gaps = np.add.reduceat((score - truth)[order], edges[:-1])
    return float(np.abs(gaps).sum() / len(order))


def _ranked(is_class: np.ndarray, score: np.ndarray) -> float:
    return float(METRICS["auroc"](is_class.astype(int), np.column_stack([1 - score, score])))
