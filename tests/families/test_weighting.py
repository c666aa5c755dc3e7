"""Weighting: the reference is carried to the target, or the method says that it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.core import Weigher
from holdfast.faults.worlds import worlds
from holdfast.ops.density_ratio import moment_gap
from holdfast.testing.laws import call
from holdfast.weighting import LogisticRatio

WORLDS = worlds("weighting")
FEATURE_WEIGHERS = [LogisticRatio(), LogisticRatio(learner="boosting")]


def _name(method: Weigher) -> str:
    return f"{type(method).__name__}-{getattr(method, 'learner', '')}"


@pytest.mark.parametrize("method", FEATURE_WEIGHERS, ids=_name)
@pytest.mark.parametrize("name", ["tilt", "truncation"])
def test_weighted_means_meet_the_target(method: Weigher, name: str) -> None:
    evidence = WORLDS[name](0).evidence
    before = moment_gap(evidence["ref_X"], evidence["cur_X"], np.ones(len(evidence["ref_X"])))
    after = moment_gap(evidence["ref_X"], evidence["cur_X"], call(method, evidence))
    assert before > 0.3, f"the world moved by only {before:.3f} sd"
    assert after <= 0.05 + 1e-9, f"a mean is still {after:.3f} sd away, {before:.3f} before"


def test_linear_ratio_is_the_planted_tilt() -> None:
    world = WORLDS["tilt"](1)
    weights = LogisticRatio().weigh_rows(ref_X=world.evidence["ref_X"], cur_X=world.evidence["cur_X"])
    z = world.evidence["ref_X"][:, 0]
    slope = float(np.polyfit(z, np.log(weights), 1)[0])
    assert abs(slope - 0.8) < 0.25, f"log weights rise by {slope:.2f} a unit, planted 0.8"
    assert np.corrcoef(np.log(weights), np.log(world.truth))[0, 1] > 0.9


def test_boosting_follows_an_edge_better_than_a_line() -> None:
    rng = np.random.default_rng(0)
    ref_X, cur_X = rng.uniform(-1, 1, (1500, 2)), rng.uniform(-1, 1, (1500, 2))
    cur_X = cur_X[np.abs(cur_X[:, 0]) < 0.5]  # the means stay where they were
    truth = 2.0 * (np.abs(ref_X[:, 0]) < 0.5)
    error = {
        learner: float(np.abs(LogisticRatio(learner=learner).weigh_rows(ref_X=ref_X, cur_X=cur_X) - truth).mean())
        for learner in ("linear", "boosting")
    }
    assert error["boosting"] < 0.5 * error["linear"], f"mean absolute errors {error}"


def test_a_target_out_of_reach_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"cur_X column 1 cannot be reached"):
        LogisticRatio().weigh_rows(ref_X=rng.normal(size=(300, 2)), cur_X=rng.normal([0, 4.9], 0.05, (300, 2)))
