"""Gains, compared fairly: paired, over repeats, with what several looks cost, and against wrong test labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.metrics import Metric
from holdfast.ops.resampling import paired_gain, two_way_error

LEVEL = 0.9  # all intervals of all looks together
JOINT = 50_000  # draws of the gains of several claims
DOUBTED = 0.5  # posterior probability that a test label is wrong


def row_gains(truth: np.ndarray, before: np.ndarray, after: np.ndarray, metric: Metric) -> np.ndarray:
    """(n,) what every row adds to the gain, over refits (r, n, ...); their mean is the gain itself.

    >>> from holdfast.ops.metrics import METRICS
    >>> truth, wrong, right = np.array([0, 1]), np.eye(2)[[1, 1]], np.eye(2)[[0, 1]]
    >>> row_gains(truth, wrong[None], right[None], METRICS["accuracy"]).tolist()
    [1.0, 0.0]
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    total = np.zeros(len(truth))
    for then, now in zip(before, after, strict=True):
        total += metric(truth, now) - metric(truth, then)
        total += metric.influence(truth, now) - metric.influence(truth, then)
    return sign * total / len(before)


def interaction(
    truth: np.ndarray, none: np.ndarray, first: np.ndarray, second: np.ndarray, both: np.ndarray, metric: Metric
) -> Estimate:
    """What two remedies gain together beyond the sum of what each gains alone, with its 90 % interval; 0 = they add."""
    sign = 1.0 if metric.higher_is_better else -1.0
    signs = (sign, -sign, -sign, sign)
    sides = (both, first, second, none)
    values = sum(s * np.array([metric(truth, one) for one in side]) for s, side in zip(signs, sides, strict=True))
    pulls = sum(
        s * np.array([metric.influence(truth, one) for one in side]) for s, side in zip(signs, sides, strict=True)
    )
    error, freedom = two_way_error(np.asarray(values), np.asarray(pulls), metric.counts)
    value, reach = float(np.mean(values)), t_quantile(0.5 + LEVEL / 2, freedom) * error
    return Estimate(value, value - reach, value + reach, len(truth))


