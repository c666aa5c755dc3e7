"""The shift family: what the laws cannot know. Parity with scipy, error rates, power, coverage, planted causes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from holdfast.core import Estimate
from holdfast.faults.worlds import shift as world_of
from holdfast.ops.kernels import gaussian_product, median_distance, standardised
from holdfast.ops.label_shift import bbse_weights, joint_confusion
from holdfast.ops.multiple_testing import benjamini_hochberg, benjamini_yekutieli, holm
from holdfast.ops.two_sample import chi_squared_pvalue, compare_category, compare_columns, compare_numeric
from holdfast.shift import (
    BBSE,
    ChiSquared,
    ClassifierTwoSample,
    ColumnDrift,
    KolmogorovSmirnov,
    MannWhitney,
    MaximumMeanDiscrepancy,
    MinedRules,
    NeighbourOrder,
    ShiftAttribution,
)
from holdfast.shift._attribution import fit_ratio, weighted_loss
from holdfast.shift.classifier_two_sample import _z
from holdfast.testing.laws import run

SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "ties": lambda rng, n: rng.integers(0, 5, n).astype(float),
    "skewed": lambda rng, n: rng.lognormal(size=n),
    "binary": lambda rng, n: (rng.random(n) < 0.3).astype(float),
}


# --- parity ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("n", "m"), [(3, 7), (30, 50), (200, 300), (4000, 1500)])
def test_numeric_statistics_are_scipys(shape: str, n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    ref, cur = SHAPES[shape](rng, n), SHAPES[shape](rng, m) + 0.1
    ours = compare_numeric(ref, cur)
    ks = stats.ks_2samp(ref, cur, method="exact" if n * m <= 10_000 else "asymp")
    assert ours.ks.value == pytest.approx(ks.statistic, abs=1e-12)
    assert ours.ks.pvalue == pytest.approx(max(ks.pvalue, 1e-300), rel=5e-3 if ks.pvalue > 1e-3 else 0.05)
    rank_sum = stats.mannwhitneyu(cur, ref, method="asymptotic")
    assert ours.superiority.value == pytest.approx(rank_sum.statistic / n / m, abs=1e-12)
    assert ours.superiority.pvalue == pytest.approx(rank_sum.pvalue, rel=1e-9)
    sd = np.sqrt((ref.var() + cur.var()) / 2)
    assert ours.wasserstein.value == pytest.approx(stats.wasserstein_distance(ref, cur) / sd, rel=1e-9)


def test_kolmogorov_limit_is_scipys_from_a_thousand_rows() -> None:
    rng = np.random.default_rng(0)
    for moved in (0.0, 0.03, 0.06):
        ref, cur = rng.normal(size=20_000), rng.normal(moved, 1, 15_000)
        expected = stats.ks_2samp(ref, cur, method="asymp").pvalue
        assert compare_numeric(ref, cur).ks.pvalue == pytest.approx(expected, rel=5e-3)


def test_chi_squared_is_scipys() -> None:
    rng = np.random.default_rng(1)
    ref, cur = rng.integers(0, 6, 300), rng.integers(1, 7, 400) % 6
    table = np.stack([np.bincount(ref, minlength=6), np.bincount(cur, minlength=6)])
    expected = stats.chi2_contingency(table, correction=False)
    ours = compare_category(ref, cur)
    assert ours.chi_squared == pytest.approx(expected.statistic, rel=1e-12)
    assert ours.total_variation.pvalue == pytest.approx(expected.pvalue, rel=1e-9)
    assert ours.cramers_v.value == pytest.approx(stats.contingency.association(table, method="cramer"), rel=1e-9)


def test_adjusted_pvalues_are_scipys_and_holm_is_holm() -> None:
    rng = np.random.default_rng(2)
    pvalues = np.append(rng.random(30) ** 3, [0.0, 1.0, 0.5, 0.5])
    assert np.allclose(benjamini_hochberg(pvalues), stats.false_discovery_control(pvalues, method="bh"), atol=1e-15)
    assert np.allclose(benjamini_yekutieli(pvalues), stats.false_discovery_control(pvalues, method="by"), atol=1e-15)
    order = np.argsort(pvalues)
    by_hand, so_far = np.empty(len(pvalues)), 0.0
    for rank, index in enumerate(order):
        so_far = max(so_far, min(1.0, pvalues[index] * (len(pvalues) - rank)))
        by_hand[index] = so_far
    assert np.allclose(holm(pvalues), by_hand)
    assert holm(np.array([])).shape == benjamini_yekutieli(np.array([])).shape == (0,)


# --- error rates ----------------------------------------------------------------------------------------------
def _mixed_columns(rng: np.random.Generator, n: int, d: int) -> list[np.ndarray]:
    makers = [*SHAPES.values(), lambda rng, n: np.minimum(rng.geometric(0.05, n), 60)]
    return [makers[j % 5](rng, n) for j in range(d)]


@pytest.mark.parametrize(("n", "m", "d"), [(20, 20, 10), (300, 40, 50), (1000, 1000, 10)])
def test_family_wise_false_alarms(n: int, m: int, d: int) -> None:
    """Holm over columns of every kind, tied, skewed and with rare categories: at most 5 % of clean draws alarm."""
    rng, draws = np.random.default_rng(3), 200
    categorical = [j % 5 == 4 for j in range(d)]
    alarms = 0
    for _ in range(draws):
        columns = compare_columns(_mixed_columns(rng, n, d), _mixed_columns(rng, m, d), categorical)
        alarms += holm(np.array([column.effect.pvalue for column in columns])).min() <= 0.05
    most = stats.binom.ppf(0.9999, draws, 0.05)
    assert alarms <= most, f"{alarms} of {draws} clean draws alarm at 5 %, at most {most} are chance"


@pytest.mark.parametrize(
    "together",
    [[500, 400, 90, 10], [995, 5], [3] * 200 + [1], [2] * 300 + [500] * 10, [1] * 1000 + [5000], [4] * 30 + [50_000]],
    ids=["common", "one rare", "all rare", "mixed", "nearly unique", "needles"],
)
def test_rare_categories_give_no_false_alarms(together: list[int]) -> None:
    """Over random splits of fixed counts p < .05 in 5 %; the plain chi-squared test reaches 38 % on the last."""
    rng, draws = np.random.default_rng(4), 2000
    first = rng.multivariate_hypergeometric(together, sum(together) // 10, size=draws)
    pvalues = np.array([chi_squared_pvalue(np.stack([row, together - row]).astype(float)) for row in first])
    rate = float((pvalues < 0.05).mean())
    assert rate < 0.09, f"p < .05 in {rate:.1%} of random splits"
    assert rate > 0.025 or together == [995, 5], f"p < .05 in only {rate:.1%} of random splits: power is lost"
    assert float((pvalues < 0.001).mean()) < 0.006


def test_unseen_categories_and_sparse_codes_count() -> None:
    ref, cur = np.repeat([1, 2], 50), np.repeat([1, 10**12], 50)
    result = compare_category(ref, cur)
    assert result.total_variation.value == pytest.approx(0.5)
    assert result.total_variation.pvalue < 1e-10
    unique = compare_category(np.arange(100), np.arange(100, 200))  # an id column holds no evidence of drift
    assert unique.total_variation.pvalue == 1.0


# --- power and effect sizes -----------------------------------------------------------------------------------
def test_power_is_no_less_than_kolmogorov_smirnov() -> None:
    """0.1 sd at n = 5,000; Evidently finds it in 51 %."""
    rng, draws = np.random.default_rng(5), 150
    both = [compare_numeric(rng.normal(size=5000), rng.normal(0.1, 1, 5000)) for _ in range(draws)]
    ours = sum(result.pvalue <= 0.05 for result in both)
    theirs = sum(result.ks.pvalue <= 0.05 for result in both)
    assert ours >= 0.96 * draws, f"found in {ours} of {draws}"
    assert ours >= theirs - 2, f"found in {ours}, by Kolmogorov-Smirnov alone in {theirs} of {draws}"


def test_one_shifted_column_in_fifty_is_found_and_is_the_one() -> None:
    rng = np.random.default_rng(6)
    for _ in range(20):
        ref, cur = rng.normal(size=(50, 1000)), rng.normal(size=(50, 1000))
        cur[17] += 0.5
        adjusted = holm(np.array([column.effect.pvalue for column in compare_columns(ref, cur, [False] * 50)]))
        assert adjusted[17] <= 0.05, f"adjusted p = {adjusted[17]:.3g}"
        assert adjusted.argmin() == 17


def test_harmless_shifts_rank_last() -> None:
    """A shift of .02 sd in 200,000 rows has the smaller p-value, one of .5 sd in 300 rows the larger effect."""
    rng = np.random.default_rng(7)
    harmless = compare_numeric(rng.normal(size=200_000), rng.normal(0.02, 1, 200_000))
    real = compare_numeric(rng.normal(size=300), rng.normal(0.4, 1, 300))
    assert harmless.pvalue < real.pvalue
    assert harmless.wasserstein.high < 0.05 < real.wasserstein.low


def test_missing_values_are_left_out() -> None:
    rng = np.random.default_rng(8)
    x, codes = rng.normal(size=100), rng.integers(0, 3, 100)
    with_gaps = compare_columns([np.append(x, [np.nan] * 9), np.append(codes, -1)], [x, codes], [False, True])
    without = compare_columns([x, codes], [x, codes], [False, True])
    assert with_gaps == without
    [empty] = compare_columns([np.full(5, np.nan)], [x], [False])
    assert empty.effect.pvalue == 1.0


def test_extreme_values_stay_finite() -> None:
    for scale in (1e300, 1e-300):
        drift = ColumnDrift().measure(ref_x=np.arange(50.0) * scale, cur_x=np.arange(50.0) * scale + 25 * scale)
        assert drift.value == pytest.approx(25 / np.arange(50.0).std(), rel=1e-6), f"at scale {scale:g}: {drift}"
    constant = ColumnDrift().measure(ref_x=[1.0] * 30, cur_x=[2.0] * 30)
    assert (constant.value, constant.pvalue < 1e-6) == (2.0, True)


# --- intervals ------------------------------------------------------------------------------------------------
def _covered(estimates: list[Estimate], truth: float) -> int:
    return sum(estimate.low <= truth <= estimate.high for estimate in estimates)


@pytest.mark.parametrize("moved", [0.0, 0.15, 1.0])
def test_column_intervals_cover(moved: float) -> None:
    """90 % intervals of D, of P(cur > ref) and of the distance, for normal columns `moved` apart; at least 85 %."""
    rng, draws = np.random.default_rng(9), 200
    pairs = [(rng.normal(size=150), rng.normal(moved, 1, 250)) for _ in range(draws)]
    truths = {
        KolmogorovSmirnov: 2 * stats.norm.cdf(moved / 2) - 1,
        MannWhitney: stats.norm.cdf(moved / np.sqrt(2)),
        ColumnDrift: moved,
    }
    for method, truth in truths.items():
        estimates = [method().measure(ref_x=ref, cur_x=cur) for ref, cur in pairs]
        share = _covered(estimates, truth) / draws
        assert share >= 0.84, f"{method.__name__} covers {truth:.3f} in {share:.0%} of draws"


@pytest.mark.parametrize("effect", ["total_variation", "cramers_v"])
def test_category_intervals_cover(effect: str) -> None:
    rng, draws = np.random.default_rng(10), 200
    for q in ([0.5, 0.3, 0.2], [0.35, 0.3, 0.35]):
        p, n = np.array([0.5, 0.3, 0.2]), 300
        mean = (p + np.array(q)) / 2
        truth = np.abs(p - q).sum() / 2 if effect == "total_variation" else np.sqrt(((p - mean) ** 2 / mean).sum())
        estimates = [
            ChiSquared(effect=effect).measure(ref_category=rng.choice(3, n, p=p), cur_category=rng.choice(3, n, p=q))
            for _ in range(draws)
        ]
        share = _covered(estimates, float(truth)) / draws
        assert share >= 0.84, f"{effect} covers {truth:.3f} in {share:.0%} of draws"


def test_bbse_covers_and_recovers_the_class_mix() -> None:
    rng, draws = np.random.default_rng(11), 80
    accuracy, mix = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]]), np.array([0.6, 0.3, 0.1])

    def sample(n: int, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = rng.choice(3, n, p=share)
        return y, (accuracy[y].cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1)

    estimates, shares = [], []
    for seed in range(draws):
        (ref_y, ref_predicted), (_, now) = sample(600, np.full(3, 1 / 3)), sample(500, mix)
        method = BBSE(draws=60, seed=seed)
        estimates.append(method.measure(ref_predicted=ref_predicted, ref_y=ref_y, cur_predicted=now))
        shares.append(method.cur_share_)
    assert np.allclose(np.mean(shares, axis=0), mix, atol=0.02), f"mean estimated mix {np.mean(shares, axis=0)}"
    truth = np.abs(mix - 1 / 3).sum() / 2
    assert _covered(estimates, truth) >= 0.8 * draws, f"{_covered(estimates, truth)} of {draws} intervals cover {truth}"


def test_bbse_weights_stay_sane_without_information() -> None:
    blind = np.array([[0.5, 0.5], [0.0, 0.0]])  # everything is predicted 0
    assert np.allclose(bbse_weights(blind, np.array([1.0, 0.0])), 1.0, atol=1e-6)
    sharp = np.diag([0.5, 0.5])
    assert bbse_weights(sharp, np.array([0.0, 1.0])).min() >= 0
    soft = joint_confusion(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), 2)
    assert np.allclose(soft, [[0.45, 0.1], [0.05, 0.4]])


# --- joint drift ----------------------------------------------------------------------------------------------
def _flipped(rng: np.random.Generator, n: int, sign: float) -> np.ndarray:
    X = rng.normal(size=(n, 10))
    X[:, 1] = sign * 0.9 * X[:, 0] + np.sqrt(1 - 0.81) * X[:, 1]
    return X


def test_flipped_correlation_is_found_and_named() -> None:
    rng = np.random.default_rng(12)
    for seed in range(10):
        method = ClassifierTwoSample(explain=True, seed=seed)
        estimate = method.measure(ref_X=_flipped(rng, 1000, 1), cur_X=_flipped(rng, 1000, -1))
        assert estimate.pvalue < 0.01, f"p = {estimate.pvalue:.3g}"
        assert set(np.argsort(-method.importances_)[:2]) == {0, 1}, f"importances {method.importances_.round(3)}"


def test_domain_probabilities_are_out_of_sample() -> None:
    """On equal samples they tell nothing; in-sample ones would reach an AUROC far above one half."""
    rng = np.random.default_rng(13)
    method = ClassifierTwoSample()
    estimate = method.measure(ref_X=rng.normal(size=(400, 8)), cur_X=rng.normal(size=(400, 8)))
    assert 0.42 < estimate.value < 0.58
    assert 0.42 < compare_numeric(method.ref_domain_, method.cur_domain_).superiority.value < 0.58


def test_classifier_pvalues_spread_evenly_without_drift() -> None:
    """Half of them lie above one half: held-out rows told apart the wrong way round speak against drift."""
    rng = np.random.default_rng(24)
    pvalues = [
        ClassifierTwoSample(iterations=10, seed=seed)
        .measure(ref_X=rng.normal(size=(120, 3)), cur_X=rng.normal(size=(80, 3)))
        .pvalue
        for seed in range(40)
    ]
    assert 0.35 < np.mean(pvalues) < 0.65, f"the mean p-value is {np.mean(pvalues):.2f}"
    assert min(pvalues) > 0.001, f"the smallest of 40 is {min(pvalues):.4f}"


def test_mmd_is_the_textbook_sum() -> None:
    rng = np.random.default_rng(14)
    ref, cur = rng.normal(size=(30, 3)), rng.normal(0.5, 1, size=(20, 3))
    rows = standardised(ref, cur).astype(np.float64)
    kernel = np.exp(-((rows[:, None] - rows[None]) ** 2).sum(axis=2) / (2 * 1.3**2))
    np.fill_diagonal(kernel, 0)
    expected = kernel[:30, :30].sum() / (30 * 29) + kernel[30:, 30:].sum() / (20 * 19) - 2 * kernel[:30, 30:].mean()
    estimate = MaximumMeanDiscrepancy(bandwidth=1.3).measure(ref_X=ref, cur_X=cur)
    assert estimate.value == pytest.approx(expected, abs=1e-6)


def test_kernel_product_is_the_same_across_tiles() -> None:
    rng = np.random.default_rng(15)
    rows = rng.normal(size=(2500, 4)).astype(np.float32)
    right = rng.normal(size=(2500, 3)).astype(np.float32)
    wide = rows.astype(np.float64)
    squared = (wide**2).sum(1)[:, None] + (wide**2).sum(1) - 2 * wide @ wide.T
    expected = np.exp(-squared / (2 * 1.5**2)) @ right
    assert np.allclose(gaussian_product(rows, 1.5, right), expected, atol=2e-3)
    sampled = median_distance(rows, np.random.default_rng(0))
    assert sampled == pytest.approx(np.sqrt(np.median(squared[np.triu_indices(2500, 1)])), rel=0.03)


def test_mmd_is_unhurt_by_one_huge_column_and_never_certain() -> None:
    """alibi-detect's power falls to .08 when one column is scaled by 1,000."""
    rng = np.random.default_rng(16)
    ref, cur = rng.normal(size=(200, 32)), rng.normal(0.2, 1, size=(200, 32))
    plain = MaximumMeanDiscrepancy(permutations=60).measure(ref_X=ref, cur_X=cur)
    scale = np.where(np.arange(32) == 5, 1000.0, 1.0)
    scaled = MaximumMeanDiscrepancy(permutations=60).measure(ref_X=ref * scale, cur_X=cur * scale)
    assert scaled.value == pytest.approx(plain.value, rel=1e-4)
    assert plain.pvalue == scaled.pvalue == pytest.approx(1 / 61)


