"""RegMix."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from holdfast.core import Mixer
from holdfast.mixing._search import Found, best_mean, candidates, canonical, conformal_reach, folds, keep, reordered


class RegMix(Mixer):
    r"""The mixture of lowest predicted loss, by a regression over many small runs.

    .. math:: w^* = \frac{1}{K} \sum_{w \in \text{top } K} w, \qquad \text{ranked by } \hat f(w), \;
              \hat f: \text{mixture} \to \text{loss}

    :math:`\hat f` is boosted trees or a line, learnt on the runs; `draws` mixtures are drawn around the natural shares,
    and the `top` of them averaged. `predict(proportions)` gives loss, low and high; the 90 % interval is as wide as
    cross-validated residuals ask for (split conformal over `folds`). After the call: `predicted_loss_`; `low_` and
    `high_`, the range of best mixtures over fits without one fold (from 128 of the published runs it holds 58 % of what
    all runs call best: no 90 % interval, which `BayesianMix` has); `next_run_`, the candidate that these fits disagree
    on most. Use it when some tens of small runs with different mixtures have been made. It fails where the best mixture
    lies outside the runs' reach, and where small runs order mixtures otherwise than the large one.

    With the loss falling in the first share alone, the line finds the first group:

    >>> shares = np.linspace(0, 1, 20)
    >>> mixer = RegMix(regressor="linear", draws=500, top=5, folds=4, seed=1)
    >>> mixer = mixer.fit(proportions=np.column_stack([shares, 1 - shares]), run_losses=3 - shares)
    >>> mixer.mix_groups(sizes=[1.0, 1.0]).round(1).tolist(), round(mixer.predicted_loss_.value, 1)
    ([1.0, 0.0], 2.0)
    """

    source = "liu2024regmix"
    claims = ("mixing_runs",)

    silent = ("folds",)  # of the intervals and the next run, not of the mixture
    regressor: Literal["boosting", "linear"] = "boosting"
    draws: int = 4000
    top: int = 50
    folds: int = 5
    seed: int = 0

    def fit(self, proportions: np.ndarray, run_losses: np.ndarray) -> RegMix:
        """`proportions` (r, m) of the runs and the loss (r,) that each ended with."""
        order = canonical(np.zeros(proportions.shape[1]), proportions)
        self.columns_, self.runs_ = order, proportions[:, order]
        fold = folds(len(run_losses), self.folds, np.random.default_rng(self.seed))
        self.fits_ = [self._fitted(self.runs_[fold != k], run_losses[fold != k]) for k in range(self.folds)]
        held = np.concatenate([self.fits_[k].predict(self.runs_[fold == k]) for k in range(self.folds)])
        true = np.concatenate([run_losses[fold == k] for k in range(self.folds)])
        self.reach_, self.model_ = conformal_reach(held - true), self._fitted(self.runs_, run_losses)
        return self

    def predict(self, proportions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Loss, low and high end of the 90 % interval of new runs with these (r, m) proportions."""
        value = self.model_.predict(np.asarray(proportions, dtype=np.float64)[:, self.columns_])
        return value, value - self.reach_, value + self.reach_

    def mix_groups(self, sizes: np.ndarray) -> np.ndarray:
        """`sizes` are the natural amounts of every group."""
        mixtures = candidates(sizes[self.columns_], self.runs_, self.draws, np.random.default_rng(self.seed))
        said = np.array([one.predict(mixtures) for one in self.fits_])
        bests = np.array([best_mean(mixtures, one, self.top) for one in said])
        best = best_mean(mixtures, self.model_.predict(mixtures), self.top)
        low, high = np.minimum(bests.min(axis=0), best), np.maximum(bests.max(axis=0), best)
        found = reordered(self.columns_, Found(best, low, high, mixtures[said.std(axis=0).argmax()]))
        return keep(self, found, lambda w: (self.predict(w)[0], self.reach_), len(self.runs_))

    def _fitted(self, runs: np.ndarray, losses: np.ndarray) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.linear_model import Ridge

        if self.regressor == "linear":
            return Ridge(alpha=1e-3).fit(runs, losses)
        trees = HistGradientBoostingRegressor(
            max_iter=300, learning_rate=0.05, min_samples_leaf=max(2, min(20, len(runs) // 10)), early_stopping=False,
            random_state=0,
        )  # fmt: skip
        return trees.fit(runs, losses)