def t_quantile(share: float, freedom: float) -> float:
    """The quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def error_of_look(look: int) -> float:
    r"""The share of the allowed error that the look number `look` (from 1) may spend: it sums to 1 over all looks.

    .. math:: w_k = \frac{6}{\pi^2 k^2}

    >>> [round(error_of_look(look), 3) for look in (1, 2, 10)], round(sum(error_of_look(k) for k in range(1, 9999)), 3)
    ([0.608, 0.152, 0.006], 1.0)
    """
    return 6 / (np.pi * look) ** 2


def claims_at_once(pulls: np.ndarray, error: float, adaptive: bool = False) -> float:
    r"""By what number `error` has to be divided so that the intervals of k claims hold together.

    .. math:: P(\max_j |z_j| > c) + [\text{adaptive}] \, P(|z| > c) = \text{error}, \qquad z \sim N(0, \mathrm{corr})

    `pulls` (k, n) are what every row adds to each gain, 0 where the row does not judge the claim: claims that move the
    same rows cost hardly more than one. One more claim, `adaptive`, was chosen by rows that do not judge it; nothing is
    assumed about how it hangs together with the others.

    >>> same, other = np.tile([1.0, -1.0], 50), np.repeat([1.0, -1.0], 50)
    >>> round(claims_at_once(np.stack([same, same]), 0.05), 1), round(claims_at_once(np.stack([same, other]), 0.05), 1)
    (1.0, 2.0)
    """
    from scipy.special import ndtr, ndtri

    most = len(pulls) + adaptive
    if most == 1:
        return 1.0
    centred = pulls - pulls.mean(axis=1, keepdims=True)
    scaled = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-300)
    values, vectors = np.linalg.eigh(scaled @ scaled.T)
    root = vectors * np.sqrt(np.maximum(values, 0))
    largest = np.sort(np.abs(np.random.default_rng(0).normal(size=(JOINT, len(pulls))) @ root.T).max(axis=1))
    low, high = (float(-ndtri(error / divisor / 2)) for divisor in (1, most))
    for _ in range(40):
        middle = (low + high) / 2
        spent = 1 - np.searchsorted(largest, middle) / JOINT + adaptive * 2 * ndtr(-middle)
        low, high = (middle, high) if spent > error else (low, middle)
    return float(error / (2 * ndtr(-high)))


def confirmed_gain(
    truth: np.ndarray, before: np.ndarray, after: np.ndarray, metric: Metric, look: int, at_once: float = 1.0
) -> Estimate:
    """The gain on rows that judge at look number `look`: the intervals of all looks hold together with 90 %.

    `at_once` divides what the look may err with among the claims that are judged in it.
    """
    share = error_of_look(look) / at_once
    gain = paired_gain(truth, before, after, metric, level=1 - (1 - LEVEL) * share)
    pvalue = None if gain.pvalue is None else min(1.0, gain.pvalue / share)
    return gain._replace(pvalue=pvalue)


def rows_needed(gain: Estimate, level: float = LEVEL) -> int | None:
    """Confirming rows with which a gain of this size would be told from none with 80 % probability; None if no gain.

    >>> rows_needed(Estimate(0.02, -0.02, 0.06, 100))  # (1.645 + .842)^2 / 1.645^2 = 2.28; (.04 / .02)^2 = 4
    915
    """
    from scipy.special import ndtri

    if gain.value <= 0 or gain.low >= gain.value:
        return None
    quantile = float(ndtri(0.5 + level / 2))
    ratio = (gain.value - gain.low) / quantile * (quantile + float(ndtri(0.8))) / gain.value
    return int(np.ceil(gain.n * ratio**2))


def run_noise(truth: np.ndarray, runs: np.ndarray, metric: Metric) -> dict[str, Any]:
    """How much the metric moves from run to run with nothing repaired: on these rows, and (accuracy) in general."""
    from holdfast.estimation import RunVariance

    values = np.array([metric(truth, one) for one in runs])
    noise: dict[str, Any] = {
        "runs": len(runs),
        "on_these_rows": float(values.std(ddof=1)) if len(runs) > 1 else None,
        "on_the_distribution": None,
    }
    if metric.name == "accuracy" and len(runs) > 1:
        correct = np.stack([one.argmax(axis=1) == truth for one in runs])
        spread = RunVariance().measure(correct_runs=correct)
        noise["on_the_distribution"] = {"value": spread.value, "low": spread.low, "high": spread.high}
    return noise


def label_doubt(
    truth: np.ndarray, before: np.ndarray, after: np.ndarray, metric: Metric, look: int, at_once: float = 1.0
) -> dict[str, Any] | None:
    """Whether a gain rests on test labels that look wrong: it is measured again without them.

    A label is doubted by what the models before and after say together, so that neither side is favoured. None for a
    numeric target, or where a class has too few rows.
    """
    from holdfast.labels import LabelNoiseRate, NoiseCorrectedPosterior

    if before.ndim < 3 or len(np.unique(truth)) < 2:
        return None
    probs = np.asarray((before.mean(axis=0) + after.mean(axis=0)) / 2, dtype=np.float64)
    probs /= probs.sum(axis=1, keepdims=True)
    try:
        rate = LabelNoiseRate().measure(probs=probs, y=truth)
        method = NoiseCorrectedPosterior().fit(probs=probs, y=truth)
        doubted = method.score_rows(probs=probs, y=truth) > DOUBTED
    except ValueError:
        return None
    kept = ~doubted
    if kept.sum() < 10 or len(np.unique(truth[kept])) < 2:
        return None
    without = confirmed_gain(truth[kept], before[:, kept], after[:, kept], metric, look, at_once)
    whole = confirmed_gain(truth, before, after, metric, look, at_once)
    doubt: dict[str, Any] = {
        "rate": rate._asdict(),
        "doubted": int(doubted.sum()),
        "gain_without": without._asdict(),
        "holds": bool(without.low > 0) == bool(whole.low > 0),
        "labels_that_would_undo_it": None,
    }
    if metric.name == "accuracy" and whole.value > 0:
        doubt["labels_that_would_undo_it"] = int(np.ceil(whole.value * len(truth) / 2))
    return doubt
