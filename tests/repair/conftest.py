"""Data with known faults, made once a session."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import holdfast

from .worlds import World, made, table


@pytest.fixture(scope="session")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A quarter of the training labels flipped; the test labels are right. 20 test rows are copies of training rows."""
    folder = tmp_path_factory.mktemp("noisy")
    X, y = made(1600, 0)
    rng = np.random.default_rng(1)
    flipped = np.flatnonzero(rng.random(800) < 0.25)
    given = y.copy()
    given[flipped] = 1 - given[flipped]
    train, test = table(X[:800], given[:800]), table(X[800:], y[800:])
    test = pl.concat([train[100:120], test])
    train.write_csv(folder / "learn.csv")
    test.write_csv(folder / "meet.csv")
    report = holdfast.audit(
        folder / "learn.csv", folder / "meet.csv", target="label", only=["LAB001", "DUP002", "IMB001"], quick=True
    )
    return World(folder / "learn.csv", folder / "meet.csv", report, flipped)
