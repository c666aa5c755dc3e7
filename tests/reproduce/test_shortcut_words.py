"""The record on shortcut words holds what it is quoted for, and what its paper claims and it does not show."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2] / "reproduce"


def _record() -> dict[str, dict[str, dict[str, float]]]:
    return json.loads((ROOT / "records" / "du2021towards.json").read_text(encoding="utf-8"))


def test_the_degree_tells_rows_with_the_made_word() -> None:
    found = _record()["with a made word"]["AUROC of the degree, rows with the made word among good ones"]
    assert found["low"] > 0.7


def test_softening_by_degree_is_above_softening_alike_and_costs_what_was_learnt() -> None:
    found = _record()
    planted, clean = found["with a made word"], found["without"]
    assert planted["in use, gain by degree over all alike"]["low"] > 0.01
    assert planted["as in training, gain by degree"]["high"] < -0.02, (
        "the paper says held; sources.toml says what it costs"
    )
    assert clean["in use, gain by degree"]["high"] < 0, "harm where nothing is planted"


def test_head_words_are_those_that_are_frequent_and_tell_the_label() -> None:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from du2021towards import MADE, Sentences, head

    codes = np.full((100, 2), MADE + 2)  # a word that every row has
    codes[:40, 0] = MADE  # frequent, and of label 1 alone
    codes[40:42, 0] = MADE + 1  # of label 1 alone, and rare
    y = (np.arange(100) < 50).astype(int)
    told = head(Sentences(codes, y, codes[:, 0] == MADE), vocabulary=20)
    assert np.flatnonzero(told[:, 1]).tolist() == [MADE]
