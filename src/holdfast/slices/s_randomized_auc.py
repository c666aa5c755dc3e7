"""How much of a model's ranking rests on some of the features; remedies are in the order of `ye2024spurious`."""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.metrics import auroc
from holdfast.ops.resampling import paired_gain


class SRandomizedAUC(Measure):
    r"""What the area under the ROC curve loses when the features of a block trade places between rows.

    .. math:: \Delta_S = \mathrm{AUC}(f(x_S, x_{\bar S})) - \mathrm{AUC}(f(x'_S, x_{\bar S})), \qquad x'_S \text{ of
              another row}

    Shuffling keeps the block's own distribution and cuts its tie to the label and to the other features. A model that
    loses all above .5 for a small block, and nothing for the rest, has learnt only the simplest of several features
    that would do (`randomized_` is the AUC that is left), and breaks where that one shifts. More than two classes:
    one versus rest, averaged. `block` holds column numbers. The mean of `repeats` shuffles is compared.

    Use it when a model is suspected of a shortcut, or to learn which group of features it could do without. It fails
    where another block says the same: a copy of the feature hides that either is relied on, unless both are shuffled.

    >>> from sklearn.linear_model import LogisticRegression
    >>> X = [[i % 2, i % 3, i % 5] for i in range(90)]
    >>> y = [i % 2 for i in range(90)]
    >>> model = LogisticRegression().fit(X, y)
    >>> probe = SRandomizedAUC(block=(0,), repeats=20, seed=1, level=0.8)
    >>> loss = probe.measure(model=model, X=X, y=y)
    >>> round(loss.value, 1), round(probe.randomized_, 1), loss.pvalue < 0.001
    (0.5, 0.5, True)
    >>> round(SRandomizedAUC(block=(1, 2)).measure(model=model, X=X, y=y).value, 3)
    0.0
    """

    source = "shah2020pitfalls"
    claims = ("relied_on_shortcut",)
    block: tuple[int, ...] = (0,)
    repeats: int = 5
    seed: int = 0
    level: float = 0.9

    def measure(self, model: Any, X: np.ndarray, y: np.ndarray) -> Estimate:
        """The loss of AUC, its interval over rows and shuffles, and the p-value of "the block is not relied on"."""
        columns = sorted(set(self.block))
        if not columns or columns[0] < 0 or columns[-1] >= X.shape[1]:
            raise ValueError(f"X has columns 0 to {X.shape[1] - 1}, but block is {self.block}; expected some of them.")
        if len(np.unique(y)) < 2:
            raise ValueError("y has one class; an area under the ROC curve needs two.")
        rng = np.random.default_rng(self.seed)
        probs = np.asarray(model.predict_proba(X), dtype=float)
        codes = np.searchsorted(model.classes_, y)
        shuffled = np.stack([self._shuffled(model, X, columns, rng) for _ in range(max(self.repeats, 1))])
        loss = paired_gain(codes, shuffled, np.broadcast_to(probs, shuffled.shape), "auroc", self.level)
        self.randomized_ = float(np.mean([auroc(codes, one) for one in shuffled]))
        return loss

    @staticmethod
    def _shuffled(model: Any, X: np.ndarray, columns: list[int], rng: np.random.Generator) -> np.ndarray:
        changed = X.copy()
        changed[:, columns] = X[rng.permutation(len(X))][:, columns]
        return np.asarray(model.predict_proba(changed), dtype=float)
