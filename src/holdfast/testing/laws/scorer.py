"""The laws of scorers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.running import (
    BLIND,
    FOUND,
    SEEDS,
    Law,
    Worlds,
    call,
    first,
    per_row,
    row_count,
    run,
    same,
    usual,
)


def rows_do_not_see_their_order(cls: type[Method], worlds: Worlds) -> None:
    """Shuffled rows get the same scores, shuffled."""
    world = first(cls, worlds)
    order = np.random.default_rng(5).permutation(row_count(world))
    method, result = usual(cls, worlds)
    scores = np.asarray(result)
    shuffled = call(method, per_row(world.evidence, lambda array, axis: np.take(array, order, axis=axis)))
    assert scores.shape == (len(order),), f"scores have shape {scores.shape} for {len(order)} rows"
    if cls.transductive:
        agreement = float(np.corrcoef(scores[order], shuffled)[0, 1])
        assert agreement > 0.9, f"scores of shuffled rows correlate only {agreement:.2f}"
    else:
        assert same(scores[order], shuffled, 1e-6), "scores depend on the order of the rows"


def rows_do_not_see_each_other(cls: type[Method], worlds: Worlds) -> None:
    """A batch of one scores what a batch of n scores: the licence to shard. Transductive methods say they differ."""
    if cls.transductive:
        return
    world = first(cls, worlds)
    method, result = usual(cls, worlds)
    scores = np.asarray(result)
    for row in (0, row_count(world) - 1):
        alone = call(method, per_row(world.evidence, partial(_only, row=row)))
        assert np.allclose(scores[row], alone[0], rtol=1e-5, atol=1e-6), f"row {row}: {scores[row]}, alone {alone[0]}"


def _only(array: np.ndarray, axis: int, row: int) -> np.ndarray:
    return np.take(array, [row], axis=axis)


def finds_the_fault_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """Mean AUROC against the planted rows is at least 0.70 in every claimed world."""
    for name in cls.claims:
        value = _mean_auroc(cls, worlds[name])
        assert value >= FOUND, f"AUROC {value:.3f} in {name!r}, claimed at least {FOUND}"


def is_blind_where_it_says_so(cls: type[Method], worlds: Worlds) -> None:
    """A blind spot that closed makes the page stale."""
    for name in cls.blind:
        value = _mean_auroc(cls, worlds[name])
        assert value < BLIND, f"AUROC {value:.3f} in {name!r}, said to be blind (below {BLIND})"


def _mean_auroc(cls: type[Method], make: Callable[[int], World]) -> float:
    return float(np.mean([_auroc(run(cls(), world), world.truth) for world in map(make, SEEDS)]))


def _auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    from scipy.stats import rankdata

    truth = np.asarray(truth, dtype=bool)
    ranks = rankdata(scores)
    positives = truth.sum()
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (~truth).sum()))


def sees_nothing_where_nothing_is_wrong(cls: type[Method], worlds: Worlds) -> None:
    """Rows of the faultless world score lower than the planted rows of every claimed world (medians).

    Worlds `a_...` have a faultless world of their own, `a_none`, where scores have units that differ between models.
    """
    for name in cls.claims:
        own = f"{name.split('_')[0]}_none"
        clean = float(np.median(run(cls(), worlds[own if own in worlds else "none"](0))))
        world = worlds[name](0)
        planted = float(np.median(np.asarray(run(cls(), world))[np.asarray(world.truth, bool)]))
        assert clean < planted, f"clean rows score {clean:.3g}, planted rows of {name!r} {planted:.3g}"


LAWS: tuple[Law, ...] = (
    rows_do_not_see_their_order,
    rows_do_not_see_each_other,
    finds_the_fault_where_it_claims_to,
    is_blind_where_it_says_so,
    sees_nothing_where_nothing_is_wrong,
)
