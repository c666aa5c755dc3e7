"""Does Learning Require Memorization? What it costs to refuse to fit examples that are alone.

A subpopulation l is met with frequency alpha_l, drawn from a prior and normalised. Of those seen once in n rows, a new
row comes with probability tau_1 = E[alpha^2 (1 - alpha)^(n - 1)] / E[alpha (1 - alpha)^(n - 1)]; a learner that errs on
them pays tau_1 for each. Long tails (Zipf) make tau_1 of order 1 / n, so that the price is large; with equal
frequencies well covered it is nothing. First on discrete subpopulations with random labels, then on clusters of digits
with long-tailed frequencies, where nearest neighbours either keep or drop clusters that hold a single training row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

SUBPOPULATIONS, ROWS, CLASSES, DRAWS = 1000, 1000, 10, 200


def results() -> dict[str, Any]:
    """Predicted and seen excess error of refusing to fit singletons, and its share of all error there is to save."""
    zipf = 1 / np.arange(1, SUBPOPULATIONS + 1)
    found = {
        "long tail": discrete(zipf / zipf.sum()),
        "100 equal frequencies": discrete(np.full(100, 0.01)),
    }
    return {**found, "clusters of digits": digits()}


def tau(prior: np.ndarray, n: int) -> float:
    """The chance of a new row from a subpopulation that was seen once; `prior` holds equally likely frequencies."""
    once = (1 - prior) ** (n - 1)
    return float((prior**2 * once).sum() / (prior * once).sum())


def discrete(frequencies: np.ndarray) -> dict[str, float]:
    """Random labels: a learner that remembers is right on all that it saw, one that refuses guesses on singletons."""
    rng = np.random.default_rng(0)
    excess, alone = [], []
    for _ in range(DRAWS):
        counts = np.bincount(rng.choice(len(frequencies), ROWS, p=frequencies), minlength=len(frequencies))
        single = counts == 1
        alone.append(single.sum())
        excess.append(frequencies[single].sum() * (1 - 1 / CLASSES))
    predicted = tau(frequencies, ROWS) * float(np.mean(alone)) * (1 - 1 / CLASSES)
    return {
        "tau_1_times_n": tau(frequencies, ROWS) * ROWS,
        "singletons": float(np.mean(alone)),
        "excess_error": float(np.mean(excess)),
        "predicted_excess_error": predicted,
    }


def digits() -> dict[str, float]:
    """200 clusters with Zipf frequencies, 300 training rows: error with and without clusters that hold one row."""
    X, y = load_digits(return_X_y=True)
    cluster = KMeans(200, n_init=1, random_state=0).fit_predict(X)
    excess, on_single, share = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        zipf = rng.permutation(1 / np.arange(1, 201))
        weight = zipf[cluster] / np.bincount(cluster, minlength=200)[cluster]
        order = rng.permutation(len(y))
        pool, test = order[:900], order[900:]
        train = rng.choice(pool, 300, p=weight[pool] / weight[pool].sum())
        single = np.flatnonzero(np.bincount(cluster[train], minlength=200) == 1)
        kept = train[~np.isin(cluster[train], single)]
        wrong = [KNeighborsClassifier(1).fit(X[rows], y[rows]).predict(X[test]) != y[test] for rows in (train, kept)]
        of_single = np.isin(cluster[test], single)
        mass = weight[test] / weight[test].sum()
        excess.append(float(mass @ (wrong[1].astype(float) - wrong[0])))
        on_single.append(float((wrong[1][of_single].astype(float) - wrong[0][of_single]).mean()))
        share.append(float(mass[of_single].sum()))
    return {
        "excess_error": float(np.mean(excess)),
        "excess_error_on_singletons": float(np.mean(on_single)),
        "mass_of_singletons_times_that": float(np.mean(np.multiply(share, on_single))),
    }


if __name__ == "__main__":
    write(__file__, results)
