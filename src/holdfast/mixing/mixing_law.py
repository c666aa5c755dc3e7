"""Data mixing law."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer
from holdfast.mixing._search import Found, best_mean, candidates, canonical, conformal_reach, folds, keep, reordered

STARTS = 4


class MixingLaw(Mixer):
    r"""The mixture of lowest mean loss under an exponential law of every validation domain.

    .. math:: L_i(w) = c_i + \exp\Big(b_i + \sum_j t_{ij} w_j\Big), \qquad w^* = \arg\min_w \frac{1}{v} \sum_i L_i(w)

    Fitted by Huber's loss (`huber`, in units of a domain's spread) from several starts. `predict(proportions)` gives
    loss, low and high; the 90 % interval is as wide as cross-validated residuals ask for. After the call:
    `predicted_loss_`; `low_` and `high_`, the range of best mixtures over fits without one fold; `next_run_`, the
    candidate that these fits disagree on most. Use it when few runs were made (about three times as many as groups) and
    each was judged on several domains. It fails where domains help and hurt in other ways than by one exponential:
    compare the residuals of `RegMix`.

    >>> shares = np.linspace(0, 1, 12)[:, None] * [1.0, -1.0] + [0.0, 1.0]
    >>> law = MixingLaw(draws=2000, top=5, folds=3, huber=2.0, seed=1)
    >>> law = law.fit(proportions=shares, run_group_losses=2 + np.exp(1 - 2 * shares))
    >>> law.mix_groups(sizes=[1.0, 3.0]).round(1).tolist(), round(law.predicted_loss_.value, 2)      # 2 + e^0
    ([0.5, 0.5], 3.0)
    """

    source = "ye2024mixing"
    claims = ("mixing_runs",)

    silent = ("huber", "folds")  # folds are of the intervals and the next run, not of the mixture
    draws: int = 10_000
    top: int = 50
    folds: int = 5
    huber: float = 1.0
    seed: int = 0

    def fit(self, proportions: np.ndarray, run_group_losses: np.ndarray) -> MixingLaw:
        """`proportions` (r, m) of the runs and the losses (r, v) that each ended with on v validation domains."""
        order = canonical(np.zeros(proportions.shape[1]), proportions)
        self.columns_, self.runs_ = order, proportions[:, order]
        fold = folds(len(self.runs_), self.folds, np.random.default_rng(self.seed))
        self.law_ = [self._law(self.runs_, losses, None) for losses in run_group_losses.T]
        self.laws_ = [
            [
                self._law(self.runs_[fold != k], losses[fold != k], known)
                for losses, known in self._domains(run_group_losses)
            ]
            for k in range(self.folds)
        ]
        held = [_mean_loss(self.laws_[k], self.runs_[fold == k]) - run_group_losses[fold == k].mean(axis=1)
                for k in range(self.folds)]  # fmt: skip
        self.reach_ = conformal_reach(np.concatenate(held))
        return self

    def predict(self, proportions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean loss, low and high end of the 90 % interval of new runs with these (r, m) proportions."""
        value = _mean_loss(self.law_, np.asarray(proportions, dtype=np.float64)[:, self.columns_])
        return value, value - self.reach_, value + self.reach_

    def mix_groups(self, sizes: np.ndarray) -> np.ndarray:
        """`sizes` are the natural amounts of every group."""
        mixtures = candidates(sizes[self.columns_], self.runs_, self.draws, np.random.default_rng(self.seed))
        said = np.array([_mean_loss(law, mixtures) for law in self.laws_])
        bests = np.array([best_mean(mixtures, one, self.top) for one in said])
        best = best_mean(mixtures, _mean_loss(self.law_, mixtures), self.top)
        low, high = np.minimum(bests.min(axis=0), best), np.maximum(bests.max(axis=0), best)
        found = reordered(self.columns_, Found(best, low, high, mixtures[said.std(axis=0).argmax()]))
        return keep(self, found, lambda w: (self.predict(w)[0], self.reach_), len(self.runs_))

    def _domains(self, losses: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return list(zip(losses.T, self.law_, strict=True))

    def _law(self, runs: np.ndarray, losses: np.ndarray, known: np.ndarray | None) -> np.ndarray:
        """(c, b, t_1 ... t_m) of one domain, from several starts or from a law that is near."""
        from scipy.optimize import least_squares

        spread = max(float(losses.std()), 1e-9)

        def gaps(law: np.ndarray) -> np.ndarray:
            return np.append((_loss(law, runs) - losses) / spread, 1e-3 * law[2:])

        def slopes(law: np.ndarray) -> np.ndarray:
            grown = np.exp(np.minimum(law[1] + runs @ law[2:], 50.0))[:, None]
            rows = np.column_stack([np.ones(len(runs)), grown, grown * runs]) / spread
            return np.vstack([rows, np.eye(len(law))[2:] * 1e-3])

        rng = np.random.default_rng(self.seed)
        starts = [known] if known is not None else [
            np.r_[losses.min() - size * spread, np.log(size * spread + 1e-12), rng.normal(0, 0.5, runs.shape[1])]
            for size in np.geomspace(0.3, 3, STARTS)
        ]  # fmt: skip
        fits = [least_squares(gaps, one, slopes, loss="huber", f_scale=self.huber, max_nfev=200) for one in starts]
        return min(fits, key=lambda fit: float(fit.cost)).x


def _loss(law: np.ndarray, runs: np.ndarray) -> np.ndarray:
    return law[0] + np.exp(np.minimum(law[1] + runs @ law[2:], 50.0))


def _mean_loss(laws: list[np.ndarray], runs: np.ndarray) -> np.ndarray:
    return np.mean([_loss(law, runs) for law in laws], axis=0)
