"""The record on the value of imbalanced labels says what pools and pretraining gain, and what gains more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RECORD = Path(__file__).parents[2] / "reproduce" / "records" / "yang2020rethinking.json"
ADJUSTED = "logit adjustment"


def _gain(setting: str, bar: str, part: str = "mean recall") -> dict[str, Any]:
    return json.loads(RECORD.read_text(encoding="utf-8"))[setting][part][f"above {bar}"]


@pytest.mark.parametrize("loss", ["cross-entropy", "weights", ADJUSTED])
def test_quarter_turns_gain_before_every_loss_and_painting_again_costs(loss: str) -> None:
    assert _gain(f"{loss} after quarter turns", loss)["low"] > 0
    assert _gain(f"{loss} after painting again", loss)["high"] < 0


def test_quarter_turns_are_ahead_of_as_many_steps_on_labels_by_logit_adjustment_and_not_by_cross_entropy() -> None:
    assert _gain(f"{ADJUSTED} after quarter turns", f"{ADJUSTED}, twice the steps")["low"] > 0
    assert _gain("cross-entropy after quarter turns", "cross-entropy, twice the steps")["high"] < 0


def test_longer_training_on_distorted_pictures_gains_more_than_either_pretext() -> None:
    distorted = f"{ADJUSTED} on distorted pictures"
    for pretext in ("quarter turns", "contrast"):
        assert _gain(f"{distorted} after {pretext}", f"{distorted}, half as many steps more")["high"] < 0


def test_a_pool_helps_most_where_it_is_equal_and_the_tail_only_by_logit_adjustment() -> None:
    equal, tailed = (_gain(f"{ADJUSTED} and pseudo-labels, {pool} pool", ADJUSTED) for pool in ("equal", "long-tailed"))
    assert equal["value"] > tailed["value"] and tailed["low"] > 0
    assert _gain(f"{ADJUSTED} and pseudo-labels, equal pool", ADJUSTED, "tail")["low"] > 0
    assert _gain("cross-entropy and pseudo-labels, equal pool", "cross-entropy", "tail")["high"] < 0.01
