"""The laws of weighers."""

from __future__ import annotations

import numpy as np

from holdfast.core import Method
from holdfast.testing.laws.running import SEEDS, Law, Worlds, home, run


def weights_are_non_negative_with_mean_one(cls: type[Method], worlds: Worlds) -> None:
    """Ready for `sample_weight`."""
    for name in home(cls, worlds):
        weights = np.asarray(run(cls(), worlds[name](0)))
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


LAWS: tuple[Law, ...] = (
    weights_are_non_negative_with_mean_one,
    weights_are_flat_when_nothing_moved,
    weights_move_the_reference_to_the_target,
)
