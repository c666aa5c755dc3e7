"""The laws of mappers."""

from __future__ import annotations

import numpy as np

from holdfast.core import Method
from holdfast.testing.laws.running import SEEDS, Law, Worlds, first, fits, run


def calibrates_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """Log loss on fresh rows falls in claimed worlds and rises by less than 0.02 where nothing is wrong."""
    for name in (*cls.claims, "none"):
        if not fits(cls, worlds[name]):
            continue
        draws = [worlds[name](seed) for seed in SEEDS]
        gain = float(
            np.mean([_log_loss(w.evidence["probs"], w.truth) - _log_loss(run(cls(), w), w.truth) for w in draws])
        )
        assert gain > (0.0 if name in cls.claims else -0.02), f"log loss changes by {-gain:+.4f} in {name!r}"


def probabilities_stay_probabilities(cls: type[Method], worlds: Worlds) -> None:
    """What comes out sums to 1 and lies in [0, 1]."""
    world = first(cls, worlds)
    probs = np.asarray(run(cls(), world))
    assert probs.shape == np.shape(world.evidence["probs"]), f"shape {probs.shape} comes out"
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-6) and probs.min() >= 0, "not probabilities"


def _log_loss(probs: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(np.clip(probs[np.arange(len(y)), y], 1e-6, 1)).mean())


LAWS: tuple[Law, ...] = (
    calibrates_where_it_claims_to,
    probabilities_stay_probabilities,
)
