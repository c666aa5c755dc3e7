"""How much of the target one column gives away, alone and out of sample."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure

FINEST = 16  # least mean number of rows in a bin of a numeric column
LEVELS = 5  # levels of bins, each splitting a bin of the one above into four


class TargetLeak(Measure):
    r"""Share of the target's uncertainty that a single column removes, cross-validated: 0 nothing, 1 gives it away.

    .. math:: s = 1 - \frac{\sum_i L(y_i, \hat f_{-i}(x_i))}{\sum_i L(y_i, \hat f_{-i}(\emptyset))}

    L is the log loss for classes `y` (s is then the share of their entropy) and the squared error for a numeric
    `target` (R squared); the fit without fold of row i predicts by bins of `x` or by values of `category`. Bins are
    quantiles split in four, level by level; each is shrunk towards the bin above it by `smoothing` rows.

    Use it when one column may be filled in after the answer is known (a discharge date, a refund flag), one call a
    column; a value near 1 that nobody can explain is a leak. Identifiers and row numbers go the same way, as numbers in
    `x` (see `holdfast.ops.identifiers`): any value clearly above 0 is wrong. The p-value is for "predicts nothing"
    and errs on the safe side; the 90 % interval takes rows as independent. It fails when only several columns together
    give the answer away or a code is unique to its row, and it cannot tell an honest, very good feature from a leak.

    >>> y = [0, 1] * 50
    >>> round(TargetLeak(folds=2, smoothing=0.5, seed=3).measure(category=[3, 7] * 50, y=y).value, 2)
    0.99
    >>> TargetLeak(folds=2, smoothing=0.5, seed=3).measure(category=[3, 3, 7, 7] * 25, y=y).value
    0.0
    >>> ages = [float(age) for age in range(100)]
    >>> round(TargetLeak(folds=4, smoothing=4.0).measure(x=ages, target=[age // 25 for age in ages]).value, 2)
    0.97
    """

    source = "kaufman2012leakage"
    claims = ("leaking_number", "leaking_category", "leaking_number_for_a_number", "row_order_follows_the_target")
    blind = ("leak_of_two_columns_together",)

    folds: int = 5
    smoothing: float = 1.0
    seed: int = 0

    def measure(
        self,
        x: np.ndarray | None = None,
        category: np.ndarray | None = None,
        y: np.ndarray | None = None,
        target: np.ndarray | None = None,
    ) -> Estimate:
        if (x is None) == (category is None) or (y is None) == (target is None):
            raise ValueError("TargetLeak.measure() takes one column (x or category) and one answer (y or target).")
        levels = _nested_bins(x) if category is None else [_codes(category)]  # type: ignore[arg-type]
        fold = np.random.default_rng(self.seed).permutation(len(levels[0])) % self.folds
        if target is None:
            chances = _class_chances(_codes(y), levels, fold, self.smoothing)  # type: ignore[arg-type]
            return _skill(*(-np.log(chance) for chance in chances))
        answer = target.astype(np.float64) - target.mean(dtype=np.float64)
        answer /= float(np.abs(answer).max()) or 1.0
        return _skill(*((answer - mean) ** 2 for mean in _means(answer, levels, fold, self.smoothing)))


def _codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def _nested_bins(x: np.ndarray) -> list[np.ndarray]:
    """Bins of x by mid-rank, so that ties stay together: 4, 16, ... of them, as many as `FINEST` allows."""
    order = np.argsort(x, kind="stable")
    new = np.append(True, np.diff(x[order]) != 0)
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(x))
    rank = np.empty(len(x))
    rank[order] = ((starts + ends) / 2)[np.cumsum(new) - 1] / len(x)
    depth = int(np.clip(np.log2(max(len(x) / FINEST, 1)) // 2, 1, LEVELS))
    return [np.minimum((rank * 4**level).astype(np.int64), 4**level - 1) for level in range(1, depth + 1)]


def _class_chances(
    answer: np.ndarray, levels: list[np.ndarray], fold: np.ndarray, smoothing: float
) -> list[np.ndarray]:
    """The chance of every row's class by the classes' shares and by the bins, both without the row's fold."""
    k = int(answer.max()) + 1
    chances = [np.full(len(answer), 1 / k)]
    for bins in (np.zeros_like(answer), *levels):
        rows, hits = _elsewhere(bins, fold), _elsewhere(bins * k + answer, fold)
        chances.append((hits + smoothing * chances[-1]) / (rows + smoothing))
    return [chances[1], chances[-1]]


def _means(answer: np.ndarray, levels: list[np.ndarray], fold: np.ndarray, smoothing: float) -> list[np.ndarray]:
    means = [np.zeros(len(answer))]
    for bins in (np.zeros_like(fold), *levels):
        rows, total = _elsewhere(bins, fold), _elsewhere(bins, fold, answer)
        means.append((total + smoothing * means[-1]) / (rows + smoothing))
    return [means[1], means[-1]]


def _elsewhere(key: np.ndarray, fold: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """For every row the number (or the weight) of the rows with its key outside its fold."""
    if key.max() > 4 * len(key):
        key = _codes(key)
    inside = key * (fold.max() + 1) + fold
    return np.bincount(key, weight)[key] - np.bincount(inside, weight)[inside]


def _skill(base: np.ndarray, loss: np.ndarray) -> Estimate:
    from scipy.special import ndtr

    n, uncertain = len(base), float(base.mean())
    if n < 2 or uncertain <= 1e-12:
        return Estimate(0.0, 0.0, 1.0 if n < 2 else 0.0, n, 1.0)
    skill = 1 - float(loss.mean()) / uncertain
    reach = 1.645 * float(np.std(loss - (1 - skill) * base)) / uncertain / np.sqrt(n)
    error = float(np.std(base - loss, ddof=1)) / np.sqrt(n)
    pvalue = float(ndtr(-(base - loss).mean() / error)) if error > 0 else (1 / (n + 1) if skill > 0 else 1.0)
    value, low, high = (float(np.clip(number, 0, 1)) for number in (skill, skill - reach, skill + reach))
    return Estimate(value, low, high, n, max(pvalue, float(np.finfo(float).tiny)))
