"""Plug-in selective classification with out-of-distribution detection."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from holdfast.core import Scorer


class PluginSCOD(Scorer):
    r"""What it costs to answer rather than to abstain, where a row may be ambiguous or from elsewhere.

    .. math:: s(x) = (1 - c_\text{in} - c_\text{out}) (1 - \max_k p_k(x)) + c_\text{out} \frac{P_\text{out}(x)}
        {P_\text{in}(x)} - c_\text{in}, \qquad
        \frac{P_\text{out}}{P_\text{in}} = \frac{P_\text{wild} / P_\text{in} - \pi}{1 - \pi}

    Abstain where s is above 0: that is Bayes-optimal where abstaining on an ordinary row costs :math:`c_\text{in}`,
    answering a foreign one :math:`c_\text{out}` and a wrong answer the rest. The ratio comes from a classifier of
    reference rows (`ref_X`) against unlabelled rows as they come in (`cur_X`), a mixture with a share :math:`\pi` of
    ordinary ones; unless given as `in_share`, it is the 5 % quantile of the ratio over the reference rows. Nothing is
    fitted on the rows that are scored.

    Use it when a model may abstain and a few hundred rows from the field are at hand. It fails where the field is
    all foreign rows or none: then :math:`\pi` cannot be read off the ratio.

    >>> ref, cur = np.zeros((40, 1)), np.repeat([[0.0], [1.0]], 20, axis=0)  # half of what comes in is new
    >>> method = PluginSCOD(cost_in=0.1, cost_out=0.4, in_share=0.5, iterations=60).fit(ref_X=ref, cur_X=cur)
    >>> method.score_rows(X=[[0.0], [0.0]], probs=[[1.0, 0.0], [0.5, 0.5]]).round(2)  # ratio 0: .5 (1 - max) - .1
    array([-0.1 ,  0.15])
    """

    source = "narasimhan2024plugin"
    claims = ("foreign_or_wrong",)
    cost_in: float = 0.1
    cost_out: float = 0.4
    in_share: float | None = None
    iterations: int = 40

    def fit(self, ref_X: np.ndarray, cur_X: np.ndarray) -> PluginSCOD:
        """Learn the ratio of densities of the field and the reference."""
        X = np.concatenate([ref_X, cur_X])
        is_cur = np.arange(len(X)) >= len(ref_X)
        trees = HistGradientBoostingClassifier(
            max_iter=self.iterations,
            max_leaf_nodes=8,
            min_samples_leaf=min(20, max(1, len(X) // 4)),
            early_stopping=False,
            random_state=0,
        )
        with threadpool_limits(1, user_api="openmp"):
            self.trees_ = trees.fit(X, is_cur)
        self.odds_ = len(ref_X) / len(cur_X)
        share = float(np.quantile(self._ratio(ref_X), 0.05)) if self.in_share is None else self.in_share
        self.in_share_ = min(max(share, 0.0), 0.99)
        return self

    def score_rows(self, X: np.ndarray, probs: np.ndarray) -> np.ndarray:
        """(n,) cost of answering less cost of abstaining: abstain where it is above 0."""
        foreign = np.maximum(self._ratio(X) - self.in_share_, 0) / (1 - self.in_share_)
        doubt = (1 - self.cost_in - self.cost_out) * (1 - probs.max(axis=1))
        return doubt + self.cost_out * foreign - self.cost_in

    def _ratio(self, X: np.ndarray) -> np.ndarray:
        """Density of the field over that of the reference."""
        with threadpool_limits(1, user_api="openmp"):
            is_cur = self.trees_.predict_proba(X)[:, 1]
        return self.odds_ * is_cur / np.maximum(1 - is_cur, 1e-6)
