"""Classifier two-sample test."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from holdfast.core import Estimate, Measure
from holdfast.ops.relevance import columns_that_tell
from holdfast.ops.two_sample import TINY, compare_numeric

THREADED = 100_000  # rows up to which one thread is faster: on busy cores waiting threads cost a hundredfold
SHOWN = 2000  # held-out rows per half on which the columns are shuffled, one after the other


class ClassifierTwoSample(Measure):
    r"""How well a classifier tells current rows from reference rows it has not seen: AUROC, 0.5 where nothing moved.

    .. math:: A = \tfrac{1}{2} (A_{1|2} + A_{2|1}), \quad z = \tfrac{1}{2} (z_{1|2} + z_{2|1}), \quad p = P(N(0, 1) > z)

    Boosted trees are fitted on each half and scored on the other. On unseen rows, the AUROC's distribution under no
    change is that of the Mann-Whitney statistic, so no permutations are needed; however the halves depend on each
    other, the mean of two standard normal z has a variance of at most 1, so the p-value errs to the safe side. Use it
    when columns may have changed together, on any mix of columns and scales. It fails for small shifts in few rows:
    a classifier must first be learnt from half of them.

    Of more than 500 columns the trees read the 200 whose mean or spread differs most between the sets in the half that
    they are fitted on; the other half, which judges, has no say in it.

    After a call, `ref_domain_` and `cur_domain_` hold the out-of-half probability that a row is current. With
    `explain=True`, `importances_` holds for every column the AUROC lost when it alone is shuffled.

    >>> rng = np.random.default_rng(0)
    >>> ref, cur = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + [3.0, 0.0]
    >>> method = ClassifierTwoSample(iterations=10, learning_rate=0.3, explain=True, seed=1)
    >>> estimate = method.measure(ref_X=ref, cur_X=cur)  # the best possible is Phi(3 / sqrt 2) = .983
    >>> round(estimate.value, 2), estimate.pvalue < 1e-6, int(method.importances_.argmax())
    (0.98, True, 0)
    """

    source = "lopezpaz2017revisiting"
    claims = ("mean_shift", "variance_shift", "one_column", "correlation_flip", "label_shift", "covariate_shift")
    blind = ("concept_shift",)
    silent: ClassVar[tuple[str, ...]] = ("explain",)
    iterations: int = 40
    learning_rate: float = 0.1
    explain: bool = False
    seed: int = 0

    def measure(self, ref_X: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """The mean AUROC of the two halves, its interval (DeLong) and p-value."""
        n, m = len(ref_X), len(cur_X)
        if min(n, m) < 4:
            raise ValueError(f"ref_X has {n} and cur_X {m} rows; expected at least 4 each to fit and to score.")
        rng = np.random.default_rng(self.seed)
        X = np.concatenate([ref_X, cur_X])
        is_cur = np.arange(n + m) >= n
        first = np.concatenate([_half(n, rng), _half(m, rng)])
        domain = np.empty(n + m)
        halves, lost = [], []
        with threadpool_limits(None if n + m > THREADED else 1, user_api="openmp"):
            for fitted, held in ((first, ~first), (~first, first)):
                kept = columns_that_tell(X[fitted], is_cur[fitted].astype(int), 2)
                model = self._model().fit(X[np.ix_(fitted, kept)], is_cur[fitted])
                seen = X[np.ix_(held, kept)]
                domain[held] = model.predict_proba(seen)[:, 1]
                halves.append(compare_numeric(domain[held & ~is_cur], domain[held & is_cur]).superiority)
                if self.explain:
                    lost.append(np.zeros(X.shape[1]))  # of a column that the model does not read
                    lost[-1][kept] = _shuffled_loss(model, seen, is_cur[held], rng)
        self.ref_domain_, self.cur_domain_ = domain[:n], domain[n:]
        if self.explain:
            self.importances_ = np.mean(lost, axis=0)
        z = np.mean([_z(half) for half in halves])
        low, value, high = (float(np.mean([part[i] for part in halves])) for i in (1, 0, 2))
        return Estimate(value, low, high, n + m, max(TINY, float(stats.norm.sf(z))))

    def _model(self) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=self.iterations,
            learning_rate=self.learning_rate,
            max_leaf_nodes=16,
            min_samples_leaf=10,
            early_stopping=False,
            random_state=self.seed,
        )


def _half(rows: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(rows) < rows // 2


def _z(half: Estimate) -> float:
    """The signed z behind a two-sided p-value: large where the held-out rows are told apart the right way round."""
    size = float(stats.norm.isf((half.pvalue or TINY) / 2))
    return size if half.value >= 0.5 else -size


def _shuffled_loss(
    model: HistGradientBoostingClassifier, X: np.ndarray, is_cur: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(d,) the AUROC lost when one column's values are dealt out anew."""
    rows = rng.permutation(len(X))[:SHOWN]
    X, is_cur = X[rows], is_cur[rows]

    def auroc(values: np.ndarray) -> float:
        scores = model.predict_proba(values)[:, 1]
        return compare_numeric(scores[~is_cur], scores[is_cur]).superiority.value

    lost = np.full(X.shape[1], auroc(X))
    for column in range(X.shape[1]):
        own = X[:, column].copy()
        X[:, column] = rng.permutation(own)
        lost[column] -= auroc(X)
        X[:, column] = own
    return lost
