"""The laws of groupers."""

from __future__ import annotations

import numpy as np

from holdfast.core import Method
from holdfast.testing.laws.running import SEEDS, Law, Worlds, run


def recovers_the_planted_groups(cls: type[Method], worlds: Worlds) -> None:
    """Adjusted Rand index against the planted groups is at least 0.5 in claimed worlds, below 0.3 in blind ones."""
    from sklearn.metrics import adjusted_rand_score

    for name in (*cls.claims, *cls.blind):
        draws = [worlds[name](seed) for seed in SEEDS]
        agreement = float(np.mean([adjusted_rand_score(w.truth, run(cls(), w)) for w in draws]))
        claimed = name in cls.claims
        assert (agreement >= 0.5) if claimed else (agreement < 0.3), f"adjusted Rand index {agreement:.2f} in {name!r}"


def groups_nothing_where_nothing_is_wrong(cls: type[Method], worlds: Worlds) -> None:
    """In the faultless world at most 2 % of rows are in a group, on average."""
    draws = [worlds["none"](seed) for seed in SEEDS]
    share = float(np.mean([(np.asarray(run(cls(), world)) >= 0).mean() for world in draws]))
    assert share <= 0.02, f"{share:.1%} of the rows are grouped where nothing is wrong"


LAWS: tuple[Law, ...] = (
    recovers_the_planted_groups,
    groups_nothing_where_nothing_is_wrong,
)
