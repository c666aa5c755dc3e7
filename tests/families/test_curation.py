"""What the laws of selectors cannot say: against brute force, and what a draw is in proportion to."""

from __future__ import annotations

import numpy as np

from holdfast.curation import D4, DSIR, ClusterClip, PerplexitySampling, SemDeDup
from holdfast.faults.worlds import curation as worlds
from holdfast.testing.laws import run


def test_no_two_rows_that_stay_are_alike_and_every_dropped_one_is_like_its_match() -> None:
    X = worlds.many_copies(1).evidence["X"]
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    method = SemDeDup(clusters=1, epsilon=0.02)
    kept = method.select_rows(X=X)
    near = unit @ unit.T - 2 * np.eye(len(X))
    assert near[np.ix_(kept, kept)].max() <= 0.98 + 1e-6
    gone = np.flatnonzero(method.matched_ >= 0)
    assert len(gone) + len(kept) == len(X) and set(method.matched_[gone]) <= set(kept.tolist())
    assert np.allclose(near[gone, method.matched_[gone]], method.similarity_[gone], atol=1e-5)
    assert method.similarity_[gone].min() > 0.98 - 1e-6


def test_stages_of_d4_have_the_shares_that_are_asked_for() -> None:
    method, world = D4(keep=0.5, dedup=0.8), worlds.many_copies(2)
    kept, n = run(method, world), len(world.truth)
    assert (method.stage_ == 1).sum() == n - round(0.8 * n) and (method.stage_ == 0).sum() == len(kept) == round(
        0.5 * n
    )
    assert world.truth[method.stage_ == 1].mean() > 1.5 * world.truth.mean()


def test_clusters_are_seen_alike_until_they_are_clipped() -> None:
    X = np.concatenate([np.tile([1.0, 0.0], (90, 1)), np.tile([0.0, 1.0], (10, 1))])
    X += np.random.default_rng(0).normal(0, 1e-3, X.shape)
    method = ClusterClip(clusters=2, clip=3)
    method.select_rows(X=X)
    small = np.isin(method.order_, np.arange(90, 100))
    assert small.sum() == 30 and 0.3 < small[:50].mean() < 0.7 and not small[-20:].any()


def test_draws_follow_the_published_curve() -> None:
    perplexity = np.tile([50.0, 100.0, 400.0], 400)
    drawn = [PerplexitySampling(seed=seed).select_rows(perplexity=perplexity) for seed in range(5)]
    method = PerplexitySampling()
    method.select_rows(perplexity=perplexity)
    share = np.mean([np.bincount(rows % 3, minlength=3) / 400 for rows in drawn], axis=0)
    assert np.abs(method.probability_[:3] - 0.78 * np.exp(-np.array([0.25, 0.0, 9.0]) / 4.5)).max() < 1e-6
    assert share[1] > share[0] > share[2] and np.abs(share - method.probability_[:3]).max() < 0.12


def test_importance_weights_are_ratios_of_bags_of_words() -> None:
    method = DSIR(smoothing=1e-8, buckets=1 << 20)
    method.select_rows(ref_text=["a b", "c d", "a d"], cur_text=["a b", "a b"])
    expected = np.log((1 / 3) / (2 / 9)) + np.log((1 / 3) / (1 / 9)) + np.log((1 / 3) / (1 / 9))  # a, b and "a b"
    assert abs(method.log_weights_[0] - expected) < 0.01 and method.log_weights_[1] < -10
