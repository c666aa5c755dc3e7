"""ConfidentLearning against cleanlab: its thresholds, joint, five label-quality scores and four filters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from holdfast.labels import ConfidentLearning

REFERENCE = json.loads((Path(__file__).parent / "cleanlab_reference.json").read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=f"{len(case['y'])}x{len(case['probs'][0])}") for case in REFERENCE["cases"]]
FILTERS = {
    "noise_rate": "prune_by_noise_rate",
    "class": "prune_by_class",
    "both": "both",
    "confident": "confident_learning",
}


@pytest.mark.parametrize("case", CASES)
def test_thresholds_and_joint(case: dict) -> None:
    learned = ConfidentLearning().fit(case["probs"], case["y"])
    np.testing.assert_allclose(learned.thresholds_, case["thresholds"], atol=1e-12)
    # cleanlab rounds the joint to whole rows
    assert np.abs(learned.joint_ - np.array(case["joint"])).max() < 1, "a cell is off by a whole row"
    assert learned.joint_.sum(axis=1).round(6).tolist() == np.bincount(case["y"]).tolist()


@pytest.mark.parametrize("case", CASES)
def test_label_quality_scores(case: dict) -> None:
    for name, quality in case["scores"].items():
        score, adjust = name.split(" ")
        method = ConfidentLearning(score=score, adjust=adjust == "True").fit(case["probs"], case["y"])
        badness = method.score_rows(case["probs"], case["y"])
        np.testing.assert_allclose(1 - badness, quality, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("prune", FILTERS)
def test_filters(case: dict, prune: str) -> None:
    mask = ConfidentLearning().find_issues(case["probs"], case["y"], prune=prune)
    assert sum(case["masks"][prune]) > 0, "the reference flags nothing, so it tests nothing"
    assert mask.tolist() == case["masks"][prune]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("prune", FILTERS)
def test_filters_of_the_installed_cleanlab(seed: int, prune: str) -> None:
    """Two classes: then the paper and cleanlab count alike on every row."""
    find_label_issues = pytest.importorskip("cleanlab.filter", reason="cleanlab is not installed").find_label_issues
    rng = np.random.default_rng(seed)
    true = (rng.random(2000) < 0.3).astype(int)
    y = np.where(rng.random(2000) < 0.2, 1 - true, true)
    first = np.clip(rng.normal(0.75 - 0.5 * true, 0.2), 0.01, 0.99)
    probs = np.column_stack([first, 1 - first])
    theirs = find_label_issues(y, probs, filter_by=FILTERS[prune], n_jobs=1)
    assert (ConfidentLearning().find_issues(probs, y, prune=prune) == theirs).all()


def test_the_paper_is_followed_where_cleanlab_is_not() -> None:
    """cleanlab issue 1248: among classes that reach their thresholds the likelier counts, not the likeliest of all."""
    # thresholds: class 0 0.8, class 1 0.3, class 2 0.3; row 3 prefers class 0 without reaching it and reaches 1 and 2
    probs = [[0.95, 0.03, 0.02], [0.65, 0.2, 0.15], [0.6, 0.3, 0.1], [0.38, 0.31, 0.31], [0.7, 0.0, 0.3]]
    y = [0, 0, 1, 1, 2]
    learned = ConfidentLearning().fit(np.array(probs), y)
    assert learned.thresholds_.round(3).tolist() == [0.8, 0.305, 0.3]
    assert not ConfidentLearning().find_issues(probs, y, prune="confident")[3], "row 3 confidently belongs to class 1"