def test_mmd_interval_covers() -> None:
    rng, draws = np.random.default_rng(17), 60
    settings = {"permutations": 1, "bandwidth": 1.5}
    many = rng.normal(size=(6000, 2)), rng.normal(0.7, 1, size=(6000, 2))
    truth = MaximumMeanDiscrepancy(**settings).measure(ref_X=many[0], cur_X=many[1]).value
    estimates = [
        MaximumMeanDiscrepancy(**settings).measure(
            ref_X=rng.normal(size=(150, 2)), cur_X=rng.normal(0.7, 1, size=(150, 2))
        )
        for _ in range(draws)
    ]
    assert _covered(estimates, truth) >= 0.8 * draws, f"{_covered(estimates, truth)} of {draws} cover {truth:.4f}"


# --- order ----------------------------------------------------------------------------------------------------
def test_neighbour_order_background_is_exact() -> None:
    """Against all pairs counted one by one."""
    rng = np.random.default_rng(18)
    neighbours = np.array([rng.choice(np.delete(np.arange(15), i), 3, replace=False) for i in range(15)])
    apart = np.abs(neighbours - np.arange(15)[:, None]).ravel()
    pairs = np.abs(np.subtract.outer(np.arange(15), np.arange(15)))[np.triu_indices(15, 1)]
    gaps = [abs((apart <= t).mean() - (pairs <= t).mean()) for t in range(15)]
    assert NeighbourOrder(k=3).measure(neighbours=neighbours).value == pytest.approx(max(gaps))


