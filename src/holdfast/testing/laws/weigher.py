"""The laws of weighers."""

from __future__ import annotations

from inspect import signature

import numpy as np

from holdfast.core import Method
from holdfast.ops.density_ratio import moment_gap
from holdfast.testing.laws.running import SEEDS, Law, Worlds, home, run

REACHED = 0.05  # standard deviations that a weighted mean may be away from the target's


def weights_are_non_negative_with_mean_one(cls: type[Method], worlds: Worlds) -> None:
    """Ready for `sample_weight`; worlds that are not claimed may be refused."""
    for name in home(cls, worlds):
        try:
            weights = np.asarray(run(cls(), worlds[name](0)))
        except ValueError as refusal:
            assert name not in cls.claims, f"refuses its claimed world {name!r}: {refusal}"
            continue
        assert weights.min() >= 0, f"negative weight {weights.min()} in {name!r}"
        assert abs(weights.mean() - 1) < 1e-6, f"mean weight {weights.mean():.6f} in {name!r}"


def weights_are_flat_when_nothing_moved(cls: type[Method], worlds: Worlds) -> None:
    """The effective sample size stays above 60 % of the rows."""
    weights = np.asarray(run(cls(), worlds["none"](0)))
    effective = float(weights.sum() ** 2 / (weights**2).sum() / len(weights))
    assert effective > 0.6, f"effective sample size {effective:.0%} of the rows although nothing moved"


def weights_move_the_reference_to_the_target(cls: type[Method], worlds: Worlds) -> None:
    """Agrees in direction with the true ratio (rank correlation above 0.3) in every claimed world."""
    from scipy.stats import spearmanr

    for name in cls.claims:
        draws = [worlds[name](seed) for seed in SEEDS]
        agreement = float(np.mean([spearmanr(run(cls(), w), w.truth).statistic for w in draws]))
        assert agreement > 0.3, f"rank correlation with the true ratio is {agreement:.2f} in {name!r}"


def weighted_means_meet_the_target_or_it_is_refused(cls: type[Method], worlds: Worlds) -> None:
    """Every column's weighted mean is within 0.05 standard deviations of the target's, in every world, or it says no.

    Concerns methods that see the inputs of both samples. An inverted or stale ratio cannot pass. A method that gives
    up target rows (`cur_weights_`) must meet the mean of those that it keeps.
    """
    if not {"ref_X", "cur_X"} <= set(signature(cls.weigh_rows).parameters):  # type: ignore[attr-defined]
        return
    for name in home(cls, worlds):
        for seed in SEEDS if name in cls.claims else SEEDS[:1]:
            method, world = cls(), worlds[name](seed)
            try:
                weights = np.asarray(run(method, world))
            except ValueError as refusal:
                assert name not in cls.claims, f"refuses its claimed world {name!r}: {refusal}"
                continue
            samples = world.evidence["ref_X"], world.evidence["cur_X"]
            gap = moment_gap(*samples, weights, getattr(method, "cur_weights_", None))
            assert gap <= REACHED + 1e-6, f"a weighted mean is {gap:.3f} sd from the target's in {name!r}"


def says_on_how_many_rows_the_weights_rest(cls: type[Method], worlds: Worlds) -> None:
    """`effective_sample_size_` is (sum w)^2 / sum w^2."""
    method = cls()
    weights = np.asarray(run(method, worlds[home(cls, worlds)[0]](0)), dtype=float)
    said, is_so = getattr(method, "effective_sample_size_", None), weights.sum() ** 2 / (weights**2).sum()
    assert said is not None and abs(said / is_so - 1) < 1e-4, f"effective_sample_size_ is {said}, the weights' {is_so}"


LAWS: tuple[Law, ...] = (
    weights_are_non_negative_with_mean_one,
    weights_are_flat_when_nothing_moved,
    weights_move_the_reference_to_the_target,
    weighted_means_meet_the_target_or_it_is_refused,
    says_on_how_many_rows_the_weights_rest,
)
