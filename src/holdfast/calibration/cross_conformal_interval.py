"""CV+ and jackknife+ intervals."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import shifted_order_statistic, upper_rank
from holdfast.core import Mapper


class CrossConformalInterval(Mapper):
    r"""CV+: every row calibrates the model that has not seen it, so that none is set aside. One fold a row: jackknife+.

    .. math:: C(x) = \big[ -Q\{ R_i - \hat\mu_{-k(i)}(x) \}, \; Q\{ \hat\mu_{-k(i)}(x) + R_i \} \big], \qquad
              R_i = |y_i - \hat\mu_{-k(i)}(x_i)|

    Q is the ceil((n + 1) level)-th smallest; k(i) is the fold of row i. The n x (new rows) sums are never laid out:
    each end is found by binary search in the sorted errors of the folds. Costs n log n once and (folds x log n) a row
    and halving; memory is that of the input. With 64 folds or more (jackknife+) sums are laid out by blocks.

    Use it when rows are too few to set some aside: models come from cross-validation, and none is fitted again. The
    promise is 1 - 2 (1 - level), up to a term that vanishes with the fold size; what is seen is `level`. It fails with
    models that change much from fold to fold (intervals become wide) and when new rows are drawn differently.

    Two folds, predicting 0 and 10 for the new row; errors are 1 and 2 in the first, 3 and 4 in the second. The fourth
    (.8 of 5) of 1, 2, 13, 14 is 14, and the fourth from above of -1, -2, 7, 6 is -2:

    >>> method = CrossConformalInterval(level=0.8)
    >>> method = method.fit(target=[1.0, 2.0, 3.0, 4.0], prediction=[0.0] * 4, fold=[0, 0, 1, 1])
    >>> method.transform(ensemble_prediction=[[0.0], [10.0]]).round(9).tolist()
    [[-2.0, 14.0]]
    """

    source = "barber2021jackknife"
    claims = ("numbers", "noisy_numbers")
    gives: ClassVar[str] = "intervals"

    level: float = 0.9

    def fit(self, target: np.ndarray, prediction: np.ndarray, fold: np.ndarray) -> Self:
        """Sort the out-of-fold errors; `prediction` of a row is by the model of its fold, which has not seen it."""
        errors = np.abs(target - np.asarray(prediction, dtype=np.float64))
        self.errors_ = [np.sort(errors[fold == k]) for k in range(int(fold.max()) + 1)]
        self.rank_ = upper_rank(len(errors), self.level)
        return self

    def transform(self, ensemble_prediction: np.ndarray) -> np.ndarray:
        """(n, 2) low and high end of every row's interval; one row of `ensemble_prediction` a fold, in order."""
        if len(ensemble_prediction) != len(self.errors_):
            raise ValueError(
                f"ensemble_prediction has {len(ensemble_prediction)} models, but fold has {len(self.errors_)} folds: "
                "expected the predictions of one model a fold, in the order of the fold codes."
            )
        kept = [k for k, part in enumerate(self.errors_) if len(part)]
        errors, shifts = [self.errors_[k] for k in kept], np.asarray(ensemble_prediction, dtype=np.float64)[kept]
        low = -shifted_order_statistic(errors, -shifts, self.rank_)
        return np.column_stack([low, shifted_order_statistic(errors, shifts, self.rank_)])
