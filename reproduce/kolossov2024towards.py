"""Towards a statistical theory of data selection under weak supervision: hard rows, with weights and without.

Of 2,000 rows without labels some are chosen, by what a surrogate learnt from 200 other rows thinks of them, to be
labelled and learnt from: fours against nines of MNIST, and incomes of Adult. A row is kept with probability
proportional to [p (1 - p)]^alpha; alpha of 0 is chance, above 0 hard rows, below 0 easy ones. Logistic regression with
a ridge; with weights 1 / probability (unbiased) or without. Ridge, and alpha where it is tuned, are chosen on 300 more
labelled rows; errors are counted on all others. Differences are paired, over seeds.
"""

from __future__ import annotations

import csv
import gzip
import warnings
from typing import Any

import numpy as np
from common import data, over_seeds, write
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

POOL, SURROGATE, VALIDATION, SEEDS = 2000, 200, 300, 12
ALL = (1.0, "all")
KEPT = (0.1, 0.3, 0.6)
ALPHAS = (-0.5, 0.0, 0.5, 1.0)
RIDGES = (0.03, 0.3, 3.0)  # inverse strength
LEAST = 0.02  # of the largest probability: what an unbiased scheme must not go below


def results() -> dict[str, Any]:
    """Errors by share kept and scheme, and the differences that the paper is about."""
    return {name: of_bed(*rows) for name, rows in (("MNIST, 4 against 9", digits()), ("Adult", incomes()))}


def sample() -> dict[str, Any]:
    """The first draw of the digits."""
    found = of_draw(*digits(), seed=0)
    return {f"{kept:.0%}, {name}": error for (kept, name), error in found.items()}


def of_bed(X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """One data set."""
    runs = [of_draw(X, y, seed) for seed in range(SEEDS)]

    def gap(one: str, other: str, kept: float) -> Any:
        return over_seeds([100 * (run[kept, other] - run[kept, one]) for run in runs])

    found: dict[str, Any] = {"error of all 2,000, %": over_seeds([100 * run[ALL] for run in runs])}
    for kept in KEPT:
        table = {name: over_seeds([100 * run[kept, name] for run in runs]) for share, name in runs[0] if share == kept}
        found[f"{kept:.0%} kept"] = {
            "error, %": table,
            "points gained by hard rows over chance, no weights": gap("alpha 0.5", "alpha 0.0", kept),
            "points gained by hard rows over chance, with weights": gap("alpha 0.5, weights", "alpha 0.0", kept),
            "points gained by leaving the weights out": gap("alpha 0.5", "alpha 0.5, weights", kept),
            "points gained by a tuned alpha over chance": gap("tuned", "alpha 0.0", kept),
            "points lost against all 2,000, tuned": over_seeds([100 * (run[kept, "tuned"] - run[ALL]) for run in runs]),
        }
    return found


def of_draw(X: np.ndarray, y: np.ndarray, seed: int) -> dict[tuple[float, str], float]:
    """Errors of every scheme on one draw of pool, surrogate and validation rows."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    cuts = np.cumsum([POOL, SURROGATE, VALIDATION])
    pool, weak, valid, test = np.split(order, cuts)
    doubt = np.prod(fitted(X[weak], y[weak], 0.3).predict_proba(X[pool]), axis=1)
    found: dict[tuple[float, str], float] = {ALL: best(X, y, pool, None, valid, test)[1]}
    for kept in KEPT:
        tried = {}
        for alpha in ALPHAS:
            probability = inclusion(doubt**alpha, kept * POOL)
            rows = rng.random(POOL) < probability
            for name, weight in (("", None), (", weights", 1 / probability[rows])):
                if alpha or not name:
                    tried[f"alpha {alpha}{name}"] = best(X, y, pool[rows], weight, valid, test)
        found |= {(kept, name): error for name, (_, error) in tried.items()}
        found[kept, "tuned"] = min(tried.values())[1]
    return found


def inclusion(score: np.ndarray, wanted: float) -> np.ndarray:
    """Probabilities proportional to the score, at most 1, that sum to what is wanted."""
    score = np.maximum(score, LEAST * score.max())
    low, high = 0.0, wanted / score.mean()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(middle * score, 1).sum() < wanted else (low, middle)
    return np.minimum(high * score, 1)


def best(
    X: np.ndarray, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None, valid: np.ndarray, test: np.ndarray
) -> tuple[float, float]:  # fmt: skip
    """Log loss on the validation rows and error on the test rows, with the ridge that is best on the former."""
    models = [fitted(X[rows], y[rows], ridge, weight) for ridge in RIDGES]
    losses = [
        float(-np.log(model.predict_proba(X[valid])[np.arange(len(valid)), y[valid]] + 1e-12).mean())
        for model in models
    ]
    chosen = models[int(np.argmin(losses))]
    return min(losses), float((chosen.predict(X[test]) != y[test]).mean())


def fitted(X: np.ndarray, y: np.ndarray, ridge: float, weight: np.ndarray | None = None) -> LogisticRegression:
    """A logistic regression of this inverse strength of its ridge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        weight = None if weight is None else weight / weight.mean()
        return LogisticRegression(C=ridge, max_iter=300).fit(X, y, sample_weight=weight)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The 64 leading components of fours and nines, and which are nines."""
    X, y = [], []
    for part in ("train10k", "t10k"):
        with gzip.open(data("mnist", f"{part}-images-idx3-ubyte.gz")) as file:
            X.append(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784) / 255)
        with gzip.open(data("mnist", f"{part}-labels-idx1-ubyte.gz")) as file:
            y.append(np.frombuffer(file.read(), np.uint8, offset=8))
    images, labels = np.concatenate(X), np.concatenate(y)
    chosen = np.isin(labels, (4, 9))
    images, labels = images[chosen], labels[chosen]
    centred = images - images.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return 3 * centred @ directions[:, -64:], (labels == 9).astype(int)


def incomes() -> tuple[np.ndarray, np.ndarray]:
    """Columns of Adult, numbers scaled and categories as columns of their own, and who earns over 50,000."""
    with gzip.open(data("adult", "adult.data.gz"), "rt", encoding="utf-8") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if len(row) == 15][:20_000]
    columns = []
    for cells in zip(*[row[:14] for row in rows], strict=True):
        if all(cell.lstrip("-").isdigit() for cell in cells):
            numbers = np.log1p(np.array(cells, dtype=float))
            columns.append(((numbers - numbers.mean()) / numbers.std())[:, None])
        else:
            values, codes = np.unique(cells, return_inverse=True)
            columns.append(np.eye(len(values))[codes])
    return np.concatenate(columns, axis=1), np.array([int(row[14].startswith(">50K")) for row in rows])


if __name__ == "__main__":
    write(__file__, results, sample)