def test_rows_out_of_random_order_are_located() -> None:
    """Only the middle third of the file is sorted: its rows score higher."""
    rng = np.random.default_rng(19)
    X = rng.normal(size=(900, 3))
    X[300:600] = X[300:600][np.argsort(X[300:600, 0])] + [3.0, 0.0, 0.0]
    method = NeighbourOrder(permutations=50)
    assert method.measure(X=X).pvalue < 0.05
    scores = method.row_scores_
    assert scores[320:580].mean() > scores[np.r_[:280, 620:900]].mean() + 0.1


# --- attribution ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("world", "cause"), [("label_shift", "label"), ("covariate_shift", "column"), ("concept_shift", "relation")]
)
def test_planted_cause_ranks_first_and_parts_sum_to_the_change(world: str, cause: str) -> None:
    draws, hits = 20, 0
    for seed in range(draws):
        method = ShiftAttribution()
        total = run(method, getattr(world_of, world)(seed))
        parts = {name: part.value for name, part in method.parts_.items()}
        assert sum(parts.values()) == pytest.approx(total.value, abs=1e-9)
        kinds = {"label": parts["label"], "relation": parts["relation"]}
        columns = [value for name, value in parts.items() if name.split()[0] in ("column", "other")]
        kinds["column"] = sum(columns) if cause == "column" else max(columns, key=abs)
        hits += max(kinds, key=lambda name: abs(kinds[name])) == cause
    assert hits >= 17, f"the planted cause ranks first in {hits} of {draws} draws"


