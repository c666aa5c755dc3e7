"""Bayesian optimisation of a mixture."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer
from holdfast.mixing._search import Found, best_mean, candidates, canonical, conformal_reach, keep, reordered

SHOWN = 600  # candidates on which whole loss surfaces are drawn
Z90 = 1.6448536269514722


class BayesianMix(Mixer):
    r"""The mixture of lowest expected loss under a Gaussian process over many small runs.

    .. math:: f \sim \mathcal{GP}\big(0, \; \sigma^2 e^{-\sum_j (u_j - u_j')^2 / 2 \ell_j^2} + \tau^2 u^\top u'\big),
              \qquad u_j = \log(w_j + \epsilon)

    A length for every group, chosen by marginal likelihood on at most `learnt` runs. `predict(proportions)` gives loss,
    low and high (90 % of new runs, noise included, as wide as runs left out one by one ask for). After the call:
    `predicted_loss_`; `low_` and `high_`, 90 % of the best mixtures of `surfaces` surfaces drawn from the posterior;
    `next_run_`, the candidate whose expected improvement on the best loss is largest. Use it when the next run is to be
    chosen too, or the price of a wrong share matters. It fails above a few thousand runs (its cost is cubic), and where
    noise differs much from run to run.

    >>> shares = np.linspace(0, 1, 20)
    >>> mixer = BayesianMix(epsilon=0.1, draws=800, top=5, learnt=15, surfaces=50, seed=1)
    >>> mixer = mixer.fit(proportions=np.column_stack([shares, 1 - shares]), run_losses=3 + (shares - 0.6) ** 2)
    >>> mixer.mix_groups(sizes=[1.0, 1.0]).round(1).tolist(), round(mixer.predicted_loss_.value, 2)
    ([0.6, 0.4], 3.0)
    """

    source = "chen2025admire"
    claims = ("mixing_runs",)

    memory = "quadratic"
    silent = ("learnt", "surfaces")  # more runs than there are; intervals, not the mixture
    epsilon: float = 1e-3
    draws: int = 4000
    top: int = 50
    learnt: int = 200
    surfaces: int = 100
    seed: int = 0

    def fit(self, proportions: np.ndarray, run_losses: np.ndarray) -> BayesianMix:
        """`proportions` (r, m) of the runs and the loss (r,) that each ended with."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

        r, m = proportions.shape
        if r < 4:
            raise ValueError(f"proportions holds {r} runs; a surface needs at least 4.")
        order = canonical(np.zeros(m), proportions)
        self.columns_, self.runs_ = order, proportions[:, order].astype(np.float64)
        self.mean_, self.spread_ = float(run_losses.mean()), max(float(run_losses.std()), 1e-9)
        losses = (run_losses.astype(np.float64) - self.mean_) / self.spread_
        kernel = ConstantKernel(1.0) * RBF(np.full(m, 3.0), (0.1, 1e3)) + ConstantKernel(0.1) * DotProduct()
        rows = np.random.default_rng(self.seed).permutation(r)[: self.learnt]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is a group that does not matter
            chosen = GaussianProcessRegressor(kernel + WhiteKernel(0.01, (1e-6, 10.0)), random_state=0)
            chosen.fit(self._inputs(self.runs_[rows]), losses[rows])
            self.model_ = GaussianProcessRegressor(chosen.kernel_, optimizer=None)
            self.model_.fit(self._inputs(self.runs_), losses)
        self.best_, self.reach_ = float(losses.min()), self._reach()
        return self

    def predict(self, proportions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Loss, low and high end of the 90 % interval of new runs with these (r, m) proportions."""
        return self._losses(np.asarray(proportions, dtype=np.float64)[:, self.columns_])

    def mix_groups(self, sizes: np.ndarray) -> np.ndarray:
        """`sizes` are the natural amounts of every group."""
        from scipy.stats import norm

        rng = np.random.default_rng(self.seed)
        mixtures = candidates(sizes[self.columns_], self.runs_, self.draws, rng)
        value, spread = self.model_.predict(self._inputs(mixtures), return_std=True)
        best = best_mean(mixtures, value, self.top)
        promising = np.argsort(value, kind="stable")[:SHOWN]
        drawn = self.model_.sample_y(self._inputs(mixtures[promising]), self.surfaces, random_state=self.seed)
        bests = mixtures[promising][drawn.argmin(axis=0)]
        low, high = np.quantile(bests, [0.05, 0.95], axis=0)
        z = (self.best_ - value) / np.maximum(spread, 1e-12)
        next_run = mixtures[(spread * (z * norm.cdf(z) + norm.pdf(z))).argmax()]
        found = reordered(self.columns_, Found(best, np.minimum(low, best), np.maximum(high, best), next_run))

        def around(proportions: np.ndarray) -> tuple[np.ndarray, float]:
            middle, _, upper = self.predict(proportions)
            return middle, float(upper[0] - middle[0])

        return keep(self, found, around, len(self.runs_))

    def _reach(self) -> float:
        """How many of its standard deviations the process is off by on runs left out, 90 % of the time."""
        from scipy.linalg import cho_solve

        inverse = cho_solve((self.model_.L_, True), np.eye(len(self.runs_)))
        left_out = self.model_.alpha_ / np.sqrt(np.diag(inverse))
        return max(conformal_reach(left_out), Z90)

    def _inputs(self, mixtures: np.ndarray) -> np.ndarray:
        return np.log(mixtures + self.epsilon) / 2

    def _losses(self, mixtures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        value, spread = self.model_.predict(self._inputs(mixtures), return_std=True)
        value, reach = value * self.spread_ + self.mean_, self.reach_ * spread * self.spread_
        return value, value - reach, value + reach
