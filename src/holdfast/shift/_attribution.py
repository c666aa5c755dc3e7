"""Counterfactual losses of every coalition of mechanisms, and their Shapley values with influences of the rows.

The density ratio of a set of mechanisms is a ridge-penalised logistic domain classifier on their features, additive
over mechanisms: it can express that each of them moved, not that the relation between them and the label did.
"""

from __future__ import annotations

from math import factorial
from typing import NamedTuple

import numpy as np
from scipy import stats

from holdfast.core import Estimate
from holdfast.ops.two_sample import TINY, Z90

CAP = 20.0  # no row counts more than this many times, or less than one over it
FIT_ROWS = 5_000  # rows of each sample that a domain classifier is fitted on
CLIP = 4.0  # standard deviations: beyond, a value counts as this far out


class Ratio(NamedTuple):
    """A fitted p_cur / p_ref of some features: log ratio of every row, and what its coefficients owe to every row."""

    log: np.ndarray  # (n + m,), within +- log CAP
    free: np.ndarray  # (n + m,) bool, not capped
    design: np.ndarray  # (n + m, p) with a column of ones
    scores: np.ndarray  # (fitted rows, p): the change of the coefficients per unit of weight on a fitted row
    fitted: np.ndarray  # row numbers behind `scores`


def column_features(ref_X: np.ndarray, cur_X: np.ndarray) -> list[np.ndarray]:
    """Per column (n + m, 1 or 2): the standardised value and its square, which let mean and spread move."""
    both = np.concatenate([ref_X, cur_X]).astype(np.float64)
    both -= both.mean(axis=0)
    deviation = both.std(axis=0)
    both /= np.where(deviation > 1e-12 * np.abs(both).max(axis=0, initial=0.0), deviation, np.inf)
    np.clip(both, -CLIP, CLIP, out=both)
    features = []
    for column in both.T:
        square = column**2
        square -= square.mean()
        two_valued = np.abs(square).max() < 1e-9 or abs(np.corrcoef(column, square)[0, 1]) > 1 - 1e-9
        features.append(column[:, None] if two_valued else np.column_stack([column, square]))
    return features


def one_hot(codes: np.ndarray) -> np.ndarray:
    """(n, k) indicators, centred."""
    indicators = (codes[:, None] == np.unique(codes)[None, :]).astype(np.float64)
    return indicators - indicators.mean(axis=0)


def fit_ratio(features: list[np.ndarray], is_cur: np.ndarray, fitted: np.ndarray, ridge: float) -> Ratio:
    """Penalised logistic regression of the domain by Newton's method; the log odds less the log of the sizes."""
    design = np.column_stack([np.ones(len(is_cur)), *features])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-9
    rows, target = design[fitted], is_cur[fitted].astype(np.float64)
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(target.mean() / (1 - target.mean()))
    sizes = beta[0]
    for _ in range(12):
        chance = 1 / (1 + np.exp(-np.clip(rows @ beta, -30, 30)))
        gradient = rows.T @ (target - chance) - penalty * beta
        hessian = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        beta += step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-4:  # Newton squares the error: the next step would be below 1e-7
            break
    log = design @ beta - sizes
    scores = np.linalg.solve(hessian, (rows * (target - chance)[:, None]).T).T
    cap = np.log(CAP)
    return Ratio(np.clip(log, -cap, cap), np.abs(log) < cap, design, scores, fitted)


def weighted_loss(loss: np.ndarray, ratio: Ratio, of_ref: bool, n: int) -> tuple[float, np.ndarray]:
    """Mean loss of the reference moved forward by the ratio, or of the current sample moved back; row influences.

    Influences are first-order and include those through the fitted coefficients: their squares sum to the variance.
    """
    side = slice(0, n) if of_ref else slice(n, None)
    sign = 1.0 if of_ref else -1.0
    weight = np.exp(sign * ratio.log[side])
    weight /= weight.sum()
    mean = float(weight @ loss[side])
    pull = weight * (loss[side] - mean)
    influence = np.zeros(len(loss))
    influence[side] = pull
    slope = sign * (pull * ratio.free[side]) @ ratio.design[side]
    influence[ratio.fitted] += ratio.scores @ slope
    return mean, influence


def shapley_weights(players: int) -> np.ndarray:
    """(players, 2^players): Shapley values are this times the values of the coalitions, numbered by their bits.

    >>> shapley_weights(2).tolist()  # coalitions: none, {0}, {1}, both
    [[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5]]
    """
    weights = np.zeros((players, 1 << players))
    for coalition in range(1 << players):
        size = coalition.bit_count()
        for player in range(players):
            inside = coalition >> player & 1
            others = size - inside
            share = factorial(others) * factorial(players - others - 1) / factorial(players)
            weights[player, coalition] = share if inside else -share
    return weights


class Samples:
    """Both samples stacked, the reference first: which rows the domain classifiers are fitted on, and how."""

    def __init__(self, n: int, m: int, ridge: float, rng: np.random.Generator) -> None:
        self.n, self.m, self.ridge = n, m, ridge
        self.is_cur = np.arange(n + m) >= n
        parts = [start + rng.permutation(size)[:FIT_ROWS] for start, size in ((0, n), (n, m))]
        self.fitted = np.sort(np.concatenate(parts))

    def mechanisms(
        self, features: list[np.ndarray], names: list[str], loss: np.ndarray, players: int
    ) -> dict[str, np.ndarray]:
        """The columns whose own shift moves the mean loss most, one by one, and the rest as one.

        Columns of one name, such as the components of a text or a group that the user names, are one mechanism.
        """
        together = {name: [f for f, own in zip(features, names, strict=True) if own == name] for name in names}
        moved = []
        for columns in together.values():
            ratio = fit_ratio(columns, self.is_cur, self.fitted, self.ridge)
            moved.append(abs(weighted_loss(loss, ratio, True, self.n)[0] - loss[: self.n].mean()))
        order = [list(together)[i] for i in np.argsort(-np.array(moved), kind="stable")]
        chosen = {name: np.column_stack(together[name]) for name in order[:players]}
        rest = [column for name in order[players:] for column in together[name]]
        return {**chosen, "other columns": np.column_stack(rest)} if rest else chosen

    def attribute(self, mechanisms: list[np.ndarray], loss: np.ndarray) -> list[Estimate]:
        """The Shapley value of every mechanism, and of the relation, which is the last player."""
        q = len(mechanisms)
        weights = shapley_weights(q + 1)
        relation, everything = 1 << q, (1 << q) - 1
        values, influences = np.zeros(q + 1), np.zeros((q + 1, self.n + self.m))
        for chosen in range(1 << q):
            features = [mechanism for i, mechanism in enumerate(mechanisms) if chosen >> i & 1]
            ratio = fit_ratio(features, self.is_cur, self.fitted, self.ridge)
            for coalition, of_ref in ((chosen, True), (relation | (everything ^ chosen), False)):
                mean, influence = weighted_loss(loss, ratio, of_ref, self.n)
                values += weights[:, coalition] * mean
                influences += weights[:, coalition, None] * influence
        half = Z90 * np.sqrt((influences**2).sum(axis=1))
        pvalues = np.maximum(2 * stats.norm.sf(np.abs(values) / np.maximum(half / Z90, 1e-300)), TINY)
        return [
            Estimate(float(v), float(v - h), float(v + h), self.n + self.m, float(p))
            for v, h, p in zip(values, half, pvalues, strict=True)
        ]
