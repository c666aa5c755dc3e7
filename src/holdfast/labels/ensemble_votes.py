"""Votes of an ensemble on the given labels."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Scorer


class EnsembleVotes(Scorer):
    r"""How little an ensemble of models believes in the given label.

    .. math:: s = 1 - \frac1m \sum_i p_i(y \mid x) \ (\text{probability}), \qquad
        s = \frac1m \#\{i : \arg\max p_i(x) \ne y\} \ (\text{vote})

    `confidence_of` says how sure the ensemble is of the class that it prefers, whatever was given: where it is sure and
    disagrees, the label is most likely wrong; `agreement_of` says how many members share that class.

    Use it when several models, prompts or judges gave probabilities for the same rows. It fails when the members share
    a mistake, since copies of one model agree for no reason.

    >>> ensemble_probs = [[[0.9, 0.1], [0.2, 0.8]], [[0.7, 0.3], [0.6, 0.4]]]
    >>> EnsembleVotes().score_rows(ensemble_probs, [1, 0]).round(2).tolist()
    [0.8, 0.6]
    >>> EnsembleVotes(by="vote").score_rows(ensemble_probs, [1, 0]).tolist()
    [1.0, 0.5]
    >>> EnsembleVotes().confidence_of(ensemble_probs).round(2).tolist()
    [0.8, 0.6]
    >>> EnsembleVotes().agreement_of(ensemble_probs).tolist()
    [1.0, 0.5]
    """

    source = "nahum2024better"
    claims = ("class_conditional_binary", "symmetric", "class_conditional")
    blind = ("class_overlap",)
    by: Literal["probability", "vote"] = "probability"

    def score_rows(self, ensemble_probs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) one minus the mean probability of the given label, or the share of members that vote against it."""
        if self.by == "vote":
            return np.asarray(np.mean([member.argmax(axis=1) != y for member in ensemble_probs], axis=0))
        rows = np.arange(len(y))
        return 1 - np.asarray(np.mean([member[rows, y] for member in ensemble_probs], axis=0))

    def confidence_of(self, ensemble_probs: np.ndarray) -> np.ndarray:
        """(n,) the mean probability of the class that the ensemble prefers."""
        return np.asarray(np.mean(ensemble_probs, axis=0).max(axis=1))

    def agreement_of(self, ensemble_probs: np.ndarray) -> np.ndarray:
        """(n,) the share of members whose likeliest class is the ensemble's."""
        preferred = np.mean(ensemble_probs, axis=0).argmax(axis=1)
        agreeing = [np.argmax(member, axis=1) == preferred for member in ensemble_probs]
        return np.asarray(np.mean(agreeing, axis=0))
