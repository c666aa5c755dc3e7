"""Inputs that a group would need for a fixed model to treat it like the others."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Weigher

MOST_STEPS = 2000
BLOCK = 1000  # rows that are matched together


class CounterfactualDistribution(Weigher):
    r"""Weights of a group's rows under which a fixed classifier errs as often in it as in all other rows.

    .. math:: w \leftarrow w\,(1 - \epsilon\,\mathrm{sign}(M_1 - M_0)\,\psi(x)), \qquad
              \psi(x) = \frac{v(x)\,(a(x) - M_1)}{E_w[v]}, \quad M_1 = \frac{E_w[v a]}{E_w[v]}

    :math:`M_1` is a rate in the group and :math:`M_0` in the rest. "false_positive_rate": a is a positive answer and v
    the probability of class 0; "false_negative_rate": a negative answer and the probability of class 1;
    "positive_rate": a positive answer, v = 1. :math:`\psi` is the influence of a row on the rate, so each step of size
    `step` moves the inputs where the gap falls fastest; the last one is cut where it closes. Rows of other groups
    weigh 1. `repair_rows` is the preprocessor: rows of the group keep their features or, as often as the weights say,
    take those of another row of the group, at the least total distance.

    Use it when a model cannot be retrained and a group has a worse rate because its inputs lie elsewhere. It fails
    where the relation of inputs and class is another one in the group, and where the group has no rows of the kind it
    lacks. Whether features may be changed for a person is not a question of statistics.

    Of four rows of group 1, all likely of class 0, two are called positive; in group 0 one of four is:

    >>> probs, predicted = [[0.8, 0.2]] * 8, [1, 1, 0, 0, 1, 0, 0, 0]
    >>> method = CounterfactualDistribution(metric="positive_rate", step=0.05, of_group=1)
    >>> method.weigh_rows(probs, predicted, group=[1, 1, 1, 1, 0, 0, 0, 0]).round(2).tolist()
    [0.5, 0.5, 1.5, 1.5, 1.0, 1.0, 1.0, 1.0]
    >>> method.before_, method.after_
    ((0.5, 0.25), (0.25, 0.25))
    """

    source = "wang2019repairing"
    claims = ("moved_group",)
    metric: Literal["false_positive_rate", "false_negative_rate", "positive_rate"] = "false_positive_rate"
    step: float = 0.02
    of_group: int = 1

    def weigh_rows(self, probs: np.ndarray, predicted: np.ndarray, group: np.ndarray) -> np.ndarray:
        """(n,) weights, mean 1; `before_` and `after_` are the rates (group, rest), equal where the gap could close."""
        if probs.shape[1] != 2:
            raise ValueError(f"probs has {probs.shape[1]} classes; a rate of false positives needs two.")
        inside = group == self.of_group
        if inside.all() or not inside.any():
            raise ValueError(f"group holds {int(inside.sum())} of {len(group)} rows of {self.of_group}; expected some.")
        share, answer = self._counted(np.asarray(probs, dtype=np.float64), predicted)
        rest = _rate(np.ones(int((~inside).sum())), share[~inside], answer[~inside])
        weights = np.ones(len(group))
        weights[inside] = self._descended(share[inside], answer[inside], rest)
        own = [_rate(w, share[inside], answer[inside]) for w in (np.ones(int(inside.sum())), weights[inside])]
        self.before_, self.after_ = (own[0], rest), (own[1], rest)
        return weights

    def repair_rows(self, X: np.ndarray, weights: np.ndarray, group: np.ndarray, seed: int = 0) -> np.ndarray:
        """(n, d) features of the repaired rows, drawn; those of other groups as they are."""
        from scipy.optimize import linear_sum_assignment
        from scipy.spatial.distance import cdist

        X, weights = np.array(X, dtype=float), np.asarray(weights, dtype=float)
        rng = np.random.default_rng(seed)
        members = np.flatnonzero(np.asarray(group) == self.of_group)
        moved = rng.permutation(members[rng.random(len(members)) >= weights[members]])
        surplus = np.maximum(weights[members] - 1, 0)
        if len(moved) == 0 or surplus.sum() == 0:
            return X
        goals = rng.choice(members, len(moved), p=surplus / surplus.sum())
        source = X.copy()
        for start in range(0, len(moved), BLOCK):
            rows, places = moved[start : start + BLOCK], goals[start : start + BLOCK]
            X[rows] = source[places[linear_sum_assignment(cdist(source[rows], source[places]))[1]]]
        return X

    def _counted(self, probs: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        positive = (predicted == 1).astype(float)
        if self.metric == "positive_rate":
            return np.ones(len(positive)), positive
        return (probs[:, 0], positive) if self.metric == "false_positive_rate" else (probs[:, 1], 1 - positive)

    def _descended(self, share: np.ndarray, answer: np.ndarray, goal: float) -> np.ndarray:
        weights = np.ones(len(share))
        for _ in range(MOST_STEPS):
            mass, rate = float((weights * share).mean()), _rate(weights, share, answer)
            influence = share * (answer - rate) / max(mass, 1e-12)
            if abs(rate - goal) < 1e-12 or not influence.any():
                break
            following = np.maximum(weights * (1 - self.step * np.sign(rate - goal) * influence), 0)
            following *= len(share) / max(float(following.sum()), 1e-12)
            if (_rate(following, share, answer) - goal) * (rate - goal) > 0:
                weights = following
                continue
            changes = ((following - weights) * share).mean()
            slope = ((following - weights) * share * answer).mean() - goal * changes
            return weights + (goal - rate) * mass / slope * (following - weights)
        return weights


def _rate(weights: np.ndarray, share: np.ndarray, answer: np.ndarray) -> float:
    return float(weights @ (share * answer)) / max(float(weights @ share), 1e-12)