def _covariate_draw(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Column 1 rises by 0.5 and the expected loss is that column: its part is 0.5, every other part is 0."""
    ref, cur = rng.normal(size=(n, 3)), rng.normal([0.0, 0.5, 0.0], 1, size=(n, 3))
    loss = [X[:, 1] + 0.5 * rng.normal(size=n) for X in (ref, cur)]
    target = [X[:, 0] + rng.normal(size=n) for X in (ref, cur)]
    return {
        "ref_X": ref,
        "cur_X": cur,
        "ref_loss": loss[0],
        "cur_loss": loss[1],
        "ref_target": target[0],
        "cur_target": target[1],
    }


def test_attribution_intervals_cover_known_parts() -> None:
    rng, draws = np.random.default_rng(20), 60
    covered = dict.fromkeys(("column 1", "relation", "label"), 0)
    for _ in range(draws):
        method = ShiftAttribution(players=2)
        method.measure(**_covariate_draw(rng, 500))
        for name in covered:
            part = method.parts_[name]
            covered[name] += part.low <= (0.5 if name == "column 1" else 0.0) <= part.high
    assert min(covered.values()) >= 0.78 * draws, f"90 % intervals cover: {covered} of {draws}"


def test_influences_agree_with_refitting() -> None:
    """The first-order standard error of a weighted loss is that of fitting the ratio again on other draws."""
    rng, n = np.random.default_rng(21), 400
    is_cur = np.arange(2 * n) >= n
    values, errors = [], []
    for _ in range(150):
        x = rng.normal(size=2 * n) + 0.5 * is_cur
        loss = x**2 + rng.normal(size=2 * n)
        ratio = fit_ratio([np.column_stack([x, x**2])], is_cur, np.arange(2 * n), 1e-3)
        mean, influence = weighted_loss(loss, ratio, True, n)
        values.append(mean)
        errors.append(np.sqrt((influence**2).sum()))
    assert np.mean(values) == pytest.approx(1.25, abs=0.05), "E[x^2] under the current sample"
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)


# --- rules ----------------------------------------------------------------------------------------------------
def test_rules_hold_categories_labels_and_words() -> None:
    rng = np.random.default_rng(22)
    colour = rng.integers(0, 3, 600).astype(float)
    X = np.column_stack([colour, 10 * colour + rng.random(600)])
    y = (colour == 2).astype(int)
    method = MinedRules().fit(X=X, y=y, columns=["colour", "weight"])
    assert "where colour = 2: label is one of 1" in method.rules_, method.rules_
    fine, broken = [2.0, 20.5], [2.0, 0.5]
    assert method.score_rows(X=[fine, broken], predicted=[1, 1]).tolist()[0] == 0
    assert method.score_rows(X=[fine], predicted=[0])[0] > 0, "a prediction that contradicts the rules"
    assert method.score_rows(X=[broken])[0] > 0.5
    reasons = method.broken_by(X=[fine, broken])
    assert reasons[0] == []
    assert any(reason.startswith("where colour = 2: 20") for reason in reasons[1]), reasons[1]


def test_unrelated_columns_make_no_rules() -> None:
    rng = np.random.default_rng(23)
    method = MinedRules().fit(X=rng.normal(size=(2000, 6)))
    assert len(method.rules_) == 0, method.rules_[:5]
    assert method.score_rows(X=rng.normal(size=(5, 6))).tolist() == [0.0] * 5


def test_the_classifier_two_sample_test_reads_a_two_sided_p_value_as_its_z() -> None:
    """.05 from both sides is 1.96 standard errors, with the sign of the side that the AUROC lies on."""
    above, below = (_z(Estimate(value, 0.0, 1.0, 100, 0.05)) for value in (0.6, 0.4))
    assert (round(above, 2), round(below, 2)) == (1.96, -1.96)
