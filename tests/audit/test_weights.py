"""The user's row weights: read, used in every fit of the audited model, said in the report; bad ones are refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import holdfast
from holdfast.audit.load import InputError, load, weight_column
from holdfast.audit.price import Pricing
from holdfast.audit.probes import Probes
from holdfast.audit.records import Remedy
from holdfast.audit.repair import Lesson
from holdfast.audit.settings import Settings

RUBBISH = 120  # rows of train whose labels are turned round, with weight 0


@cache
def sets() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Breast cancer; 40 % of the training labels are wrong and weigh nothing."""
    data = load_breast_cancer()
    frame = pl.DataFrame(data.data[:, :8], schema=[f"f{i}" for i in range(8)])
    frame = frame.with_columns(pl.Series("label", data.target))
    frame = frame[np.random.default_rng(0).permutation(frame.height)]
    train, test = frame[:300], frame[300:]
    is_wrong = pl.Series(np.arange(300) < RUBBISH)
    label = pl.when(is_wrong).then(1 - pl.col("label")).otherwise(pl.col("label"))
    weight = pl.when(is_wrong).then(0.0).otherwise(2.5).alias("sample_weight")
    return train.with_columns(label.alias("label"), weight), test


def facts_of(train: pl.DataFrame, test: pl.DataFrame, model: Any = None, roles: Any = None, **settings: Any) -> Probes:
    loaded = load(train, test, target="label", roles=roles)
    given = {"model": model} if isinstance(model, _Spy) else {}
    return Probes(loaded=loaded, settings=Settings(repeats=2, **settings), given_model=model, given_proba=None, **given)


def test_rows_of_no_weight_teach_nothing() -> None:
    train, test = sets()
    accuracy = {}
    for role in ("weight", "ignored"):
        facts = facts_of(train, test, roles={"sample_weight": role})
        accuracy[role] = float((facts["test_predicted"].argmax(axis=1) == facts["test_y"]).mean())
    assert accuracy["weight"] > 0.88, accuracy
    assert accuracy["weight"] > accuracy["ignored"] + 0.05, accuracy


def test_weights_are_scaled_to_mean_one_and_missing_ones_count_one() -> None:
    train, test = sets()
    gapped = train.with_columns(pl.when(pl.int_range(300) == 299).then(None).otherwise("sample_weight").alias("w"))
    facts = facts_of(gapped.drop("sample_weight"), test, roles={"w": "weight"})
    known = gapped["w"].drop_nulls().to_numpy()
    assert np.allclose(facts["train_weight"][:299], gapped["w"][:299].to_numpy() / known.mean())
    assert facts["train_weight"][299] == 1
    assert (facts["test_weight"] == 1).all(), "the test set has no such column"
    assert "w" not in [column.name for column in facts["features"]]


def test_no_weight_column_no_weights() -> None:
    train, test = sets()
    assert facts_of(train.drop("sample_weight"), test)["train_weight"] is None


@pytest.mark.parametrize("kind", ["linear", "pipeline"])
def test_a_weight_of_two_is_a_row_twice_for_a_given_model(kind: str) -> None:
    """Exact for a model that minimises a weighted sum; the scaler in front does not weigh, so it is fixed here."""
    train, _ = sets()
    names = [f"f{i}" for i in range(8)]
    X, y = StandardScaler().fit_transform(train.select(names).to_numpy()), train["label"].to_numpy()
    plain = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)
    model = (plain if kind == "linear" else make_pipeline(StandardScaler(with_mean=False, with_std=False), plain)).fit(
        X, y
    )
    twice = np.random.default_rng(1).random(len(y)) < 0.5
    weighted = pl.DataFrame(X, schema=names).with_columns(
        pl.Series("label", y), pl.Series("sample_weight", 1.0 + twice)
    )
    facts = facts_of(weighted, weighted, model)
    weights = 1.0 + twice  # the house scales to mean 1: undo it, since regularisation sees the scale
    spec, inputs = facts["model"], facts["train_inputs"]
    by_weight = spec.fit(inputs, facts["train_y"], weights, 0).predict(inputs)
    order = np.r_[np.arange(len(y)), np.flatnonzero(twice)]
    by_copies = spec.fit(inputs[order], facts["train_y"][order], None, 0).predict(inputs)
    assert np.abs(by_weight - by_copies).max() < 1e-4
    assert np.allclose(facts["train_weight"], weights / weights.mean())


