"""Adaptive prediction sets."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from holdfast.calibration._conformal import CLOSE, threshold
from holdfast.core import Mapper


class AdaptivePredictionSets(Mapper):
    r"""Classes from the likeliest down until enough probability is gathered: larger sets where the row is harder.

    .. math:: s(x, k) = \sum_{j : p_j > p_k} p_j(x) + u \, p_k(x) + \lambda \, (\mathrm{rank}_k(x) - r)_+, \qquad
              C(x) = \{ k : s(x, k) \le Q \}

    u is uniform, one draw a row; Q is the ceil((n + 1) level)-th smallest score of the true classes. With `randomised`
    (the paper's exact form) the level is met and not exceeded; without it u is 1 in both places, sets no longer depend
    on the seed and hold more than is needed. `penalty` is lambda (0: plain; above: regularised, which shortens long
    sets) and `free` is r, the ranks without a penalty. Costs n k log k.

    Use it when hard rows are to be covered as often as easy ones, and many classes are possible. It fails where
    probabilities do not say which rows are hard, and when new rows are drawn differently; sets can be empty.

    Scores of the true classes are 1 (all mass down to it): the last class counts whole, so every class is in:

    >>> method = AdaptivePredictionSets(level=0.5, randomised=False).fit(probs=[[0.7, 0.3]] * 3, y=[0, 0, 1])
    >>> method.transform(probs=[[0.6, 0.4], [0.8, 0.2]]).tolist()  # two of three had .7: a set holds .7 at most
    [[True, False], [False, False]]
    >>> method = AdaptivePredictionSets(level=0.75, randomised=False, penalty=0.2, free=0, seed=1)
    >>> method.fit(probs=[[0.7, 0.3]] * 3, y=[0, 0, 0]).transform(probs=[[0.6, 0.4]]).tolist()  # .9 = .7 + .2
    [[True, False]]
    """

    source = "romano2020classification"
    claims = ("overconfident", "none")
    blind = ("hard_group",)
    gives: ClassVar[str] = "sets"

    level: float = 0.9
    randomised: bool = True
    penalty: float = 0.0
    free: int = 1
    seed: int = 0
    silent: ClassVar[tuple[str, ...]] = ("free",)  # without a penalty no rank is dear

    def fit(self, probs: np.ndarray, y: np.ndarray) -> Self:
        """Learn how much probability is to be gathered from calibration rows."""
        scores = self._scores(probs, np.random.default_rng([self.seed, 0]))
        most = threshold(scores[np.arange(len(y)), y], self.level)
        self.most_ = most + (CLOSE * abs(most) if np.isfinite(most) else 0.0)  # sums in another order are the same
        return self

    def transform(self, probs: np.ndarray) -> np.ndarray:
        """(n, k) bool, true where the class is in the row's set."""
        return self._scores(probs, np.random.default_rng([self.seed, 1])) <= self.most_

    def _scores(self, probs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        probs = probs.astype(np.float64)
        order = np.argsort(-probs, axis=1, kind="stable")
        ranked = np.take_along_axis(probs, order, axis=1)
        share = rng.random((len(probs), 1)) if self.randomised else np.ones((len(probs), 1))
        below = np.hstack([ranked[:, ::-1].cumsum(axis=1)[:, -2::-1], np.zeros((len(probs), 1))])
        gathered = -below - ranked * (1 - share)  # s - 1: near s = 1 the digits of tiny probabilities are kept
        gathered += self.penalty * np.maximum(np.arange(1, probs.shape[1] + 1) - self.free, 0)
        scores = np.empty_like(gathered)
        np.put_along_axis(scores, order, gathered, axis=1)
        return scores
