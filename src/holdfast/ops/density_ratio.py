"""Density ratios p_cur(x) / p_ref(x): fitted by logistic regression, checked by moments, judged by effective size.

A ratio is only as good as what it does: weights must carry the reference to the target. `moment_gap` measures that and
`balance` enforces it, so that an inverted or stale ratio cannot go unnoticed.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

CLIP = 5.0  # standard deviations: one wild cell must not own the ratio
LEAST_ROWS = 30  # that weights must rest on, a tenth of the reference where that is fewer
LARGEST = 1e3  # weights above this multiple of the mean say "no overlap", not "important"


def standardised(ref: np.ndarray, cur: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both samples on the reference's scale, (n, d) float64, clipped at 5 standard deviations of both pooled."""
    ref, cur = np.asarray(ref, dtype=np.float64), np.asarray(cur, dtype=np.float64)
    centre, spread = ref.mean(axis=0), ref.std(axis=0)
    wide = np.maximum(cur.std(axis=0), np.abs(cur.mean(axis=0) - centre))
    varies = spread > 1e-9 * np.maximum(np.abs(centre), 1e-300)
    scale = np.where(varies, spread, np.where(wide > 0, wide, 1.0))
    return np.clip((ref - centre) / scale, -CLIP, CLIP), np.clip((cur - centre) / scale, -CLIP, CLIP)