class _Spy:
    """A model that notes the weights it is fitted with."""

    name = "spy"

    def __init__(self) -> None:
        self.seen: list[np.ndarray | None] = []

    def fit(self, rows: Any, y: np.ndarray, weight: np.ndarray | None, seed: int) -> _Spy:
        assert weight is None or len(weight) == len(y) == len(rows)
        self.seen.append(weight)
        return self

    def predict(self, rows: Any) -> np.ndarray:
        return np.full((len(rows), 2), 0.5)


def test_every_fit_of_probes_prices_and_checks_is_weighted() -> None:
    from holdfast.audit.checks.instability import Instability
    from holdfast.audit.checks.not_enough_data import NotEnoughData
    from holdfast.audit.run import run_check

    spy = _Spy()
    facts = facts_of(*sets(), model=spy)
    _ = facts["test_predicted"], facts["train_predicted"]
    drop = Remedy("drop_rows", "drop", True, rows=(130, 131))
    learn = Remedy("learn_from_test_rows", "learn", True, settings={"rows": 20})
    pricing = Pricing(facts)
    for remedy in (drop, learn):
        assert pricing.price(remedy).gain is not None, pricing.price(remedy).reason
    for check in (Instability(), NotEnoughData()):
        assert run_check(check, facts).outcome != "error"
    assert len(spy.seen) > 10
    assert all(weight is not None for weight in spy.seen), f"{sum(w is None for w in spy.seen)} fits without weights"
    assert all(set(np.unique(w).round(6)) <= {0.0, round(1 / 0.6, 6), 1.0} for w in spy.seen if w is not None)


def test_remedies_multiply_the_users_weights() -> None:
    facts = facts_of(*sets())
    room = Pricing(facts).room
    base = facts["train_weight"]

    def lesson(action: str, **settings: Any) -> Lesson:
        return room.lesson(Remedy(action, action, True, **settings))

    rows = tuple(range(200, 210))
    tripled = lesson("reweight_rows", rows=rows, values=(3.0,) * 10).weight
    assert tripled is not None
    assert np.allclose(tripled[200:210], 3 * base[200:210])
    assert np.allclose(np.delete(tripled, rows), np.delete(base, rows))
    balanced = lesson("balance_classes").weight
    assert balanced is not None
    totals = np.bincount(facts["train_y"], balanced)
    assert totals[0] == pytest.approx(totals[1]), "classes weigh the same, counted with the user's weights"
    dropped = lesson("drop_rows", rows=rows)
    assert dropped.weight is not None
    assert np.allclose(dropped.weight, np.delete(base, rows))


def test_a_model_without_weights_is_fitted_on_rows_drawn_by_weight() -> None:
    train, test = sets()
    names = [f"f{i}" for i in range(8)]
    model = KNeighborsClassifier(5).fit(train.select(names).to_numpy(), train["label"].to_numpy())
    facts = facts_of(train, test, model)
    predicted = facts["train_predicted"].argmax(axis=1)
    assert (predicted[RUBBISH:] == facts["train_y"][RUBBISH:]).mean() > 0.8, "wrong rows of weight 0 were learnt"


def test_the_report_says_what_was_weighted() -> None:
    report = holdfast.audit(*sets(), target="label", only=["PER001"], quick=True)
    assert report.record.model["row_weights"] == "sample_weight"
    assert any("sample_weight" in line and "count every row once" in line for line in report.record.left_out)


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ([1.0, -2.0] * 150, "row 1 is -2.0; expected weights >= 0"),
        (["a", "b"] * 150, "holds String values; expected numbers"),
        ([0.0] * 300, "no weight above 0"),
    ],
)
def test_bad_weights_are_refused(column: list, match: str) -> None:
    train, test = sets()
    with pytest.raises(InputError, match=match):
        load(train.with_columns(pl.Series("w", column)), test, target="label", roles={"w": "weight"})


def test_a_given_weight_column_goes_before_a_guessed_one_and_two_are_refused() -> None:
    train, test = sets()
    train = train.with_columns(w=pl.lit(1.0))
    assert weight_column(load(train, test, target="label", roles={"w": "weight"})) == "w"
    with pytest.raises(InputError, match="2 columns have the role weight"):
        load(train, test, target="label", roles={"w": "weight", "f0": "weight"})
