"""Worlds of the mixing family: runs whose losses follow a published law, so that the best mixture is known.

Five domains; the loss of each falls exponentially in its own share and a little in the others' (the form of data mixing
laws); the truth is the mixture of least mean loss, or what the law of the world asks for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import minimize

from holdfast.faults.worlds import World

GROUPS = 5
NATURAL = np.array([0.7, 0.15, 0.08, 0.05, 0.02])


def none(seed: int) -> World:
    """Losses that are noise: no mixture is better than another."""
    rng = np.random.default_rng([seed, 1])
    train = _runs(seed)
    noise = rng.normal(3, 0.01, train["run_group_losses"].shape)
    return World(
        {"sizes": NATURAL * 1e6}, NATURAL, {**train, "run_group_losses": noise, "run_losses": noise.mean(axis=1)}
    )


def mixing_runs(seed: int) -> World:
    """Sixty-four runs with drawn mixtures and a little noise; the truth is the law's own best mixture."""
    return World({"sizes": NATURAL * 1e6}, _best(seed), _runs(seed))


def short_rounds(seed: int) -> World:
    """Ten short rounds under a linear law; the truth is where the exponentiated update with the true law goes."""
    rng = np.random.default_rng([seed, 2])
    influence = rng.uniform(0, 0.02, (GROUPS, GROUPS)) + np.diag(rng.uniform(0.02, 0.2, GROUPS))
    rounds = rng.dirichlet(np.ones(GROUPS), 10)
    drops = rounds @ influence.T + rng.normal(0, 0.002, (10, GROUPS))
    moved = NATURAL * np.exp(2.0 * influence.sum(axis=0) / np.linalg.norm(influence))
    return World({"sizes": NATURAL}, moved / moved.sum(), {"proportions": rounds, "loss_drops": drops})


def wanted_domains(seed: int) -> World:
    """A web-heavy corpus that is to end on its three small domains: half of the last part is theirs."""
    wanted = np.random.default_rng([seed, 3]).permutation(GROUPS) < 3
    wanted[0] = False
    truth = np.where(wanted, 0.5 * NATURAL / NATURAL[wanted].sum(), 0.5 * NATURAL / NATURAL[~wanted].sum())
    return World({"sizes": NATURAL * 1e6, "is_wanted": wanted, "budget": 100_000}, truth)


def scarce_good_tokens(seed: int) -> World:
    """Small domains hold better tokens; the truth gives out the budget in small parts, each where it is worth most."""
    rng = np.random.default_rng([seed, 4])
    sizes = NATURAL * 1000.0
    quality = np.array([0.3, 0.6, 0.8, 0.9, 1.0]) * rng.uniform(0.9, 1.1, GROUPS)
    budget, part, taken = 2000, 0.5, np.zeros(GROUPS)
    for _ in range(int(budget / part)):
        worth = quality * np.exp(-np.maximum(taken / sizes - 1, 0) / 15.4)
        taken[worth.argmax()] += part
    return World({"sizes": sizes, "budget": budget, "quality": quality}, taken / budget)


def _law(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 5])
    slopes = -rng.uniform(0, 0.3, (GROUPS, GROUPS)) - np.diag(rng.uniform(3, 6, GROUPS))
    return rng.uniform(1.5, 2.5, GROUPS), rng.uniform(0.2, 0.8, GROUPS), slopes


def _losses(seed: int, mixtures: np.ndarray) -> np.ndarray:
    floor, height, slopes = _law(seed)
    return floor + np.exp(height + mixtures @ slopes.T)


@cache
def _best(seed: int) -> np.ndarray:
    found = minimize(
        lambda w: float(_losses(seed, w[None] / w.sum()).mean()), np.full(GROUPS, 0.2), method="L-BFGS-B",
        bounds=[(1e-6, 1)] * GROUPS,
    )  # fmt: skip
    return found.x / found.x.sum()


def _runs(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 6])
    mixtures = rng.dirichlet(np.ones(GROUPS), 64)
    losses = _losses(seed, mixtures) + rng.normal(0, 0.01, (64, GROUPS))
    return {"proportions": mixtures, "run_group_losses": losses, "run_losses": losses.mean(axis=1)}
