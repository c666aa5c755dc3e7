"""Splits of any table that ask whether a model holds elsewhere: by domain, and by likeness to the training rows.

>>> split = domain_split(np.repeat([0, 1, 2, 3, 4], 20), seed=1)
>>> sorted(split.held_out), len(split.train), len(split.id_test), len(split.ood_test)
([0, 4], 44, 8, 20)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from holdfast.core import Estimate
from holdfast.ops.resampling import bootstrap_interval


class DomainSplit(NamedTuple):
    """Row numbers. `held_out` are the domains of `ood_val` and `ood_test`; the others are in all the other parts."""

    train: np.ndarray
    id_val: np.ndarray
    id_test: np.ndarray
    ood_val: np.ndarray
    ood_test: np.ndarray
    held_out: tuple[int, ...]


class Judged(NamedTuple):
    """A metric in and out of distribution, in the worst domain, and the gap (in less out)."""

    id: Estimate
    ood: Estimate
    gap: Estimate
    worst: Estimate
    worst_domain: int


class MatchedFold(NamedTuple):
    """Rows to test on; as many rows to train on from other clusters (`far`) as from all clusters (`near`)."""

    test: np.ndarray
    near: np.ndarray
    far: np.ndarray


def domain_split(
    domain: Iterable[int], kind: str = "domain", held_out: int = 2, share: float = 0.125, seed: int = 0
) -> DomainSplit:
    """Split rows by the domain that they come from: a hospital, a camera, a year.

    `kind="domain"` keeps `held_out` domains (at least two: one to choose settings on, one to test) out of training;
    `kind="subpopulation"` shows all domains in training and leaves the two out-of-distribution parts as copies of the
    in-distribution ones, to be judged by their worst domain. Of training domains `share` goes to validation and to
    test each.
    """
    domain = np.asarray(domain)
    names = np.unique(domain)
    if kind not in ("domain", "subpopulation"):
        raise ValueError(f"kind is {kind!r}; expected 'domain' or 'subpopulation'.")
    if not 0 < share < 0.5:
        raise ValueError(f"share is {share}; expected a number above 0 and below 0.5.")
    rng = np.random.default_rng(seed)
    out = np.array([], dtype=names.dtype)
    if kind == "domain":
        if not 2 <= held_out < len(names):
            raise ValueError(
                f"held_out is {held_out} of {len(names)} domains; expected at least 2 held out and 1 to train on. "
                "Merge small domains or use kind='subpopulation'."
            )
        out = rng.permutation(names)[:held_out]
    inside = rng.permutation(np.flatnonzero(~np.isin(domain, out)))
    parts = max(1, round(share * len(inside)))
    id_val, id_test, train = np.split(inside, [parts, 2 * parts])
    if kind == "subpopulation":
        return DomainSplit(train, id_val, id_test, id_val, id_test, ())
    to_choose = np.isin(domain, out[: len(out) // 2])
    to_test = np.isin(domain, out[len(out) // 2 :])
    return DomainSplit(
        train, id_val, id_test, np.flatnonzero(to_choose), np.flatnonzero(to_test), tuple(int(name) for name in out)
    )


def judge_split(split: DomainSplit, domain: Iterable[int], hit: Iterable[float], draws: int = 400) -> Judged:
    """What a model is worth in and out of distribution, from `hit`: 1 where it is right (or any gain), for every row.

    >>> split = DomainSplit(*(np.array(rows) for rows in ([], [], [0, 1], [], [2, 3, 4])), held_out=(1, 2))
    >>> found = judge_split(split, [0, 0, 1, 1, 2], [1, 1, 1, 0, 0])
    >>> round(found.gap.value, 3), found.worst.value, found.worst_domain
    (0.667, 0.0, 2)
    """
    domain, hit = np.asarray(domain), np.asarray(hit, dtype=float)
    inside, outside = hit[split.id_test], hit[split.ood_test]
    both = np.concatenate([inside, outside])
    first = np.arange(len(both)) < len(inside)

    def gap(weights: np.ndarray) -> np.ndarray:
        sums = [
            (weights[:, side] @ both[side]) / np.maximum(weights[:, side].sum(1), 1e-12) for side in (first, ~first)
        ]
        return sums[0] - sums[1]

    by_domain = {int(name): hit[split.ood_test][domain[split.ood_test] == name] for name in domain[split.ood_test]}
    worst = min(by_domain, key=lambda name: float(by_domain[name].mean()))
    gap_estimate = bootstrap_interval(gap, len(both), draws)
    return Judged(_mean(inside, draws), _mean(outside, draws), gap_estimate, _mean(by_domain[worst], draws), worst)


def _mean(values: np.ndarray, draws: int) -> Estimate:
    return bootstrap_interval(lambda weights: weights @ values / weights.sum(axis=1), len(values), draws)


def matched_folds(X: np.ndarray, folds: int = 5, clusters: int = 25, seed: int = 0) -> list[MatchedFold]:
    """Folds that tell interpolation from extrapolation: the same test rows and as many training rows, near or far.

    Rows are clustered; every fold holds whole clusters. `test` is half of the fold's rows. `far` are rows of other
    folds only; `near` as many, drawn from all rows but the test's. A model that memorises loses from near to far.

    >>> fold = matched_folds(np.repeat([[0.0], [5.0], [9.0], [20.0]], 6, axis=0), folds=2, clusters=4, seed=1)[0]
    >>> len(fold.test), len(fold.near) == len(fold.far), set(fold.test) & set(fold.near)
    (6, True, set())
    """
    from sklearn.cluster import KMeans

    X = np.asarray(X, dtype=float)
    if not 2 <= folds <= clusters <= len(X):
        raise ValueError(
            f"folds is {folds}, clusters {clusters} and X has {len(X)} rows; expected 2 <= folds <= clusters."
        )
    rng = np.random.default_rng(seed)
    of_row = KMeans(clusters, n_init=1, random_state=seed).fit_predict(X)
    fold_of = _balanced(np.bincount(of_row, minlength=clusters), folds, rng)[of_row]
    found = []
    for fold in range(folds):
        own, other = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
        test, rest = np.split(rng.permutation(own), [len(own) // 2])
        pool = np.concatenate([rest, other])
        far = rng.permutation(other)[: len(pool) - len(rest)]
        found.append(MatchedFold(test, rng.permutation(pool)[: len(far)], far))
    return found


def _balanced(sizes: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of every cluster, large ones first to the smallest fold."""
    fold, filled = np.zeros(len(sizes), dtype=int), np.zeros(folds)
    for cluster in np.argsort(-sizes + rng.random(len(sizes)) * 0.5):
        fold[cluster] = int(filled.argmin())
        filled[fold[cluster]] += sizes[cluster]
    return fold
