"""Bins of equal weight: edges are those of rows repeated by weight, and a booster fitted on codes is the same."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn

from holdfast.audit.models import ProbeModel
from holdfast.ops.weighted_bins import BINS, weighted_bins

RNG = np.random.default_rng(0)


def test_edges_are_those_of_rows_repeated_by_weight() -> None:
    x, weight = np.exp(RNG.normal(size=(700, 1))), RNG.integers(0, 5, 700)
    x[::9] = np.nan
    edges = weighted_bins(x, weight.astype(float), np.array([False])).edges[0]
    known = ~np.isnan(x[:, 0])
    repeated = np.repeat(x[known, 0], weight[known])
    percentiles = np.linspace(0, 100, BINS + 1)[1:-1]
    np.testing.assert_array_equal(
        edges, np.unique(np.percentile(repeated, percentiles, method="averaged_inverted_cdf"))
    )


def test_few_values_and_categories_are_left_alone() -> None:
    X = np.column_stack([np.arange(600.0), np.arange(600.0), np.arange(600) % BINS, np.full(600, np.nan)])
    bins = weighted_bins(X, np.ones(600), np.array([False, True, False, False]))
    assert [edges is None for edges in bins.edges] == [False, True, True, True]
    np.testing.assert_array_equal(bins.codes(X)[:, 1:], X[:, 1:])
    assert X[-1, 0] == 599, "what was given is left alone"


@pytest.mark.skipif(tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8), reason="its bins ignored weights")
@pytest.mark.parametrize("classes", [0, 2])
def test_a_weighted_fit_is_the_librarys_to_the_bit(classes: int) -> None:
    X = np.column_stack([np.exp(RNG.normal(size=400)), RNG.integers(0, 4, 400)])
    X[::11, 0] = np.nan
    y = np.nan_to_num(X[:, 0]) + X[:, 1] + RNG.normal(size=400)
    y = (y > 3).astype(int) if classes else y
    weight = RNG.gamma(1, size=400) * (RNG.random(400) > 0.1)
    model = ProbeModel(classes, (False, True))
    ours = model.fit(X, y, weight, 0).predict(X)
    booster = model.booster(400, np.arange(2), 0).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(ours, booster.predict_proba(X) if classes else booster.predict(X))
