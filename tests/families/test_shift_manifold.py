"""Balls around rows: density, coverage, precision, recall, and the claims of their papers."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.faults.worlds import shift as worlds
from holdfast.shift import DensityCoverage, ManifoldPrecisionRecall


def _gaussians(seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"ref_X": rng.normal(size=(1000, 16)), "cur_X": rng.normal(size=(1000, 16)) + shift}


def test_equal_samples_are_dense_and_covered_and_precision_is_not_one() -> None:
    """Figures of the paper on density and coverage: of equal Gaussians, density is 1 and coverage 1 - 2^-k."""
    measures = {of: DensityCoverage(of=of, permutations=19) for of in ("density", "coverage")}
    found = {of: measure.measure(**_gaussians(0)).value for of, measure in measures.items()}
    assert abs(found["density"] - 1) < 0.1 and abs(found["coverage"] - (1 - 2**-5)) < 0.03, found
    precision = ManifoldPrecisionRecall(permutations=19).measure(**_gaussians(0)).value
    assert precision < 0.9, f"precision of equal samples is {precision:.2f}"


def test_a_far_reference_row_lifts_precision_and_not_density() -> None:
    """The paper's case against precision: one outlier among the reference makes a far sample look right."""
    data = _gaussians(1, shift=2.0)
    spoilt = {**data, "ref_X": np.vstack([data["ref_X"], np.full(16, 6.0)])}
    precision, density = (
        [measure.measure(**one).value for one in (data, spoilt)]
        for measure in (ManifoldPrecisionRecall(permutations=19), DensityCoverage(of="density", permutations=19))
    )
    assert precision[1] - precision[0] > 0.5, f"precision {precision} with and without one far row"
    assert density[1] - density[0] < 0.25, f"density {density}"


def test_missing_kinds_lower_recall_and_noise_lowers_precision() -> None:
    missing, noise = (world(0).evidence for world in (worlds.missing_classes, worlds.far_noise))
    both = [ManifoldPrecisionRecall(of="precision"), ManifoldPrecisionRecall(of="recall")]
    pairs = {
        name: [measure.measure(ref_X=one["ref_X"], cur_X=one["cur_X"]) for measure in both]
        for name, one in (("missing", missing), ("noise", noise))
    }
    assert pairs["missing"][0].pvalue > 0.05 > pairs["missing"][1].pvalue, pairs["missing"]
    assert pairs["noise"][0].pvalue < 0.05 < pairs["noise"][1].pvalue, pairs["noise"]


def test_realism_ranks_noisy_rows_last() -> None:
    from sklearn.metrics import roc_auc_score

    data = _gaussians(2)
    noisy = np.arange(1000) < 100
    data["cur_X"][noisy] *= 2
    measure = ManifoldPrecisionRecall(permutations=19)
    measure.measure(**data)
    assert (auroc := roc_auc_score(noisy, measure.row_scores_)) > 0.9, f"AUROC {auroc:.3f} of rows that spread twice"


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_intervals_hold_the_mean_over_draws(shift: float) -> None:
    """Intervals of a mean over rows held 63 to 84 % here: balls share rows."""
    measures = {
        of: made(of=of, permutations=1)
        for made, kinds in (
            (DensityCoverage, ("density", "coverage")),
            (ManifoldPrecisionRecall, ("precision", "recall")),
        )
        for of in kinds
    }
    draws = [np.random.default_rng(seed).normal(size=(2, 200, 8)) for seed in range(60)]
    for of, measure in measures.items():
        found = [measure.measure(ref_X=one[0], cur_X=one[1] + shift) for one in draws]
        mean = np.mean([one.value for one in found])
        held = np.mean([one.low <= mean <= one.high for one in found])
        assert held >= 0.82, f"{of}: {held:.0%} of the intervals at 90 % hold {mean:.3f}"


def test_rows_that_are_left_out_are_as_if_never_drawn() -> None:
    from holdfast.shift._manifold import Manifold

    rng = np.random.default_rng(4)
    ref, cur = rng.normal(size=(60, 2)), rng.normal(size=(50, 2))
    present = rng.random(110) < 0.8
    whole = Manifold(ref, cur, 3, 0)
    fewer = Manifold(ref[present[:60]], cur[present[60:]], 3, 0)
    for ours, theirs in zip(whole.counts(whole.is_ref, present), fewer.counts(fewer.is_ref), strict=True):
        assert np.array_equal(ours, theirs)


def test_balls_that_lists_do_not_reach_are_counted_all_the_same() -> None:
    rng = np.random.default_rng(3)
    ref, cur = rng.normal(size=(40, 2)), np.concatenate([0.01 * rng.normal(size=(500, 2)), rng.normal(size=(30, 2))])
    radius = np.sort(np.linalg.norm(ref[:, None] - ref, axis=2), axis=1)[:, 3]
    inside = np.linalg.norm(ref[:, None] - cur, axis=2) <= radius[:, None]
    measure = {of: DensityCoverage(of=of, k=3, permutations=19) for of in ("density", "coverage")}
    found = {of: one.measure(ref_X=ref, cur_X=cur).value for of, one in measure.items()}
    assert found["density"] == pytest.approx(inside.sum() / (3 * len(cur)))
    assert found["coverage"] == pytest.approx(inside.any(axis=1).mean())
    precision = ManifoldPrecisionRecall(permutations=19).measure(ref_X=ref, cur_X=cur).value
    assert precision == pytest.approx(inside.any(axis=0).mean())
