"""An algorithmic unit test: does a learner from bags respect the multiple-instance assumption?"""

from __future__ import annotations

from typing import Any

import numpy as np

from holdfast.core import Estimate, Measure


class MultipleInstanceTest(Measure):
    r"""AUROC on bags that only a learner of positive evidence gets right: below one half, the assumption is broken.

    A bag is positive because of what is in it. In training, positive bags hold a faint signal and negative bags an easy
    "poison"; in the test the poison is in the positive bags. A learner that looks for the signal, as the assumption
    asks, stays above .5; one that has learnt "poison, so negative" falls below, however well it does in training. The
    p-value is that of an AUROC of .5 or more.

    `model` needs `fit(bags, y)` and `decision_function(bags)`, where bags are a list of (instances, `features`) arrays.
    Use it before a multiple-instance model is trusted with a cause. It fails to prove the contrary: who passes may
    break the assumption in another way.

    >>> class Mean:  # averages a bag, so that it learns from what is absent
    ...     def fit(self, bags, y):
    ...         means = np.array([bag.mean(axis=0) for bag in bags])
    ...         self.w = means[y == 1].mean(axis=0) - means[y == 0].mean(axis=0)
    ...     def decision_function(self, bags):
    ...         return np.array([bag.mean(axis=0) @ self.w for bag in bags])
    >>> found = MultipleInstanceTest(bags=60, features=4, seed=1).measure(Mean())
    >>> found.high < 0.5, found.pvalue < 0.01
    (True, True)
    """

    source = "raff2023reproducibility"
    claims = ("mean_of_bags",)
    bags: int = 100
    features: int = 8
    seed: int = 0

    def measure(self, model: Any) -> Estimate:
        """Train on the poisoned bags, score the swapped ones: AUROC with its 90 % interval and p-value."""
        from scipy.special import stdtr, stdtrit

        lacking = [verb for verb in ("fit", "decision_function") if not callable(getattr(model, verb, None))]
        if lacking or self.bags < 8 or self.features < 2:
            raise ValueError(
                f"model lacks {' and '.join(lacking) or 'nothing'}; bags is {self.bags}, features {self.features}: "
                "expected fit(bags, y) and decision_function(bags), at least 8 bags and 2 features."
            )
        rng = np.random.default_rng(self.seed)
        bags, y = self._draw(rng, poisoned=0)
        model.fit(bags, y)
        bags, y = self._draw(rng, poisoned=1)
        scores = np.asarray(model.decision_function(bags), dtype=np.float64).reshape(-1)
        if scores.shape != y.shape or not np.isfinite(scores).all():
            raise ValueError(f"model gives scores of shape {scores.shape}; expected one finite number per bag.")
        positive, negative = scores[y == 1], scores[y == 0]
        wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
        value = float(wins.mean())
        variances = [float(wins.mean(axis=axis).var(ddof=1)) / wins.shape[1 - axis] for axis in (0, 1)]
        error = max(sum(variances) ** 0.5, 0.5 / len(y))
        reach = float(stdtrit(len(y) - 2, 0.95)) * error
        pvalue = float(stdtr(len(y) - 2, (value - 0.5) / error))
        low, high = max(value - reach, 0.0), min(value + reach, 1.0)
        return Estimate(value, low, high, len(y), max(pvalue, float(np.finfo(float).tiny)))

    def _draw(self, rng: np.random.Generator, poisoned: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Bags of 5 to 15 normal instances: a signal at 3 in positive ones, poison at -10 in those of one class."""
        y = np.arange(self.bags) % 2
        bags = []
        for label in y:
            bag = rng.normal(size=(int(rng.integers(5, 16)), self.features))
            places = rng.permutation(len(bag))
            if label == 1:
                bag[places[:2], 0] += 3
            if label == poisoned:
                bag[places[2:4], 1] -= 10
            bags.append(bag)
        return bags, y
