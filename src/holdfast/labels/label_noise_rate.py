"""The rate of label noise."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.labels._confident import (
    calibrated_joint,
    class_thresholds,
    confident_classes,
    confident_counts,
    given_probabilities,
)
from holdfast.labels._lapse import Counted, dispersion, profile

GRID = 121  # noise rates tried, closer together near 0
BINS = 128  # rows of about equal confidence that are counted together
PRIOR = 4.0  # log prior odds against a noise rate of 1: where the likelihood is flat, few errors are the better guess


class LabelNoiseRate(Measure):
    r"""The share of wrong labels: how often the label contradicts the model even where the model is surest.

    A hard task and a noisy one both make labels and predictions disagree; but overlap fades as the model grows surer
    and noise does not. Let z be the confidence in the predicted class, standardised within it. The share of rows that
    agree with their prediction rises with z to a ceiling below 1, and what is missing is the noise rate
    :math:`\rho` (a lapse rate):

    .. math:: P(\text{agree} \mid z) = (1 - \rho)\, g + \frac{\rho}{k - 1} (1 - g), \qquad g = \sigma(a + e^b z)

    The interval is the profile likelihood's, widened where the curve fits badly; it reaches down to 0 where no ceiling
    shows, as on hard clean tasks, and up to the confident joint's share of errors (`northcutt2021confident`), which
    takes every confident contradiction for one. The p-value is for "at most the `tolerated` share is wrong"; n times
    the value is a number of errors.

    Use it when you need the number of label errors rather than their ranking. It fails on noise that spares the easy
    rows: near the class boundary nothing tells it from overlap, so the value leaves it out, and the upper end counts
    only what the model contradicts. It needs out-of-sample probabilities.

    >>> probs = [[0.99, 0.01]] * 500 + [[0.9, 0.1]] * 500 + [[0.55, 0.45]] * 500  # very sure, sure, unsure
    >>> y = [0] * 450 + [1] * 50 + [0] * 450 + [1] * 50 + [0] * 275 + [1] * 225  # a tenth contradicts both sure thirds
    >>> rate = LabelNoiseRate(level=0.5, tolerated=0.2).measure(probs, y)
    >>> round(rate.value, 1), bool(0.08 < rate.low < 0.1 < rate.high), rate.pvalue
    (0.1, True, 1.0)
    """

    source = "liu2016classification"
    claims = ("rate_of_symmetric_noise", "rate_of_class_conditional_noise")
    blind = ("boundary",)
    level: float = 0.9
    tolerated: float = 0.01

    def measure(self, probs: np.ndarray, y: np.ndarray) -> Estimate:
        """The share of wrong labels, its interval, and the p-value of a likelihood-ratio test for few."""
        from scipy.stats import chi2

        k = max(probs.shape[1], 2)
        counted = _counted(probs, y)
        rates = (1 - 1 / k) * 0.98 * np.linspace(0, 1, GRID) ** 2
        losses, curves = profile(counted, rates, k)
        best = int(losses.argmin())
        deviances = 2 * (losses - losses[best]) / dispersion(counted, curves[best])
        inside = np.flatnonzero(deviances <= chi2.ppf(self.level, 1))
        low, high = rates[max(inside[0] - 1, 0)], rates[min(inside[-1] + 1, GRID - 1)]
        value = np.clip(rates[(deviances / 2 + PRIOR * rates).argmin()], low, high)
        high = max(high, _confident_share(probs, y))
        null = int(np.searchsorted(rates, self.tolerated, side="right")) - 1
        pvalue = 1.0 if best <= null else float(chi2.sf(deviances[: null + 1].min(), 1)) / 2
        return Estimate(float(value), float(low), float(high), len(y), max(pvalue, 1e-300))


def _confident_share(probs: np.ndarray, y: np.ndarray) -> float:
    """The share of rows off the diagonal of the confident joint."""
    k = probs.shape[1]
    confident, _ = confident_classes(probs, class_thresholds(given_probabilities(probs, y), y, k))
    return float(1 - calibrated_joint(confident_counts(y, confident, k), y).trace() / len(y))


def _counted(probs: np.ndarray, y: np.ndarray) -> Counted:
    predicted = probs.argmax(axis=1)
    highest = probs[np.arange(len(y)), predicted].astype(np.float64)
    z = _standardised(np.log(np.maximum(highest, 1e-12)) - np.log(np.maximum(1 - highest, 1e-6)), predicted)
    ranks = np.searchsorted(np.sort(z), z)  # equal confidences share a rank, so that their order does not matter
    bins = np.unique(ranks * min(BINS, len(y)) // len(y), return_inverse=True)[1]
    weight = _class_weights(z, predicted, y, probs.shape[1])[predicted]
    rows = np.bincount(bins, weight)
    return Counted(np.bincount(bins, weight * z) / rows, rows, np.bincount(bins, weight * (predicted == y)))


def _class_weights(z: np.ndarray, predicted: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """(k,) true over predicted share of every class, mean 1 over rows.

    Noise that mostly goes one way makes a class look rarer than it is. The surer half of the rows predicted as j shows
    how class j is labelled; non-negative least squares then gives the shares of true classes that explain the labels.
    """
    from scipy.optimize import nnls

    seen = np.bincount(predicted, minlength=k)
    present = np.flatnonzero(seen)
    sure = z >= 0
    labelled = np.bincount(predicted[sure] * k + y[sure], minlength=k * k).reshape(k, k)[present]
    labelled = labelled / np.maximum(labelled.sum(axis=1, keepdims=True), 1)
    true_shares = nnls(labelled.T, np.bincount(y, minlength=k) / len(y))[0]
    weights = np.ones(k)
    weights[present] = np.clip(true_shares * len(y) / seen[present], 0.5, 2)
    return weights * len(y) / (weights * seen).sum()


def _standardised(confidence: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Confidence within each predicted class: a class with more noise is never as sure as the others."""
    rows = np.maximum(np.bincount(predicted), 1)
    centred = confidence - (np.bincount(predicted, confidence) / rows)[predicted]
    spread = np.sqrt(np.bincount(predicted, centred**2) / rows)[predicted]
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9)
