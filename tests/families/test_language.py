"""What the laws of the language family cannot say: known formulas, exactness, and the records of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from holdfast.language import DatasetInference, MinKProb, NGramAccuracy, OrderTest, PalimpsesticProvenance

RECORD = Path(__file__).parents[2] / "benchmarks" / "records" / "contamination.json"


def test_the_order_test_is_the_t_test_with_n_minus_one() -> None:
    rng = np.random.default_rng(0)
    ordered, shuffled = rng.normal(size=12), rng.normal(size=(7, 12))
    expected = stats.ttest_1samp(ordered - shuffled.mean(axis=0), 0, alternative="greater").pvalue
    found = OrderTest().measure(ordered_log_likelihood=ordered, shuffled_log_likelihood=shuffled)
    assert np.isclose(found.pvalue, expected)


def test_the_exact_order_test_is_uniform_and_never_zero() -> None:
    rng = np.random.default_rng(1)
    pvalues = []
    for _ in range(400):
        table = rng.standard_cauchy((10, 6))
        found = OrderTest(test="exact").measure(ordered_log_likelihood=table[0], shuffled_log_likelihood=table[1:])
        pvalues.append(found.pvalue)
    counts = np.bincount(np.rint(np.array(pvalues) * 10).astype(int), minlength=11)
    assert min(pvalues) == 0.1 and stats.chisquare(counts[1:]).pvalue > 1e-4


def test_ragged_texts_are_read_as_they_are() -> None:
    ragged = [[-1.0, -5.0, -2.0], [-3.0], np.array([-1.0, -1.0])]
    assert MinKProb(share=0.5).score_rows(token_log_probs=ragged).tolist() == [-5.0, -3.0, -1.0]
    with pytest.raises(ValueError, match="Were these losses"):
        MinKProb().score_rows(token_log_probs=[[1.0, 2.0]])
    with pytest.raises(ValueError, match="Did the model return NaN"):
        MinKProb().score_rows(token_log_probs=[[-1.0, np.nan, -2.0]])


def test_pieces_shorter_than_n_count_as_one() -> None:
    assert NGramAccuracy(starts=2, length=3).score_rows(token_ranks=[[0.0, 0.0], [0.0, 1.0]]).tolist() == [1.0, 0.0]


def test_scores_that_speak_against_memory_are_no_evidence_for_it() -> None:
    rng = np.random.default_rng(2)
    unseen = rng.normal(size=(2, 200))
    assert (DatasetInference().measure(ref_scores=unseen, cur_scores=unseen - 2).pvalue or 0) > 0.2


def test_a_provenance_of_few_examples_is_exact() -> None:
    found = PalimpsesticProvenance().measure(log_likelihood=[1.0, 2.0, 3.0, 4.0, 5.0], training_step=[1, 2, 3, 4, 5])
    assert np.isclose(found.pvalue, 1 / 120)


def test_the_record_holds_false_alarms_in_their_interval_and_power_that_grows() -> None:
    if not RECORD.exists():
        pytest.skip("benchmarks/contamination.py has not written its record yet")
    last = json.loads(RECORD.read_text(encoding="utf-8"))[-1]
    alarms = last["clean"]["false alarms"]
    assert last["clean draws"] >= 200
    for name, count in alarms["alarms"].items():
        low, high = alarms["allowed"][name]
        assert low <= count <= high, f"{name}: {count} false alarms, {low} to {high} are chance: {alarms}"
    assert alarms["all tests joined (Holm)"] <= alarms["allowed"]["dataset inference"][1], alarms
    powers = {name: last[f"read {count} times"]["power"] for name, count in (("few", 1), ("many", 32))}
    assert all(powers["many"][name] >= powers["few"][name] for name in powers["few"]), powers
    assert min(powers["many"].values()) >= 0.8, powers["many"]
