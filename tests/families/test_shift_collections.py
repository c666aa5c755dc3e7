"""Shift of times, texts, distributions and mixtures: what the laws cannot know."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy import stats

from holdfast.faults.worlds import shift as world_of
from holdfast.shift import CensoredTwoSample, IntrinsicSlicedWasserstein, StatisticalTendencies
from holdfast.shift._censored import TESTS, ordered, restricted_mean, statistics
from holdfast.testing.laws import run


# --- times ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ties", [False, True])
def test_log_rank_is_scipys(ties: bool) -> None:
    rng = np.random.default_rng(0)
    time = rng.exponential(10, 80)
    time = np.ceil(time) if ties else time
    event, is_cur = rng.random(80) < 0.7, np.arange(80) >= 35
    sides = [stats.CensoredData(uncensored=time[side & event], right=time[side & ~event]) for side in (~is_cur, is_cur)]
    z = statistics(ordered(time[None], event[None], is_cur[None]))[0]
    assert 2 * stats.norm.sf(abs(z[0])) == pytest.approx(stats.logrank(*sides).pvalue, rel=1e-9)


def test_restricted_mean_is_the_area_under_the_curve_with_greenwoods_variance() -> None:
    """By hand: deaths at 1 and 2 of five, one leaves at 2, the others are there at 4."""
    time, event = np.array([1.0, 2.0, 2.0, 4.0, 4.0] * 2), np.array([1, 1, 0, 0, 0] * 2, dtype=bool)
    data = ordered(time[None], event[None], (np.arange(10) >= 5)[None])
    area, variance = restricted_mean(data, data.is_cur)
    assert area[0] == pytest.approx(1 + 0.8 + 2 * 0.6)
    assert variance[0] == pytest.approx(2.0**2 / (5 * 4) + 1.2**2 / (4 * 3))


def test_the_learned_test_is_near_the_best_classical_one_in_every_world() -> None:
    """Crossing curves: the log-rank test finds few, the learned one nearly all; an early end nobody loses."""
    found: dict[str, dict[str, int]] = {}
    for name in ("shorter_lives", "crossing_lives", "unequal_censoring"):
        counts = found.setdefault(name, dict.fromkeys((*TESTS, "learned"), 0))
        for seed in range(20, 32):
            method = CensoredTwoSample()
            counts["learned"] += run(method, getattr(world_of, name)(seed)).pvalue <= 0.05
            for test, pvalue in method.tests_.items():
                counts[test] += pvalue <= 0.05
    for name in ("shorter_lives", "crossing_lives"):
        best = max(count for test, count in found[name].items() if test != "learned")
        assert found[name]["learned"] >= best - 2, f"{name}: {found[name]}"
    assert found["crossing_lives"]["log-rank"] <= 6 < found["crossing_lives"]["learned"]
    assert found["unequal_censoring"]["learned"] <= 3


# --- texts ----------------------------------------------------------------------------------------------------
def test_each_tendency_sees_its_own_change() -> None:
    texts = world_of.none(3).evidence["ref_text"]
    words = [text.split() for text in texts]
    changed = {
        "length": [" ".join(w[: len(w) * 3 // 4]) for w in words],
        "symbols": [text.replace(" ", " ! ", 12) for text in texts],
        "type-token": [" ".join((w[:20] * 2)[: len(w)]) for w in words],
        "stopwords": [text.replace(" the ", " zone ").replace(" of ", " zone ") for text in texts],
    }
    for name, cur in changed.items():
        method = StatisticalTendencies()
        assert method.measure(ref_text=texts[::2], cur_text=cur[1::2]).pvalue <= 0.05
        assert method.tendencies_[name].pvalue <= 0.05, f"{name}: {method.tendencies_}"


def test_an_empty_text_and_one_that_is_not_a_text() -> None:
    assert StatisticalTendencies().measure(ref_text=["", "a b"], cur_text=["", ""]).pvalue > 0.2
    with pytest.raises(ValueError, match="ref_text row 1 is 3"):
        StatisticalTendencies().measure(ref_text=["a", 3], cur_text=["b"])
    with pytest.raises(ValueError, match="one string"):
        StatisticalTendencies().measure(ref_text="a", cur_text=["b"])


# --- distributions --------------------------------------------------------------------------------------------
def test_slices_are_wasserstein_distances() -> None:
    """One distribution a side: the distance is the weighted sum of squared W2 along every eigenfunction."""
    rng = np.random.default_rng(4)
    ref, cur = rng.dirichlet(np.ones(6), 2)
    method = IntrinsicSlicedWasserstein(domain="circle", slices=3, decay=0.3, points=20_000, permutations=1)
    method.measure(ref_histogram=[ref] * 2, cur_histogram=[cur] * 2)
    ring = np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0)
    values, vectors = np.linalg.eigh(2 * np.eye(6) - ring)
    levels = (np.arange(20_000) + 0.5) / 20_000
    for l, part in enumerate(method.contributions_, start=1):  # noqa: E741 - as in the formula
        place = np.sort(vectors[:, l])
        order = np.argsort(vectors[:, l])
        quantiles = [place[np.searchsorted(np.cumsum(side[order]), levels).clip(max=5)] for side in (ref, cur)]
        expected = np.exp(-0.3 * values[l] / values[1]) * ((quantiles[0] - quantiles[1]) ** 2).mean()
        assert part == pytest.approx(expected, rel=1e-3)


def test_a_shift_of_phase_is_found_where_single_bins_see_nothing() -> None:
    """Hours of activity of two groups, an hour apart, in sparse counts: chi-squared tests of the 24 bins by Holm."""
    from holdfast.ops.multiple_testing import holm

    hours, sliced, binwise = np.arange(24), 0, 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        sides = []
        for delay in (0.0, 1.0):
            rate = np.exp(1.2 * np.cos(2 * np.pi * (hours - 15 - delay) / 24))
            phase = rng.integers(-3, 4, 40)
            sides.append(np.array([rng.multinomial(25, np.roll(rate, k) / rate.sum()) for k in phase]) / 25)
        method = IntrinsicSlicedWasserstein(domain="circle", permutations=100)
        sliced += method.measure(ref_histogram=sides[0], cur_histogram=sides[1]).pvalue <= 0.05
        binwise += (
            holm(np.array([stats.mannwhitneyu(*pair).pvalue for pair in zip(*(s.T for s in sides), strict=True)])).min()
            <= 0.05
        )
    assert sliced >= binwise + 3, f"slices find {sliced}, single bins {binwise} of 15"


# --- mixtures -------------------------------------------------------------------------------------------------
def test_without_the_term_of_the_mixture_more_of_many_populations_are_found() -> None:
    pytest.importorskip("torch", reason="the kernel is learnt by a network")
    from holdfast.shift import MMDMP

    def pvalues(objective: Literal["mpp", "mmd"]) -> np.ndarray:
        places = 2.2 * np.linalg.qr(np.random.default_rng(99).normal(size=(10, 10)))[0][:8]
        found = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            ref, cur = rng.normal(size=(120, 10)), rng.normal(size=(120, 10)) + places[rng.integers(0, 8, 120)]
            found.append(MMDMP(objective=objective, steps=40).measure(ref_X=ref, cur_X=cur).pvalue)
        return np.array(found)

    ours, usual = pvalues("mpp"), pvalues("mmd")
    assert (ours <= 0.05).sum() >= 5
    assert ours.mean() < usual.mean(), f"mean p {ours.mean():.3f}, with the term {usual.mean():.3f}"
