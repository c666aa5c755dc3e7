"""Success before and after a model's training cutoff."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.logistic import likelihood_ratio_test


class ReleaseDateTest(Measure):
    r"""Does success fall, or popularity stop helping, for items published after a model's training ended?

    .. math:: \text{logit}\, P(\text{correct}) = \alpha + \beta\, 1[\text{before}] + \gamma z
              + \delta\, z\, 1[\text{before}] + \theta^\top x

    z is the standardised log of `popularity`, x are further columns (`covariates`: difficulty, length). `of="drop"`
    tests :math:`\beta`, the log odds that items lose at the cutoff; `of="popularity"` tests :math:`\delta`: what the
    web holds often helps before the cutoff and no longer after it, a mark of memory that difficulty does not leave. The
    p-value is that of the likelihood ratio, one-sided; a ridge of one pseudo-item (`prior`) keeps separated data
    finite. `cutoff` is a date as a number; None takes the median date. Use it when items carry dates. It fails where
    the difficulty of items changed at the same time as the training ended and no column says so.

    Of ten old items eight are solved, of ten new ones two; the log odds ratio is log(16) = 2.77:

    >>> found = ReleaseDateTest(of="drop", cutoff=10.0, prior=1e-6).measure(
    ...     correct=[1] * 8 + [0] * 2 + [1] * 2 + [0] * 8, release_date=range(20))
    >>> round(found.value, 1), round(found.pvalue, 4)
    (2.8, 0.0027)
    """

    source = "roberts2023data"
    claims = ("leaked_before_a_date",)
    blind = ("leaked_at_all_dates",)

    silent = ("prior",)
    of: Literal["drop", "popularity"] = "drop"
    cutoff: float | None = None
    prior: float = 0.1

    def measure(
        self, correct: np.ndarray, release_date: np.ndarray,
        popularity: np.ndarray | None = None, covariates: np.ndarray | None = None,
    ) -> Estimate:  # fmt: skip
        cutoff = float(np.median(release_date)) if self.cutoff is None else self.cutoff
        before = (release_date < cutoff).astype(np.float64)
        if before.min() == before.max():
            raise ValueError(f"release_date has no item on one side of the cutoff {cutoff:g}.")
        columns = [np.ones(len(before)), before]
        if popularity is not None:
            seen = np.log(np.maximum(popularity.astype(np.float64), 1e-12))
            seen = (seen - seen.mean()) / max(float(seen.std()), 1e-12)
            columns += [seen, (before - before.mean()) * seen]
        elif self.of == "popularity":
            raise ValueError("popularity is needed for of='popularity': how often every item stands on the web.")
        if covariates is not None:
            columns += list(((covariates - covariates.mean(axis=0)) / np.maximum(covariates.std(axis=0), 1e-12)).T)
        return likelihood_ratio_test(np.column_stack(columns), correct, 1 if self.of == "drop" else 3, self.prior)
