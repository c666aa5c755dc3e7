"""The audited model: what it is fitted on, what it predicts, and what other kinds of model say of the labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.check import NotApplicable
from holdfast.audit.encode import COMPONENTS, Encoder
from holdfast.audit.facts.inputs import model_inputs
from holdfast.audit.fitting import make_folds, out_of_fold, row_loss, tied_rows
from holdfast.audit.load import Task
from holdfast.audit.members import VOTED, Members, kinds_for
from holdfast.audit.models import Fitted, Model, ProbeModel, UserModel
from holdfast.audit.records import ColumnRecord
from holdfast.audit.settings import Settings


class Judged(NamedTuple):
    """Rows that judge refits: what the model reads, labels where there are any, training positions to fit on."""

    inputs: Any
    y: np.ndarray | None
    outside: np.ndarray


def model(given_model: Any, task: Task, features: tuple[ColumnRecord, ...], encoder: Encoder) -> Model:
    """The user's model, or the probe model of the house."""
    if given_model is not None:
        return UserModel(given_model, tuple(column.name for column in features), task.classes)
    kinds = {column.kind for column in features}
    linear = any(kinds <= {kind} for kind in COMPONENTS)
    return ProbeModel(len(task.classes), tuple(encoder.is_categorical), linear)


def train_inputs(model: Model, features: tuple[ColumnRecord, ...], encoder: Encoder, train_cells: pl.DataFrame) -> Any:
    """What the model is fitted on: a matrix, a sparse matrix of words, or the user's columns."""
    return model_inputs(model, features, encoder, train_cells)


def test_inputs(model: Model, features: tuple[ColumnRecord, ...], encoder: Encoder, test_cells: pl.DataFrame) -> Any:
    """What the model predicts on."""
    return model_inputs(model, features, encoder, test_cells)


def fitted(
    given_model: Any, model: Model, train_inputs: Any, train_y: np.ndarray, train_weight: Any, settings: Settings
) -> Fitted:
    """The model fitted on all training rows; the user's own fit where one was given."""
    if isinstance(model, UserModel):
        return model.as_given()
    return model.fit(train_inputs, train_y, train_weight, settings.seed)


def folds(
    train_rows: np.ndarray, train_y: np.ndarray, train_embedding: np.ndarray, train_group: Any, settings: Settings
) -> np.ndarray:
    """(n,) fold numbers, balanced over classes; copies of a row and rows of a group stay in one fold."""
    if len(train_rows) < 2 * settings.folds:
        raise NotApplicable(
            f"{len(train_rows)} labelled training rows; at least {2 * settings.folds} are needed to learn and judge"
        )
    return make_folds(train_y, tied_rows(train_embedding, train_group), settings.folds, settings.seed)


def train_predicted(
    model: Model, train_inputs: Any, train_y: np.ndarray, train_weight: Any, folds: np.ndarray, settings: Settings
) -> np.ndarray:
    """Out-of-fold predictions on the training rows: (n, k) probabilities or (n,) numbers."""
    return out_of_fold(model, train_inputs, train_y, folds, settings.seed, train_weight)


def own_test_predicted(fitted: Fitted, test_inputs: Any) -> np.ndarray:
    """Predictions on the test rows by the model that `train_predicted` is of."""
    return fitted.predict(test_inputs)


def test_predicted(given_proba: np.ndarray | None, own_test_predicted: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
    """Predictions on the test rows; the user's own where they were given."""
    return own_test_predicted if given_proba is None else given_proba[test_rows]


def is_comparable(given_proba: np.ndarray | None) -> bool:
    """True where training and test predictions are of one model, so that they may be compared."""
    if given_proba is not None:
        raise NotApplicable(
            "the predictions on the test rows were given, and there are none of the same model on the training rows to "
            "compare them with: give the model itself (model) to have both"
        )
    return True


def train_probs(classes: tuple[str, ...], train_predicted: np.ndarray) -> np.ndarray:
    """(n, k) out-of-fold probabilities; only where the target is a class."""
    return train_predicted


def own_test_probs(classes: tuple[str, ...], own_test_predicted: np.ndarray) -> np.ndarray:
    """(m, k) probabilities on the test rows by the model that `train_probs` is of."""
    return own_test_predicted


def test_probs(classes: tuple[str, ...], test_predicted: np.ndarray) -> np.ndarray:
    """(m, k) probabilities on the test rows; only where the target is a class."""
    return test_predicted


def train_loss(train_predicted: np.ndarray, train_y: np.ndarray, task: Task) -> np.ndarray:
    """(n,) out-of-fold loss of every training row: 1 - accuracy per row, or the absolute error."""
    return row_loss(train_predicted, train_y, task)


def test_loss(test_predicted: np.ndarray, test_y: np.ndarray, task: Task) -> np.ndarray:
    """(m,) loss of every test row: 1 where the prediction is wrong, or the absolute error."""
    return row_loss(test_predicted, test_y, task)


def train_members(
    classes: tuple[str, ...],
    train_embedding: np.ndarray,
    train_y: np.ndarray,
    settings: Settings,
) -> Members:
    """Out-of-fold probabilities by kind of model, beside those of the audited one; a kind is fitted when asked for."""
    return Members(train_embedding.astype(np.float64), train_y, len(classes), settings.folds, settings.seed)


def train_votes(train_members: Members, train_y: np.ndarray, train_probs: np.ndarray, settings: Settings) -> np.ndarray:
    """(n, k) out-of-fold probabilities for judging labels: the mean of model kinds that make different mistakes.

    Beyond `VOTED` rows the model's own probabilities alone: more rows make up for fewer kinds of model.
    """
    n = len(train_y)
    if n > VOTED or n < 4 * settings.folds or len(np.unique(train_y)) < 2:
        return train_probs
    kinds = kinds_for(n)
    return (len(kinds) * train_members.mean(kinds) + train_probs) / (len(kinds) + 1)


def train_scale(
    task: Task, model: Model, train_inputs: Any, train_y: np.ndarray, train_weight: Any, train_predicted: np.ndarray,
    folds: np.ndarray, settings: Settings,
) -> np.ndarray:  # fmt: skip
    """(n,) expected absolute residual of a numeric target at every training row, out of fold."""
    if task.kind != "regression":
        raise NotApplicable("the target is not a number")
    residual = np.abs(train_y - train_predicted)
    return np.maximum(out_of_fold(model, train_inputs, residual, folds, settings.seed, train_weight), 0.0)


def scale_fitted(
    task: Task, model: Model, train_inputs: Any, train_y: np.ndarray, train_weight: Any, train_predicted: np.ndarray,
    settings: Settings,
) -> Fitted:  # fmt: skip
    """A model of the absolute residual of a numeric target."""
    if task.kind != "regression":
        raise NotApplicable("the target is not a number")
    return model.fit(train_inputs, np.abs(train_y - train_predicted), train_weight, settings.seed)


def test_scale(scale_fitted: Fitted, test_inputs: Any) -> np.ndarray:
    """(m,) expected absolute residual of a numeric target at every test row."""
    return np.maximum(scale_fitted.predict(test_inputs), 0.0)


def judged(
    train_inputs: Any, train_y: np.ndarray, folds: np.ndarray, test_inputs: Any = None, test_y: Any = None
) -> Judged:
    """The test rows where there are any, else one fold of the training rows, which is then kept out of the fits."""
    if test_inputs is not None:
        return Judged(test_inputs, test_y, np.arange(len(train_y)))
    inside = np.flatnonzero(folds == 0)
    return Judged(train_inputs[inside], train_y[inside], np.flatnonzero(folds != 0))
