"""The records on repeated data and on data similarity hold what they are quoted for."""

from __future__ import annotations

import json
from pathlib import Path

RECORDS = Path(__file__).parents[2] / "reproduce" / "records"


def test_a_middling_number_of_repeats_costs_most_and_more_than_half_of_the_model() -> None:
    found = json.loads((RECORDS / "hernandez2022scaling.json").read_text(encoding="utf-8"))
    rows, plain = found["share 0.3"], found["without repeats"]
    assert rows["worst"] == "200 times" and rows["5000 times"]["loss"] < rows["200 times"]["loss"] - 0.05
    assert plain["width 64"] < rows["3 times"]["loss"] < rows["50 times"]["loss"] < rows["200 times"]["loss"]
    assert rows["200 times"]["amounts to width"] < 32


def test_similarities_disagree_and_likelihood_says_little_of_accuracy() -> None:
    found = json.loads((RECORDS / "yauney2023data.json").read_text(encoding="utf-8"))
    assert (
        found["similarity with accuracy"]["likelihood"]["low"] < 0 < found["similarity with accuracy"]["words"]["low"]
    )
    assert (
        found["with each other"]["vectors, likelihood"]["high"]
        < 0.6
        < found["with each other"]["words, vectors"]["low"]
    )
