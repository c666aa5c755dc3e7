"""The record on averages of experts in place of trainings on mixtures holds what it is quoted for."""

from __future__ import annotations

import json
from pathlib import Path

FOUND = json.loads(
    (Path(__file__).parents[2] / "reproduce" / "records" / "na2024scalable.json").read_text(encoding="utf-8")
)


def test_averages_rank_mixtures_as_trainings_do_and_means_of_losses_do_not() -> None:
    averaged, alone = (
        FOUND[f"{way}, rank correlation on all"] for way in ("average of experts", "mean of their losses")
    )
    assert averaged["low"] > 0.75 and averaged["low"] > alone["high"] + 0.5, (averaged, alone)
    for name in ("articles", "plays", "posts", "reviews"):
        assert FOUND[f"average of experts, rank correlation on {name}"]["low"] > 0.3, name


def test_what_they_choose_is_good_when_trained() -> None:
    lost, apart = (FOUND[name]["value"] for name in (
        "average of experts, bits lost by its choice", "bits between the best and the worst subset",
    ))  # fmt: skip
    assert lost < 0.1 * apart, f"{lost} bits lost of {apart}"
