"""Can a retro-holdout be told from the benchmark that it stands in for?"""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.means import welch
from holdfast.ops.multiple_testing import holm
from holdfast.ops.shares import wilson_interval


class IndistinguishableHoldout(Measure):
    r"""The accuracy by which a classifier tells holdout items from public ones; two more tests enter its p-value.

    (1) The balanced accuracy of a linear classifier (ridge `penalty`, `folds` folds), against `permutations` random
    splits of all items; (2) how alike items are to those of their own side, against the same splits:

    .. math:: S = \lVert \bar u_\text{public} - \bar u_\text{holdout} \rVert^2, \quad u = x / \lVert x \rVert,

    the mean cosine within the sides less that between them; (3) where results of models older than the benchmark are
    given (`..._correct_runs`), Welch's t of the items' solve rates. The p-value is the smallest of the three after
    Holm's correction. Use it before `BenchmarkInflation`: a gap is only as good as the holdout. It fails to see what
    the embedding does not hold; and with few items nothing can be told: look at the interval.

    >>> rng = np.random.default_rng(0)
    >>> public, holdout = rng.normal(size=(2, 60, 3)) + [[[0.0, 0, 0]], [[2.0, 0, 0]]]
    >>> test = IndistinguishableHoldout(folds=4, permutations=99, penalty=2.0, seed=1)
    >>> found = test.measure(ref_X=public, cur_X=holdout)
    >>> found.value > 0.75, found.pvalue      # the least p of 99 splits is 1 / 100; of two tests, twice that
    (True, 0.02)
    """

    source = "haimes2024benchmark"
    claims = ("distinguishable_holdout",)
    blind = ("leaked_benchmark",)

    silent = ("penalty",)  # the sign of predictions hardly moves with it
    folds: int = 5
    permutations: int = 199
    penalty: float = 1.0
    seed: int = 0

    def measure(
        self, ref_X: np.ndarray, cur_X: np.ndarray,
        ref_correct_runs: np.ndarray | None = None, cur_correct_runs: np.ndarray | None = None,
    ) -> Estimate:  # fmt: skip
        """`ref_X` embeds the public items, `cur_X` the holdout; `..._correct_runs` are (models, items)."""
        n, m = len(ref_X), len(cur_X)
        if min(n, m) < self.folds:
            raise ValueError(f"ref_X and cur_X need at least {self.folds} items each, one a fold.")
        X = np.concatenate([ref_X, cur_X]).astype(np.float64)
        rng = np.random.default_rng(self.seed)
        side = np.repeat([-1.0, 1.0], [n, m])
        sides = np.array([side, *(rng.permutation(side) for _ in range(self.permutations))]).T
        right = self._held_out(X, sides, rng.permutation(n + m) % self.folds) * sides > 0
        accuracy = ((right & (sides < 0)).sum(axis=0) / n + (right & (sides > 0)).sum(axis=0) / m) / 2
        unit = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
        apart = ((unit.T @ (np.where(sides > 0, 1 / m, -1 / n))) ** 2).sum(axis=0)
        pvalues = [float((one[1:] >= one[0] - 1e-12).sum() + 1) / len(one) for one in (accuracy, apart)]
        if ref_correct_runs is not None and cur_correct_runs is not None:
            easier = welch(ref_correct_runs.mean(axis=0), cur_correct_runs.mean(axis=0)).pvalue or 1.0
            pvalues.append(2 * min(easier, 1 - easier) or 1e-300)
        low, high = wilson_interval(float(accuracy[0]), n + m, 0.9)
        return Estimate(float(accuracy[0]), low, high, n + m, float(holm(np.array(pvalues)).min()))

    def _held_out(self, X: np.ndarray, sides: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """Predictions of every column of `sides` by a ridge that has not seen the row's fold."""
        X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
        predicted = np.empty_like(sides)
        for held in range(self.folds):
            seen, other = fold != held, fold == held
            gram = X[seen].T @ X[seen] + self.penalty * np.eye(X.shape[1])
            centred = sides[seen] - sides[seen].mean(axis=0)
            predicted[other] = X[other] @ np.linalg.solve(gram, X[seen].T @ centred)
        return predicted
