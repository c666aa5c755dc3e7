"""The choice of model and score by planting known label errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from holdfast.core import Estimate, Scorer
from holdfast.labels._crossfit import ModelKind, out_of_fold, steady_random
from holdfast.labels._plant import plant
from holdfast.labels.confident_learning import ConfidentLearning
from holdfast.labels.noise_corrected_posterior import NoiseCorrectedPosterior


class PlantedChoice(Scorer):
    r"""The model and score that best find errors planted in this very data.

    Among rows whose labels look right, a share is flipped the way the data's own noise goes (the estimated noise
    matrix; any other class where none is seen). Every model kind, and their mean, is cross-fitted on the planted
    labels; every score ranks the flips among the trusted rows; the pair with the largest mean average precision scores
    the data as it is. `rank_candidates` returns the table.

    .. math:: \hat c = \arg\max_{c \in \text{models} \times \text{scores}} \frac1R \sum_{r=1}^R
        \mathrm{AP}(s_c(\text{planted}_r), \text{flips}_r)

    Use it when no benchmark resembles your data and choosing the detector matters more than a minute. It fails on
    noise unlike what it plants (row-dependent), and with few rows, where the ranking is mostly luck: see the intervals.

    >>> X = [[i % 10 + 20.0 * (i % 2)] for i in range(60)]
    >>> y = [i % 2 if i != 7 else 0 for i in range(60)]
    >>> method = PlantedChoice(models=("linear", "kernel"), share=0.2, repeats=3, folds=4, seed=1)
    >>> int(method.score_rows(X, y).argmax())
    7
    >>> len(method.rank_candidates(X, y))  # two models and their mean, five scores
    15
    """

    source = "george2024mislabeled"
    claims = ("class_conditional_binary",)
    blind = ("class_overlap",)
    transductive = True
    models: tuple[ModelKind, ...] = ("linear", "kernel", "neighbours")
    share: float = 0.12
    repeats: int = 2
    folds: int = 5
    seed: int = 0

    def score_rows(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,) the scores of the candidate that ranks first."""
        models = self._cross_fit(X, y, self.seed)
        ranking = self._rank(X, y, models)
        model, score = max(ranking, key=lambda name: ranking[name].value).split(" ")
        return _SCORES[score](models[model], y)

    def rank_candidates(self, X: np.ndarray, y: np.ndarray) -> dict[str, Estimate]:
        """Average precision on planted flips of every "model score", best first, with its interval over repeats."""
        X, y = np.asarray(X), np.asarray(y)
        ranking = self._rank(X, y, self._cross_fit(X, y, self.seed))
        return dict(sorted(ranking.items(), key=lambda item: -item[1].value))

    def _cross_fit(self, X: np.ndarray, y: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        probs: dict[str, np.ndarray] = {kind: out_of_fold(kind, X, y, self.folds, seed) for kind in self.models}
        return {**probs, "mean": np.mean(list(probs.values()), axis=0)}

    def _rank(self, X: np.ndarray, y: np.ndarray, models: dict[str, np.ndarray]) -> dict[str, Estimate]:
        posterior = NoiseCorrectedPosterior(shrink=0.0).fit(models["mean"], y)
        trusted = posterior.score_rows(models["mean"], y) < 0.5
        found: dict[str, list[float]] = {}
        for repeat in range(self.repeats):
            rng = np.random.default_rng([self.seed, repeat])
            random = (steady_random(X, y, rng), steady_random(X, y, rng))
            planted = plant(y, trusted, posterior.noise_matrix_, self.share, random)
            fitted = self._cross_fit(X, planted.y, self.seed + 1 + repeat)
            for name, score in _candidates(fitted, planted.y):
                found.setdefault(name, []).append(_average_precision(score[trusted], planted.is_flipped[trusted]))
        return {name: _estimate(values, len(y)) for name, values in found.items()}


def _candidates(models: dict[str, np.ndarray], y: np.ndarray) -> list[tuple[str, np.ndarray]]:
    k = models["mean"].shape[1]
    return [(f"{m} {s}", score(p, np.minimum(y, k - 1))) for m, p in models.items() for s, score in _SCORES.items()]


def _average_precision(score: np.ndarray, is_bad: np.ndarray) -> float:
    bad = is_bad[np.argsort(-score, kind="stable")]
    precision = bad.cumsum() / np.arange(1, len(bad) + 1)
    return float(precision[bad].mean()) if bad.any() else 0.0


def _estimate(values: list[float], n: int) -> Estimate:
    mean, error = float(np.mean(values)), 1.645 * float(np.std(values)) / max(len(values) - 1, 1) ** 0.5
    return Estimate(mean, mean - error, mean + error, n)


def _confident(score: str, adjust: bool = False) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda p, y: ConfidentLearning(score=score, adjust=adjust).fit(p, y).score_rows(p, y)  # type: ignore[arg-type]


_SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "self_confidence": _confident("self_confidence"),
    "normalized_margin": _confident("normalized_margin"),
    "adjusted_margin": _confident("normalized_margin", adjust=True),
    "noise_corrected": lambda p, y: NoiseCorrectedPosterior().fit(p, y).score_rows(p, y),
    "noise_as_estimated": lambda p, y: NoiseCorrectedPosterior(shrink=0.0).fit(p, y).score_rows(p, y),
}
