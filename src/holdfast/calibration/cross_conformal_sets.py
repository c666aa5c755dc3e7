"""CV+ prediction sets."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import upper_rank
from holdfast.core import Mapper


class CrossConformalSets(Mapper):
    r"""CV+ for classes: every row calibrates the model that has not seen it, so that no row is set aside.

    .. math:: C(x) = \Big\{ k : \sum_i \big[ s_i < s_{-f(i)}(x, k) \big] < (n + 1) \, \text{level} \Big\}, \qquad
              s(x, k) = 1 - p_k(x)

    f(i) is the fold of row i and s_i its out-of-fold score. The promise is 1 - 2 (1 - level), up to a term that
    vanishes with the fold size; what is seen is `level`. Costs n log n once and k folds log n a row.

    Use it when rows are too few to set some aside and cross-validated models are at hand. It fails when new rows are
    drawn differently, and with models that differ much between folds, where sets become large.

    Out of fold, true classes had .9 and .6 by the first model, .8 and .7 by the second. With level .5 a class is out
    if 2.5 or more of these are above its own probability by the same model, so three:

    >>> probs, y, fold = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]], [0, 0, 1, 1], [0, 0, 1, 1]
    >>> method = CrossConformalSets(level=0.5).fit(probs=probs, y=y, fold=fold)
    >>> method.transform(ensemble_probs=[[[0.7, 0.3]], [[0.75, 0.25]]]).tolist()  # above: .9, .8; above .3: all
    [[True, False]]
    """

    source = "romano2020classification"
    claims = ("cross_fitted",)
    gives: ClassVar[str] = "sets"

    level: float = 0.9

    def fit(self, probs: np.ndarray, y: np.ndarray, fold: np.ndarray) -> Self:
        """Sort the out-of-fold scores; `probs` of a row are by the model of its fold, which has not seen it."""
        upper_rank(1, self.level)  # refuses a level outside 0..1
        scores = 1 - probs[np.arange(len(y)), y].astype(np.float64)
        self.scores_ = [np.sort(scores[fold == f]) for f in range(int(fold.max()) + 1)]
        return self

    def transform(self, ensemble_probs: np.ndarray) -> np.ndarray:
        """(n, k) bool, true where the class is in the row's set; one of `ensemble_probs` a fold, in order."""
        if len(ensemble_probs) != len(self.scores_):
            raise ValueError(
                f"ensemble_probs has {len(ensemble_probs)} models, but fold has {len(self.scores_)} folds: "
                "expected the probabilities of one model a fold, in the order of the fold codes."
            )
        below = np.zeros(ensemble_probs.shape[1:], dtype=np.int64)
        for scores, probs in zip(self.scores_, ensemble_probs, strict=True):
            below += np.searchsorted(scores, 1 - probs.astype(np.float64), side="left")
        return below < (sum(map(len, self.scores_)) + 1) * self.level - 1e-9
