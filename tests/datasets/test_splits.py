"""Splits by domain and by likeness: parts are disjoint, and they show what they are for on real data."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.datasets import domain_split, judge_split, matched_folds


def test_parts_are_disjoint_and_domains_are_kept_whole() -> None:
    domain = np.random.default_rng(0).integers(0, 6, 600)
    split = domain_split(domain, held_out=3, seed=1)
    parts = [split.train, split.id_val, split.id_test, split.ood_val, split.ood_test]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(600)), "every row is in one part"
    inside, outside = set(domain[np.concatenate(parts[:3])]), set(domain[np.concatenate(parts[3:])])
    assert outside == set(split.held_out) and not inside & outside
    assert not set(domain[split.ood_val]) & set(domain[split.ood_test])
    whole = domain_split(domain, kind="subpopulation", seed=1)
    assert len(whole.train) + len(whole.id_val) + len(whole.id_test) == 600 and whole.held_out == ()


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"held_out": 1}, "at least 2"), ({"held_out": 3}, "of 3"), ({"kind": "time"}, "'time'"), ({"share": 0.6}, "0.6")],
)
def test_a_split_that_cannot_be_is_refused(settings: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        domain_split([0, 1, 2] * 5, **settings)


def test_plain_training_loses_on_unseen_domains_and_training_there_recovers_it() -> None:
    """Writers of digits stand for by clusters of the pictures: unseen ones cost, a control trained on them does not."""
    X, y = load_digits(return_X_y=True)
    from sklearn.cluster import KMeans

    domain = KMeans(8, n_init=1, random_state=0).fit_predict(X)
    gaps, control = [], []
    for seed in range(5):
        split = domain_split(domain, held_out=4, seed=seed)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(X[split.train], y[split.train])
        hit = model.predict(X) == y
        judged = judge_split(split, domain, hit)
        assert judged.worst.value <= judged.ood.value + 1e-9 and judged.worst_domain in split.held_out
        gaps.append(judged.gap.value)
        half = np.random.default_rng(seed).random(len(split.ood_test)) < 0.5
        rows = np.concatenate([split.train, split.ood_test[half]])
        there = split.ood_test[~half]
        seen = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(X[rows], y[rows])
        control.append(float((seen.predict(X[there]) == y[there]).mean() - hit[there].mean()))
    assert np.mean(gaps) > 0.1, gaps
    assert np.mean(control) > 0.5 * np.mean(gaps), control


def test_models_that_memorise_fall_back_where_clusters_are_held_out() -> None:
    X, y = load_digits(return_X_y=True)
    score: dict[str, list[float]] = {}
    for fold in matched_folds(X, folds=3, clusters=30, seed=2):
        assert len(fold.near) == len(fold.far)
        assert not set(fold.test) & (set(fold.near) | set(fold.far))
        models = {"neighbour": KNeighborsClassifier(1), "forest": RandomForestClassifier(40, random_state=0)}
        for name, model in models.items():
            for where, rows in (("near", fold.near), ("far", fold.far)):
                hit = model.fit(X[rows], y[rows]).predict(X[fold.test]) == y[fold.test]
                score.setdefault(f"{name} {where}", []).append(float(hit.mean()))
    mean = {name: np.mean(values) for name, values in score.items()}
    assert mean["neighbour near"] >= mean["forest near"], mean
    assert mean["neighbour far"] < mean["neighbour near"] - 0.02 and mean["forest far"] < mean["forest near"], mean
    with pytest.raises(ValueError, match="clusters 5"):
        matched_folds(X[:20], folds=6, clusters=5)
