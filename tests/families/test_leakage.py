"""Leakage: duplicates at every share, groups of every size, columns that give the answer away, shared groups."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

from holdfast.faults.worlds.leakage import leaking_category, shared_groups
from holdfast.leakage import ExactDuplicates, GroupOverlap, NearDuplicates, RephrasedItems, TargetLeak
from holdfast.ops.neighbours import nearest_neighbours

LOADERS = {"digits": load_digits, "breast_cancer": load_breast_cancer, "wine": load_wine}


def _scaled(name: str) -> np.ndarray:
    X = LOADERS[name]().data
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _with_copies(X: np.ndarray, origin: np.ndarray, jitter: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """X and moved copies of the rows `origin`, shuffled, with the true group of every row."""
    rng = np.random.default_rng(seed)
    copies = X[origin] + jitter * rng.normal(size=(len(origin), X.shape[1]))
    source = np.concatenate([np.arange(len(X)), origin])
    order = rng.permutation(len(source))
    truth = np.where(np.bincount(source)[source] > 1, source, -1)
    return np.vstack([X, copies])[order], truth[order]


def _check(truth: np.ndarray, found: np.ndarray) -> None:
    copied = truth >= 0
    if copied.any():
        recall = (found[copied] >= 0).mean()
        assert recall >= 0.99, f"recall {recall:.4f} of {copied.sum()} near-duplicates"
    false = (found[~copied] >= 0).mean() if (~copied).any() else 0.0
    assert false <= 0.001, f"{false:.4f} of {(~copied).sum()} distinct rows are called duplicates"
    pairs = np.unique(np.column_stack([truth, found])[copied & (found >= 0)], axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])), "groups are split or run together"


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("jitter", [1e-4, 0.01])
def test_near_duplicates_are_found_at_any_share(name: str, share: float, jitter: float) -> None:
    X = _scaled(name)
    if share == 0.9:
        X = X[::2]
    rng = np.random.default_rng(0)
    origin = rng.integers(len(X), size=round(len(X) * share / (1 - share)))
    X, truth = _with_copies(X, origin, jitter, seed=1)
    _check(truth, NearDuplicates().group_rows(X=X))


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine"])
def test_rows_copied_fifty_times(name: str) -> None:
    X = _scaled(name)
    origin = np.repeat(np.random.default_rng(2).choice(len(X), 12, replace=False), 50)
    X, truth = _with_copies(X, origin, 0.01, seed=3)
    found = NearDuplicates().group_rows(X=X)
    _check(truth, found)
    assert np.bincount(found[found >= 0]).tolist() == [51] * 12, np.bincount(found[found >= 0])


def test_across_splits_with_the_sets_stacked() -> None:
    X = _scaled("breast_cancer")
    train, test = X[:400], X[400:]
    leaked = test + 0.005 * np.random.default_rng(0).normal(size=test.shape)
    group = NearDuplicates().group_rows(X=np.vstack([train, test, leaked[:30]]))
    assert (group[400:430] == group[-30:]).all(), "a leaked row is not in the group of its original"
    assert (group[400:430] >= 0).all()
    assert (group[:400] == -1).all(), f"{(group[:400] >= 0).sum()} training rows are called duplicates"


def test_neighbours_given_or_not_is_the_same() -> None:
    X, _ = _with_copies(_scaled("digits"), np.arange(300), 0.01, seed=0)
    graph = nearest_neighbours(X, 10)
    given = NearDuplicates().group_rows(X=X, neighbours=graph.neighbours, distances=graph.distances)
    assert (given == NearDuplicates().group_rows(X=X)).all()


def test_far_apart_clusters_and_walks_are_not_duplicates() -> None:
    rng = np.random.default_rng(0)
    clusters = np.repeat(rng.normal(size=(40, 10)) * 10, 50, axis=0) + 0.05 * rng.normal(size=(2000, 10))
    for label, X in {
        "tight clusters": clusters,
        "a random walk": np.cumsum(rng.normal(size=(2000, 6)), axis=0),
    }.items():
        share = (NearDuplicates().group_rows(X=X) >= 0).mean()
        assert share <= 0.001, f"{share:.3%} of {label} are called duplicates"


@pytest.mark.parametrize("columns", [3, 8])
def test_dense_and_sparse_regions_are_judged_by_their_own_scale(columns: int) -> None:
    X = np.exp(1.5 * np.random.default_rng(0).normal(size=(3000, columns)))
    share = (NearDuplicates().group_rows(X=X) >= 0).mean()
    assert share <= 0.001, f"{share:.3%} of rows whose density varies a lot are called duplicates"


def test_copies_in_a_dense_region_are_found() -> None:
    X = np.exp(1.5 * np.random.default_rng(0).normal(size=(3000, 8)))
    near = nearest_neighbours(X, 1).distances[:, 0]
    dense = np.argsort(near)[:300]
    rng = np.random.default_rng(1)
    copies = X[dense] + 0.02 * near[dense, None] * rng.normal(size=(300, 8))
    _check(
        np.concatenate([np.where(np.isin(np.arange(3000), dense), np.arange(3000), -1), dense]),
        NearDuplicates().group_rows(X=np.vstack([X, copies])),
    )


def test_close_rows_of_two_columns_are_left_to_chance() -> None:
    X = np.random.default_rng(0).normal(size=(3000, 2))
    share = (NearDuplicates().group_rows(X=X) >= 0).mean()
    assert share <= 0.002, f"{share:.3%} of points in a plane are called duplicates"
    careless = (NearDuplicates(chance=0.1).group_rows(X=X) >= 0).mean()
    assert careless > 0.01, f"with a tenth left to chance only {careless:.3%} are"


def test_a_chain_is_no_group() -> None:
    chain = np.column_stack([np.linspace(0, 20, 200)] + [np.zeros(200)] * 5)
    X = np.vstack([chain, 30 + 5 * np.random.default_rng(0).normal(size=(400, 6))])
    found = NearDuplicates().group_rows(X=X)
    assert (found == -1).all(), f"{(found >= 0).sum()} rows of a chain as long as the data are one group"


def test_exact_duplicates_are_groups_in_row_order() -> None:
    X = np.array([[5, 1], [2, 2], [5, 1], [2, 2], [9, 9], [2, 2]])
    assert ExactDuplicates().group_rows(X=X).tolist() == [0, 1, 0, 1, -1, 1]
    digits = load_digits().data
    assert (ExactDuplicates().group_rows(X=digits) == -1).all(), "digits has no equal rows"
    doubled = ExactDuplicates().group_rows(X=np.vstack([digits, digits]))
    assert (doubled[: len(digits)] == doubled[len(digits) :]).all()
    assert len(np.unique(doubled)) == len(digits)


def test_columns_of_real_data_do_not_pass_for_leaks_but_a_leak_does() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    scores = np.array([TargetLeak().measure(x=column, y=y).value for column in X.T])
    assert 0.5 < scores.max() < 0.8, f"the best honest column scores {scores.max():.3f}"
    assert scores.min() < 0.05, f"the worst column scores {scores.min():.3f}"
    late = y + 0.1 * np.random.default_rng(0).normal(size=len(y))
    leak = TargetLeak().measure(x=late, y=y)
    assert leak.value > 0.95, leak
    assert leak.pvalue is not None, leak
    assert leak.pvalue < 1e-9, leak
    assert leak.low > scores.max(), f"{leak} does not stand out from {scores.max():.3f}"


def test_entropy_share_of_a_code_is_what_theory_says() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40_000)
    code = np.where(rng.random(len(y)) < 0.2, 1 - y, y)
    share = 1 + (0.2 * np.log2(0.2) + 0.8 * np.log2(0.8))
    found = TargetLeak().measure(category=code, y=y)
    assert abs(found.value - share) < 0.01, f"{found}, in theory {share:.4f}"
    assert found.low <= share <= found.high, f"{found}, in theory {share:.4f}"


def test_explained_variance_of_a_number_is_what_theory_says() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=40_000)
    found = TargetLeak().measure(x=np.exp(x), target=3e5 + 2 * x + rng.normal(size=len(x)))
    assert abs(found.value - 0.8) < 0.015, f"{found}, in theory 0.8"


def test_a_rare_answer_in_the_tail_is_found() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.004).astype(int)
    found = TargetLeak().measure(x=y + 0.3 * rng.random(len(y)), y=y)
    assert found.value > 0.9, found
    assert found.high - found.low < 0.1, f"{found}: the interval takes the rarity of the answer for error of the share"
    assert TargetLeak().measure(x=rng.random(len(y)), y=y).value < 0.02


def test_ties_stay_together() -> None:
    """Twelve rows of 400 hold a lower value than the rest: a flag that is never on for the others."""
    flagged = np.random.default_rng(0).permutation(400) < 12
    found = TargetLeak().measure(x=-flagged.astype(float), y=flagged.astype(int))
    assert found.value > 0.8, found


def test_intervals_cover_what_theory_says_and_no_more() -> None:
    draws = [leaking_category(seed) for seed in range(200)]
    found = [TargetLeak().measure(category=draw.evidence["category"], y=draw.evidence["y"]) for draw in draws]
    covered = np.mean([e.low <= draw.truth <= e.high for e, draw in zip(found, draws, strict=True)])
    assert 0.8 <= covered <= 0.96, f"90 % intervals cover in {covered:.1%} of draws"


def test_codes_unique_to_their_row_and_noise_score_nothing() -> None:
    y = load_digits().target
    unique = TargetLeak().measure(category=np.random.default_rng(0).permutation(len(y)), y=y)
    assert (unique.value, unique.pvalue > 0.5) == (0.0, True), unique
    diabetes = load_diabetes()
    noise = TargetLeak().measure(x=np.random.default_rng(1).normal(size=442), target=diabetes.target)
    assert noise.value < 0.02, noise


def test_repeated_entities_give_their_answer_away() -> None:
    """A category of 400 codes, each seen five times, always with the same answer."""
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 3, 400)
    code = rng.permutation(np.repeat(np.arange(400), 5))
    found = TargetLeak().measure(category=code, y=answers[code])
    assert found.value > 0.7, found


def test_monotone_transforms_of_a_column_change_nothing() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    assert TargetLeak().measure(x=X[:, 0], y=y) == TargetLeak().measure(x=np.log(X[:, 0]), y=y)


def test_asks_for_one_column_and_one_answer() -> None:
    with pytest.raises(ValueError, match="x or category"):
        TargetLeak().measure(x=[1.0, 2.0], category=[0, 1], y=[0, 1])
    with pytest.raises(ValueError, match="y or target"):
        TargetLeak().measure(x=[1.0, 2.0])


def test_group_overlap_counts_rows_and_its_interval_knows_about_groups() -> None:
    exact = GroupOverlap().measure(ref_group=[7, 7, 3], cur_group=[3, 3, 3, 5])
    assert exact.value == 0.75
    assert GroupOverlap().measure(ref_group=[1], cur_group=[2, 3]).value == 0
    single = GroupOverlap().measure(ref_group=np.arange(50), cur_group=np.arange(25, 75))
    grouped = GroupOverlap().measure(ref_group=np.arange(5), cur_group=np.repeat([3, 4, 5, 6, 7], 10))
    assert grouped.high - grouped.low > 2 * (single.high - single.low), f"{grouped} against {single}"
    # scipy's exact interval of 25 in 50 at the level .9
    assert (round(single.low, 4), round(single.high, 4)) == (0.3762, 0.6238), single
    covered = np.mean([e.low <= 0.3 <= e.high for e in (_overlap(seed) for seed in range(300))])
    assert 0.86 <= covered <= 0.97, f"90 % intervals cover in {covered:.1%} of draws"


def _overlap(seed: int):
    evidence = shared_groups(seed).evidence
    return GroupOverlap().measure(ref_group=evidence["ref_group"], cur_group=evidence["cur_group"])


def test_the_nearest_item_by_words_need_not_be_the_one_that_is_told_again() -> None:
    items = [
        "How many apples does Maria have if she picks 37 and gives Tobias 12?",
        "Which harbour did the brig Erebus leave on her voyage to Disko?",
    ]
    filler = "rain fell over hills and nobody came by all day long until evening bells rang " * 3
    scattered = filler.join(f"{word} " for word in items[0].rstrip("?").split() * 2)
    text = [scattered + "on her voyage the brig Erebus did leave for Disko"]
    found = {count: RephrasedItems(candidates=count).fit(ref_text=items) for count in (1, 2)}
    few, all_items = (found[count].score_rows(text=text)[0] for count in (1, 2))
    assert few < 0.25 < 0.45 < all_items, f"{few:.2f} with the nearest item alone, {all_items:.2f} with both"
    assert found[2].matched_[0] == 1
