"""Prices of several remedies at once: hopeless ones end early, and company changes no fit."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.fitting import side_by_side
from holdfast.audit.load import load
from holdfast.audit.models import MANY_ROWS, ProbeModel
from holdfast.audit.price import Pricing
from holdfast.audit.probes import Probes
from holdfast.audit.records import Remedy
from holdfast.audit.settings import Settings

GOOD = Remedy("drop_rows", "Drop the wrong labels", True, rows=tuple(range(120)))
HARMFUL = Remedy("drop_columns", "Train without what tells most", True, columns=("c0",))
FUTILE = Remedy("drop_rows", "Drop all", True, rows=tuple(range(400)))


def facts() -> Probes:
    """The first 120 of 400 training labels are flipped."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4))
    y = (2 * X[:, 0] + X[:, 1] > 0).astype(int)
    y[:120] = 1 - y[:120]
    frame = pl.DataFrame({**{f"c{i}": X[:, i] for i in range(4)}, "label": y})
    loaded = load(frame[:400], frame[400:], target="label")
    return Probes(loaded=loaded, settings=Settings(repeats=5), given_model=None, given_proba=None)


def test_what_harms_is_given_up_early_and_what_helps_is_not() -> None:
    pricing = Pricing(facts())
    pricing.price_all([GOOD, HARMFUL, FUTILE, GOOD])
    good, harmful, futile = (pricing.price(remedy) for remedy in (GOOD, HARMFUL, FUTILE))
    assert good.repeats == 5 and good.gain is not None and good.gain.low > 0, good
    assert harmful.repeats < 5 and harmful.gain is not None and harmful.gain.value < -0.05, harmful
    assert futile.gain is None and "too few rows" in futile.reason
    assert len(pricing.known) == 3, "one remedy was priced twice"


def test_a_remedy_has_the_same_price_alone_and_in_company() -> None:
    together, alone = Pricing(facts()), Pricing(facts())
    together.price_all([HARMFUL, GOOD])
    assert together.price(GOOD) == alone.price(GOOD)


def test_undersampling_evens_the_classes_and_is_priced() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    y = (X[:, 0] + rng.normal(0, 0.5, 3000) > 2.1).astype(int)
    frame = pl.DataFrame({**{f"c{i}": X[:, i] for i in range(3)}, "label": y})
    report = holdfast.audit(frame[:1500], frame[1500:], target="label", only=["IMB001"], metric="balanced_accuracy")
    (remedy,) = [one for one in report["IMB001"].remedies if one.action == "drop_rows"]
    left = np.bincount(np.delete(y[:1500], list(remedy.rows)))
    assert left[0] == max(left[1], 50) and left[1] == min(y[:1500].sum(), left[0]), left
    price = report["IMB001"].price
    assert price is not None and price.gain is not None and price.gain.low > 0, price


def test_fits_side_by_side_come_in_order_and_are_those_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(MANY_ROWS, 2))
    y = (X[:, 0] + rng.normal(size=len(X)) > 0).astype(int)
    model = ProbeModel(2, (False, False))

    def fitted(seed: int) -> np.ndarray:
        return model.fit(X[seed::10], y[seed::10], None, seed).predict(X[:50])

    made = {}
    for cores in ("1", "3"):
        monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", cores)
        made[cores] = side_by_side([partial(fitted, seed) for seed in range(3)], model, X)
    np.testing.assert_array_equal(made["1"], made["3"])
    assert not np.array_equal(made["1"][0], made["1"][1])