def logistic_coefficients(ref: np.ndarray, cur: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    r"""(d + 1,) coefficients of logit p(cur | x), intercept first, by Newton's method.

    `penalty` is the precision of a normal prior on the slopes. Both samples weigh the same whatever their sizes, so
    that the logit is the logarithm of the density ratio and needs no correction for the share of rows.
    """
    rows = np.vstack([ref, cur])
    design = np.hstack([np.ones((len(rows), 1)), rows])
    label = np.r_[np.zeros(len(ref)), np.ones(len(cur))]
    smaller = min(len(ref), len(cur))
    weight = np.r_[np.full(len(ref), smaller / len(ref)), np.full(len(cur), smaller / len(cur))]
    prior = np.r_[1e-6, np.full(ref.shape[1], penalty)]
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        share = expit(design @ beta)
        slope = design.T @ (weight * (label - share)) - prior * beta
        bend = (design * (weight * share * (1 - share))[:, None]).T @ design + np.diag(prior)
        step = np.linalg.solve(bend, slope)
        beta += step * min(1.0, 4.0 / max(np.abs(design @ step).max(), 1e-12))  # no more than four logits at a time
        if np.abs(step).max() < 1e-8:
            break
    return beta


def logistic_ratio(ref: np.ndarray, cur: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    """(ref_n,) weights with mean 1 from a logistic density ratio on standardised columns.

    >>> rng = np.random.default_rng(0)
    >>> weights = logistic_ratio(rng.normal(size=(4000, 1)), rng.normal(0.5, 1, size=(4000, 1)), penalty=0.1)
    >>> round(effective_sample_size(weights) / 4000, 1)  # exp(-0.5 ** 2) = 0.78
    0.8
    """
    left, right = standardised(ref, cur)
    beta = logistic_coefficients(left, right, penalty)
    return mean_one(left @ beta[1:])


def mean_one(log_weights: np.ndarray) -> np.ndarray:
    """Weights with mean 1 from their logarithms, the largest held at `LARGEST` times the mean."""
    weights = np.exp(log_weights - log_weights.max())
    weights = np.minimum(weights / weights.mean(), LARGEST)
    return weights / weights.mean()


def effective_sample_size(weights: np.ndarray) -> float:
    """How many equally weighted rows know as much: (sum w)^2 / sum w^2.

    >>> effective_sample_size(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / max(float((weights**2).sum()), 1e-300))


def moment_gap(ref: np.ndarray, cur: np.ndarray, weights: np.ndarray, cur_weights: np.ndarray | None = None) -> float:
    """Largest distance of a weighted reference mean from the target mean, in standard deviations of the reference.

    The target's rows count alike, or by `cur_weights`.

    >>> ref, cur = np.array([[0.0], [1.0]]), np.array([[1.0], [1.0], [0.0], [1.0]])
    >>> [round(moment_gap(ref, cur, np.array(w)), 2) for w in ([1.0, 1.0], [0.5, 1.5])]
    [0.5, 0.0]
    """
    left, right = standardised(ref, cur)
    return float(np.abs(weights @ left / weights.sum() - np.average(right, axis=0, weights=cur_weights)).max())


def balance(
    ref: np.ndarray,
    cur: np.ndarray,
    weights: np.ndarray,
    tolerance: float = 0.05,
    cur_weights: np.ndarray | None = None,
) -> np.ndarray:
    r"""Tilt `weights` by :math:`e^{\lambda^\top x}`, as little as needed, until every mean is within `tolerance` sd.

    The target's rows count alike, or by `cur_weights`. Raises `ValueError` where no tilt can, the target lies outside
    what the reference holds, and where the weights would rest on too few rows for anything to be learnt from them.
    """
    left, right = standardised(ref, cur)
    if moment_gap(ref, cur, weights, cur_weights) <= tolerance:
        return _rested(weights)
    goal, aim = np.average(right, axis=0, weights=cur_weights), 0.5 * tolerance
    tilt = np.zeros(left.shape[1])
    log_weights = np.log(np.maximum(weights, 1e-12))
    for _ in range(200):
        tilted = mean_one(log_weights + left @ tilt)
        gap = goal - tilted @ left / len(left)
        if np.abs(gap).max() <= tolerance:
            return _rested(tilted)
        centred = left - (goal - gap)
        spread = (centred * (tilted / len(left))[:, None]).T @ centred
        pull = np.sign(gap) * np.maximum(np.abs(gap) - aim, 0)
        step = np.linalg.solve(spread + 1e-3 * np.eye(len(tilt)), pull)
        tilt += step * min(1.0, 1.0 / max(np.abs(left @ step).max(), 1e-12))
    column = int(np.abs(gap).argmax())
    raise ValueError(
        f"cur_X column {column} cannot be reached by weighting ref_X: its weighted mean stays {abs(gap[column]):.2f} "
        f"standard deviations away (tolerance {tolerance}). The samples hardly overlap; weights would rest on "
        f"{effective_sample_size(tilted):.0f} of {len(left)} rows."
    )


def _rested(weights: np.ndarray) -> np.ndarray:
    size, least = effective_sample_size(weights), min(LEAST_ROWS, len(weights) / 10)
    if size < least:
        raise ValueError(
            f"the weights that carry ref_X to cur_X would rest on {size:.0f} of {len(weights)} rows; expected at least "
            f"{least:.0f}. The samples hardly overlap: nothing is learnt from so few."
        )
    return weights


def boosted_ratio(ref: np.ndarray, cur: np.ndarray, seed: int = 0, folds: int = 3) -> np.ndarray:
    """(ref_n,) weights with mean 1 from gradient boosting, cross-fitted, then recalibrated by a logistic fit.

    Trees find ratios that are no exponential tilt. Out-of-fold logits are overconfident; a logistic regression on them
    (both samples of equal weight) brings them to scale.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold

    rows, label = np.vstack([ref, cur]), np.r_[np.zeros(len(ref)), np.ones(len(cur))]
    folds = min(folds, len(ref), len(cur))
    if folds < 2:
        return np.ones(len(ref))
    logits = np.empty(len(rows))
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for train, test in split.split(rows, label):
        model = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.1, max_leaf_nodes=15, random_state=seed)
        logits[test] = model.fit(rows[train], label[train]).decision_function(rows[test])
    columns = logits[: len(ref), None], logits[len(ref) :, None]
    return mean_one(columns[0][:, 0] * logistic_coefficients(*columns, penalty=1e-2)[1])
