"""Expected calibration error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from holdfast.calibration._gaps import gap_interval
from holdfast.core import Estimate, Measure

GROUPS = 4096  # most groups of rows drawn together under the hypothesis; fewer rows are drawn one by one
BLOCK = 1 << 20  # numbers drawn at a time
DIGITS = 9  # of a confidence: below, two processors disagree, and near 1 the noise of a bin hangs on them


class ExpectedCalibrationError(Measure):
    r"""Mean gap between how sure the model is of its predicted class and how often it is right, without binning noise.

    .. math:: T = \sum_b \frac{n_b}{n} |g_b|, \quad g_b = \text{accuracy}_b - \text{confidence}_b, \quad
        \hat e: E[T \mid e] = T

    T over equally filled bins is what is usually reported; it is too large, since |g| of noise is not 0. Here T is
    compared with what it would be for a true error e that has the shape of the gaps seen: the value is the e at which T
    is expected, the ends of the interval are where T would be in the outer 5 % (folded normal moments). The p-value of
    perfect calibration is from labels drawn as stated, `draws` times (consistency resampling). `plain_` holds T.

    Use it when labels are at hand, to ask whether the stated confidence can be believed. It fails to see errors among
    classes that are not predicted, and errors of both signs within a bin, of which it sees the sum.

    >>> stated = [[0.1, 0.9]] * 50 + [[0.4, 0.6]] * 50
    >>> y = [1] * 30 + [0] * 20 + [1] * 30 + [0] * 20  # right in 60 % of both: gaps of .3 and 0
    >>> method = ExpectedCalibrationError(bins=2, draws=199, seed=1)
    >>> found = method.measure(probs=stated, y=y)
    >>> round(method.plain_, 3), round(found.value, 3), found.pvalue < 0.05
    (0.15, 0.147, True)
    """

    source = "broecker2007reliability"
    claims = ("known_error",)
    blind = ("hidden_error",)
    bins: int = 15
    draws: int = 999
    seed: int = 0

    def measure(self, probs: np.ndarray, y: np.ndarray) -> Estimate:
        """The error, its 90 % interval, and the p-value of perfect calibration."""
        sure = np.round(probs.max(axis=1).astype(float), DIGITS)
        order = np.argsort(sure, kind="stable")
        sure, right = sure[order], (probs.argmax(axis=1) == y)[order]
        starts = _bin_starts(sure, self.bins)
        sizes = np.diff(np.r_[starts, len(sure)])
        table = _Bins(sizes, np.add.reduceat(sure, starts), np.add.reduceat(right.astype(float), starts))
        self.plain_ = table.error(table.right)
        drawn = _drawn_errors(sure, starts, table, self.draws, self.seed)
        pvalue = (1 + (drawn >= self.plain_ - 1e-12).sum()) / (1 + self.draws)
        return Estimate(*gap_interval(*table), len(y), float(pvalue))


class _Bins(NamedTuple):
    """Rows, sum of confidences and number of right predictions of every bin."""

    sizes: np.ndarray
    sure: np.ndarray
    right: np.ndarray

    def error(self, right: np.ndarray) -> float:
        """The plain error if `right` were the right predictions."""
        return float(np.abs(right - self.sure).sum() / self.sizes.sum())


def _bin_starts(sure: np.ndarray, bins: int) -> np.ndarray:
    """First rows of about equally filled bins; equal confidences stay together."""
    cuts = sure[np.arange(bins) * len(sure) // bins]
    return np.unique(np.searchsorted(sure, cuts))


def _drawn_errors(sure: np.ndarray, starts: np.ndarray, table: _Bins, draws: int, seed: int) -> np.ndarray:
    """(draws,) plain errors of labels drawn as stated. Large bins are drawn as groups of neighbouring confidences."""
    rng = np.random.default_rng(seed)
    firsts = np.union1d(starts, np.arange(min(len(sure), GROUPS)) * len(sure) // min(len(sure), GROUPS))
    sizes = np.diff(np.r_[firsts, len(sure)])
    means = np.clip(np.add.reduceat(sure, firsts) / sizes, 0, 1)
    into = np.searchsorted(firsts, starts)
    step = max(1, BLOCK // len(firsts))
    errors = []
    for first in range(0, draws, step):
        right = rng.binomial(sizes, means, size=(min(step, draws - first), len(firsts)))
        gaps = np.add.reduceat(right, into, axis=1) - table.sure
        errors.append(np.abs(gaps).sum(axis=1) / len(sure))
    return np.concatenate(errors)
