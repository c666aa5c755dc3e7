"""The record on weight matching holds what it is quoted for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parents[2] / "reproduce"
RECORD = ROOT / "records" / "ito2025analysis.json"


def test_matching_turns_leading_directions_and_the_distance_alone_would_not_do() -> None:
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    for width, table in found.items():
        assert table["barrier that goes, share"]["low"] > table["distance that goes, share"]["high"] + 0.3, width
        assert table["leading directions, after"]["low"] > table["leading directions, before"]["high"] + 0.25, width
        assert table["loss as far away, not matched"]["low"] > table["loss in the middle, matched"]["high"] + 0.2, width
        assert table["largest change of a singular value, share"]["high"] < 1e-6, "an order changes no singular value"
    for better in ("barrier that goes, share", "leading directions, after"):
        assert found["width 256"][better]["low"] > found["width 16"][better]["high"], f"wider is better: {better}"


def test_large_directions_agree_more_than_small_ones() -> None:
    for width, table in json.loads(RECORD.read_text(encoding="utf-8")).items():
        assert table["leading directions, after"]["low"] > table["all directions, after"]["high"] + 0.1, width


def test_agreement_of_twins_is_one_and_of_directions_at_right_angles_nought() -> None:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from ito2025analysis import agreement

    weight = torch.diag(torch.tensor([4.0, 2.0, 0.5]))
    twin, turned, negative = {"w": 3 * weight}, {"w": weight.roll(1, dims=1)}, {"w": -weight}
    assert agreement({"w": weight}, twin, 0.2) == pytest.approx(1.0)
    assert agreement({"w": weight}, turned, 0.2) == pytest.approx(0.0)
    assert agreement({"w": weight}, negative, 0.2) == pytest.approx(-1.0)
    assert agreement({"w": weight}, {"w": torch.diag(torch.tensor([4.0, 0.1, 2.0]))}, 0.2) == pytest.approx(0.5)
