"""The record on many spurious features holds what it is quoted for, and what its paper claims and it does not show."""

from __future__ import annotations

import json
from pathlib import Path

RECORD = Path(__file__).parents[2] / "reproduce" / "records" / "lin2024spurious.json"


def test_models_on_different_features_gain_from_each_other_and_on_the_same_ones_hardly() -> None:
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    different, same = found["ensemble, different patches"], found["ensemble, the same patches"]
    assert different["above the better member"]["low"] > same["above the better member"]["high"] + 0.03
    assert different["right where both are wrong"]["low"] > same["right where both are wrong"]["high"]


def test_mixup_and_smoothing_curb_certainty_and_do_not_lift_the_model_half_way() -> None:
    added = json.loads(RECORD.read_text(encoding="utf-8"))["what mixup and smoothing add"]
    assert added["how sure the fine-tuned model is, in use"]["high"] < -0.2
    assert added["half-way, in use"]["high"] < 0, "the paper's method loses here: said in sources.toml"


def test_half_way_is_above_the_base() -> None:
    tuned = json.loads(RECORD.read_text(encoding="utf-8"))["fine-tuned, plain"]
    assert tuned["half-way, in use"]["low"] > tuned["base, in use"]["high"] + 0.03
