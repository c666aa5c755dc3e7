"""Selective ensembles: answers that another training run would repeat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from holdfast.core import Scorer


class SelectiveEnsemble(Scorer):
    r"""How well the votes of models from the same training recipe fit a tossed coin: high where runs disagree.

    .. math:: s(x) = \min\big(1, 2 P(B \ge n_A)\big), \quad B \sim \text{Bin}(n_A + n_B, 1 / 2)

    Each model votes for its most probable class; :math:`n_A \ge n_B` are the votes of the first two classes, and the
    score is the two-sided p-value of "both are equally likely". `predict` gives the first class where that is at most
    `alpha` and -1 (no answer) elsewhere: an answer is not the class that most runs would give with probability at most
    `alpha`. Use it when several runs that differ by their seed or their sample are at hand and a decision about a
    person must not depend on the run. It fails where all runs make the same mistake, and with few runs: 5 cannot
    reach a p-value under .0625.

    >>> ensemble_probs = [[[0.9, 0.1], [0.6, 0.4]]] * 5 + [[[0.8, 0.2], [0.1, 0.9]]]  # votes 6 : 0 and 5 : 1
    >>> ensemble = SelectiveEnsemble(alpha=0.1)
    >>> ensemble.score_rows(ensemble_probs).round(3).tolist()  # 2 / 64 and 2 (1 + 6) / 64
    [0.031, 0.219]
    >>> ensemble.predict(ensemble_probs).tolist()
    [0, -1]
    """

    source = "black2022selective"
    claims = ("unstable_answer",)
    silent: ClassVar[tuple[str, ...]] = ("alpha",)  # it changes `predict`
    alpha: float = 0.05

    def score_rows(self, ensemble_probs: np.ndarray) -> np.ndarray:
        """(n,) p-value, in (0, 1], of "the first two classes get equally many votes"."""
        from scipy.special import bdtrc

        votes = np.sort(_votes(ensemble_probs), axis=1)
        first = votes[:, -1]
        second = votes[:, -2] if votes.shape[1] > 1 else np.zeros_like(first)
        return np.minimum(1.0, 2 * bdtrc(first - 1, first + second, 0.5))

    def predict(self, ensemble_probs: np.ndarray) -> np.ndarray:
        """(n,) the class that most models vote for; -1 where the votes do not settle it at level `alpha`."""
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha!r}; expected a number between 0 and 1, both left out.")
        settled = self.score_rows(ensemble_probs) <= self.alpha
        return np.where(settled, _votes(np.asarray(ensemble_probs)).argmax(axis=1), -1)


def _votes(ensemble_probs: np.ndarray) -> np.ndarray:
    """(n, k) how many models find each class most probable."""
    _, rows, classes = ensemble_probs.shape
    votes = np.zeros((rows, classes), dtype=np.int64)
    for probs in ensemble_probs:
        votes[np.arange(rows), probs.argmax(axis=1)] += 1
    return votes
