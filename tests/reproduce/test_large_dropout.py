"""The record on very large dropout holds what it is quoted for, and says where the paper's picture was not seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORD = Path(__file__).parents[2] / "reproduce" / "records" / "zhang2024finetuning.json"
KIND = "mark turned round"


def _gains(setting: str) -> dict[str, Any]:
    found = json.loads(RECORD.read_text(encoding="utf-8"))[setting]
    return {name: row[KIND]["gain"] for name, row in found.items()}


def test_nine_in_ten_dropped_is_ahead_of_every_bar_where_a_glaring_mark_turns_round() -> None:
    gains = _gains("glaring mark")
    ours = gains.pop("nine in ten dropped")
    bars = {name: gain["value"] for name, gain in gains.items() if "dropped" not in name}
    assert len(bars) == 6 and ours["low"] > max(bars.values()) + 0.01, bars
    assert gains["half dropped"]["value"] < ours["value"] - 0.03
    assert gains["lower learning rate, nine in ten dropped"]["low"] > gains["lower learning rate"]["value"]


def test_the_gain_is_not_one_of_accuracy_where_nothing_turns() -> None:
    found = json.loads(RECORD.read_text(encoding="utf-8"))["glaring mark"]["nine in ten dropped"]["mark as learnt"]
    assert found["gain"]["high"] < 0.02 < 0.1 < _gains("glaring mark")["nine in ten dropped"]["value"]


def test_little_is_gained_without_pretraining_without_a_glaring_mark_and_nothing_where_nothing_is_wrong() -> None:
    fresh = _gains("no pretraining")["nine in ten dropped"]
    assert fresh["low"] < 0 and fresh["value"] < 0.05
    assert _gains("mark as bright as ink")["nine in ten dropped"]["high"] < 0.04
    nothing = _gains("mark that says nothing")["nine in ten dropped"]
    assert nothing["low"] < 0 < nothing["high"] and abs(nothing["value"]) < 0.01
