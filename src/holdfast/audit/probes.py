"""The facts that checks read: computed when first asked for, once, and handed out read-only.

Every public function below is a fact; its arguments are other facts. `train_...` and `test_...` are rows that models
use: rows with a label, a random `max_rows` of them where there are more. `train_rows[i]` is the row number in the
file of position `i`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from copy import copy
from functools import cache
from inspect import Parameter, getmembers, isfunction, signature
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.check import NotApplicable
from holdfast.audit.encode import COMPONENTS, Encoder
from holdfast.audit.fitting import make_folds, out_of_fold, row_loss, tied_rows
from holdfast.audit.load import DataSet, InputError, Loaded, Task, encode_target, row_weights
from holdfast.audit.members import VOTED, Members, kinds_for
from holdfast.audit.models import Fitted, Model, ProbeModel, UserModel
from holdfast.audit.records import ColumnRecord
from holdfast.audit.settings import Settings
from holdfast.ops.metrics import METRICS, Metric
from holdfast.ops.neighbours import NeighbourGraph, nearest_neighbours

NEIGHBOURS = 10
# Facts that are read off the tables and cost next to nothing: compared by value where the tables change.
READ = (
    "task", "classes", "metric", "columns", "features", "train_set", "test_set", "train_target",
    "test_target", "train_rows", "test_rows", "train_table", "test_table", "train_cells", "test_cells", "train_y",
    "test_y", "train_weight", "test_weight", "train_group",
)  # fmt: skip


class Judged(NamedTuple):
    """Rows that judge refits: what the model reads, labels where there are any, training positions to fit on."""

    inputs: Any
    y: np.ndarray | None
    outside: np.ndarray


class Probes:
    """Facts by name. A fact that could not be had raises the same exception every time it is asked for."""

    def __init__(self, **given: Any) -> None:
        self._known: dict[str, Any] = given
        self._failed: dict[str, Exception] = {}
        self._functions = _functions()

    def __getitem__(self, name: str) -> Any:
        if name == "facts":  # all of them, for a method that says only when it is chosen what it reads
            return self
        if name in self._failed:
            raise copy(self._failed[name])
        if name not in self._known:
            if name not in self._functions:
                raise KeyError(f"no fact named {name!r}; there are: {', '.join([*self._known, *self._functions])}")
            try:
                self._known[name] = _locked(self._functions[name](**self.of(self._functions[name])))
            except (NotApplicable, InputError) as problem:
                self._failed[name] = copy(problem)  # its trace would hold these facts, and they it
                raise
        return self._known[name]

    def of(self, reader: Callable[..., Any]) -> dict[str, Any]:
        """The facts that a function or bound method names as arguments; one with a default may be missing."""
        return {name: self._optional(name, part.default) for name, part in signature(reader).parameters.items()}

    def _optional(self, name: str, default: Any) -> Any:
        if default is Parameter.empty:
            return self[name]
        try:
            return self[name]
        except NotApplicable:
            return default

    def with_tables(self, loaded: Loaded, settings: Settings) -> Probes:
        """The same facts over other tables of the same task.

        What is read off the tables is read again; where it comes out equal, what was derived from it is kept. A change
        of labels keeps the encoder, the neighbours and the test matrix; a change of the test set keeps every fit.
        `settings` may differ in what is shown, not in what is computed.
        """
        given = {name: self._known[name] for name in ("given_model", "given_proba") if name in self._known}
        fresh = Probes(**given, loaded=loaded, settings=settings)
        changed = {name for name in READ if not self._agrees(name, fresh)}
        for ours, theirs in ((self._known, fresh._known), (self._failed, fresh._failed)):
            kept = {name: value for name, value in ours.items() if name not in READ and not _reads(name) & changed}
            theirs.update({name: value for name, value in kept.items() if name not in theirs})
        if given.get("given_proba") is not None and changed & {"test_rows", "test_cells"}:
            fresh._failed["test_predicted"] = NotApplicable("probabilities were given for the untouched test rows only")
        return fresh

    def _agrees(self, name: str, other: Probes) -> bool:
        """Whether a fact that somebody asked for comes out equal, or is missing, in both."""
        if name not in self._known and name not in self._failed:
            return True  # nothing rests on it yet
        return _equal(*(_try(facts, name) for facts in (self, other)))


@cache
def _reads(name: str) -> frozenset[str]:
    """The facts read off the tables that a fact is derived from; such a fact itself is judged by its value alone."""
    if name in READ:
        return frozenset([name])
    function = _functions().get(name)
    parts = signature(function).parameters if function else ()
    return frozenset().union(*map(_reads, parts))


def derived_from(asked: Iterable[str]) -> set[str]:
    """These facts and everything that they are derived from."""
    names: set[str] = set()
    waiting = list(asked)
    while waiting:
        name = waiting.pop()
        if name not in names and name in _functions():
            waiting += signature(_functions()[name]).parameters
        names.add(name)
    return names


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    module = sys.modules[__name__]
    members = getmembers(module, isfunction)
    return {name: made for name, made in members if made.__module__ == __name__ and not name.startswith("_")}


def _try(facts: Probes, name: str) -> Any:
    try:
        return facts[name]
    except (NotApplicable, InputError) as problem:
        return str(problem)


def _equal(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if isinstance(old, pl.DataFrame) and isinstance(new, pl.DataFrame):
        return old.schema == new.schema and old.equals(new)
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return old.dtype == new.dtype and np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    if isinstance(old, DataSet) and isinstance(new, DataSet):
        return _equal(old.frame, new.frame)
    if isinstance(old, tuple) and isinstance(new, tuple) and old and isinstance(old[0], ColumnRecord):
        return [(c.name, c.role, c.kind) for c in old] == [(c.name, c.role, c.kind) for c in new]
    return type(old) is type(new) and bool(old == new)


def _locked(value: Any) -> Any:
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, np.ndarray):
            part.flags.writeable = False
    return value


# --- what was read -----------------------------------------------------------------------------------------------
def task(loaded: Loaded) -> Task:
    """Kind of task, target, classes."""
    return loaded.task


def train_set(loaded: Loaded) -> DataSet:
    """The training set as read, every row."""
    return loaded.train


def test_set(loaded: Loaded) -> DataSet:
    """The test set as read, every row."""
    if loaded.test is None:
        raise NotApplicable("there is no test set")
    return loaded.test


def columns(loaded: Loaded) -> tuple[ColumnRecord, ...]:
    """Every column with its role and kind."""
    return loaded.columns


def features(loaded: Loaded) -> tuple[ColumnRecord, ...]:
    """The columns that models and distances use: features that both sets have and that hold something."""
    sets = [loaded.train] if loaded.test is None else [loaded.train, loaded.test]
    shared = set[str].intersection(*(set(data.frame.columns) for data in sets))
    usable = tuple(
        column
        for column in loaded.columns
        if column.role in ("feature", "text", "image", "embedding") and column.kind != "empty" and column.name in shared
    )
    if not usable:
        raise NotApplicable("no feature column is left to learn from")
    return usable


def classes(task: Task) -> tuple[str, ...]:
    """The class names."""
    if task.kind not in ("binary", "multiclass"):
        raise NotApplicable("the target is not a class" if task.kind == "regression" else "there is no target column")
    return task.classes


def metric(task: Task, settings: Settings) -> Metric:
    """The metric that findings are priced in."""
    if task.kind == "none":
        raise NotApplicable("there is no target column")
    family = "regression" if task.kind == "regression" else "classification"
    return METRICS[settings.metric or {"regression": "r2"}.get(family, "accuracy")]


# --- the rows that models use ------------------------------------------------------------------------------------
def train_target(loaded: Loaded) -> np.ndarray:
    """Labels of every training row: codes with -1 where missing, or numbers with NaN where missing."""
    if loaded.task.kind == "none":
        raise NotApplicable("there is no target column")
    return encode_target(loaded, "train")[0]


def test_target(loaded: Loaded, test_set: DataSet) -> np.ndarray:
    """Labels of every test row, -1 or NaN where missing or unseen in training."""
    if loaded.task.kind == "none":
        raise NotApplicable("there is no target column")
    if loaded.task.target not in test_set.frame.columns:
        raise NotApplicable("the test set has no labels")
    target = encode_target(loaded, "test")[0]
    if not _has_label(target).any():
        raise NotApplicable("the test set has no labels that occur in training")
    return target


def train_rows(loaded: Loaded, settings: Settings) -> np.ndarray:
    """File row numbers of the training rows that models use, ascending."""
    if loaded.task.kind == "none":
        return _sample(np.arange(loaded.train.frame.height), settings, 1)
    labelled = np.flatnonzero(_has_label(encode_target(loaded, "train")[0]))
    return _sample(labelled, settings, 1)


def test_rows(loaded: Loaded, test_set: DataSet, settings: Settings) -> np.ndarray:
    """File row numbers of the test rows that models use: the labelled ones where any is."""
    every = np.arange(test_set.frame.height)
    if loaded.task.target is None or loaded.task.target not in test_set.frame.columns:
        return _sample(every, settings, 2)
    labelled = np.flatnonzero(_has_label(encode_target(loaded, "test")[0]))
    return _sample(labelled if len(labelled) else every, settings, 2)


def train_table(train_set: DataSet, train_rows: np.ndarray) -> pl.DataFrame:
    """The training rows that models use, all columns."""
    return train_set.frame[train_rows]


def test_table(test_set: DataSet, test_rows: np.ndarray) -> pl.DataFrame:
    """The test rows that models use, all columns."""
    return test_set.frame[test_rows]


def train_cells(features: tuple[ColumnRecord, ...], train_table: pl.DataFrame) -> pl.DataFrame:
    """The feature columns of the training rows that models use."""
    return train_table.select([column.name for column in features])


def test_cells(features: tuple[ColumnRecord, ...], test_table: pl.DataFrame) -> pl.DataFrame:
    """The feature columns of the test rows that models use."""
    return test_table.select([column.name for column in features])


def train_y(train_target: np.ndarray, train_rows: np.ndarray) -> np.ndarray:
    """(n,) class codes or numbers of the training rows that models use."""
    return train_target[train_rows]


def test_y(test_target: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
    """(m,) class codes or numbers of the test rows that models use."""
    return test_target[test_rows]


def train_weight(loaded: Loaded, train_rows: np.ndarray) -> np.ndarray | None:
    """(n,) the user's weights of the training rows that models use; None without a weight column.

    They count in every fit of the audited model. Metrics, and models that only judge labels, count every row once.
    """
    weights = row_weights(loaded, "train")
    return None if weights is None else weights[train_rows]


def test_weight(loaded: Loaded, test_rows: np.ndarray) -> np.ndarray | None:
    """(m,) weights of the test rows, for fits that learn from them too; None without a weight column."""
    weights = row_weights(loaded, "test")
    return None if weights is None else weights[test_rows]


# --- arrays ------------------------------------------------------------------------------------------------------
def encoder(features: tuple[ColumnRecord, ...], train_cells: pl.DataFrame, settings: Settings) -> Encoder:
    """The encoder learnt on the training rows."""
    return Encoder(features).fit(train_cells, settings.seed)


def train_X(encoder: Encoder, train_cells: pl.DataFrame) -> np.ndarray:
    """(n, d) model matrix, NaN = missing, categories as codes."""
    return encoder.encode(train_cells)


def test_X(encoder: Encoder, test_cells: pl.DataFrame) -> np.ndarray:
    """(m, d) model matrix of the test rows."""
    return encoder.encode(test_cells)


def train_embedding(encoder: Encoder, train_cells: pl.DataFrame) -> np.ndarray:
    """(n, e) float32 coordinates for distances."""
    return encoder.embed(train_cells)


def test_embedding(encoder: Encoder, test_cells: pl.DataFrame) -> np.ndarray:
    """(m, e) float32 coordinates of the test rows."""
    return encoder.embed(test_cells)


def common_encoder(
    features: tuple[ColumnRecord, ...], encoder: Encoder, train_cells: pl.DataFrame, test_cells: pl.DataFrame,
    settings: Settings,
) -> Encoder:  # fmt: skip
    """The encoder for comparing the sets: components of texts, pictures and vectors are learnt on the rows of both.

    Those of one set fit its own rows better than any others, so that equal sets would be told apart.
    """
    if not encoder.parts:
        return encoder
    names = [column.name for column in features]
    both = pl.concat([train_cells.select(names), test_cells.select(names)], how="vertical_relaxed")
    return Encoder(features).fit(both, settings.seed)


def ref_X(common_encoder: Encoder, encoder: Encoder, train_X: np.ndarray, train_cells: pl.DataFrame) -> np.ndarray:
    """(n, d) the training rows by the common encoder."""
    return train_X if common_encoder is encoder else common_encoder.encode(train_cells)


def cur_X(common_encoder: Encoder, encoder: Encoder, test_X: np.ndarray, test_cells: pl.DataFrame) -> np.ndarray:
    """(m, d) the test rows by the common encoder."""
    return test_X if common_encoder is encoder else common_encoder.encode(test_cells)


def ref_embedding(
    common_encoder: Encoder, encoder: Encoder, train_embedding: np.ndarray, train_cells: pl.DataFrame
) -> np.ndarray:
    """(n, e) float32 coordinates of the training rows by the common encoder."""
    return train_embedding if common_encoder is encoder else common_encoder.embed(train_cells)


def cur_embedding(
    common_encoder: Encoder, encoder: Encoder, test_embedding: np.ndarray, test_cells: pl.DataFrame
) -> np.ndarray:
    """(m, e) float32 coordinates of the test rows by the common encoder."""
    return test_embedding if common_encoder is encoder else common_encoder.embed(test_cells)


def train_neighbours(train_embedding: np.ndarray, settings: Settings) -> NeighbourGraph:
    """The nearest other training rows of every training row."""
    if len(train_embedding) < 3:
        raise NotApplicable("fewer than three training rows")
    return nearest_neighbours(train_embedding, min(NEIGHBOURS, len(train_embedding) - 1), seed=settings.seed)


# --- the model ---------------------------------------------------------------------------------------------------
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


def train_group(loaded: Loaded, train_table: pl.DataFrame) -> np.ndarray | None:
    """(n,) codes of the group column in training, None where there is none or only one group."""
    return _group_codes(loaded, train_table)


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


# --- shared steps ------------------------------------------------------------------------------------------------
def _has_label(target: np.ndarray) -> np.ndarray:
    return target >= 0 if target.dtype.kind == "i" else np.isfinite(target)


def _sample(rows: np.ndarray, settings: Settings, stream: int) -> np.ndarray:
    if len(rows) <= settings.max_rows:
        return rows
    rng = np.random.default_rng([settings.seed, stream])
    return np.sort(rng.choice(rows, settings.max_rows, replace=False))


def recoded_inputs(facts: Any, recoded: tuple[tuple[str, str, str], ...]) -> Any:
    """The test rows as the model is given them, with categories under other names: (column, old, new)."""
    cells = facts["test_cells"]
    for column in dict.fromkeys(name for name, _, _ in recoded):
        names = {old: new for name, old, new in recoded if name == column}
        cells = cells.with_columns(pl.col(column).cast(pl.String).replace(names).cast(cells.schema[column]))
    return model_inputs(facts["model"], facts["features"], facts["encoder"], cells)


def model_inputs(model: Model, features: tuple[ColumnRecord, ...], encoder: Encoder, table: pl.DataFrame) -> Any:
    """Rows as the model is given them."""
    if isinstance(model, UserModel):
        return table
    if isinstance(model, ProbeModel) and model.linear and all(column.kind == "text" for column in features):
        from scipy.sparse import hstack

        return hstack([encoder.parts[column.name].sparse(table[column.name]) for column in features], format="csr")
    return encoder.encode(table)


def _group_codes(loaded: Loaded, table: pl.DataFrame) -> np.ndarray | None:
    names = [column.name for column in loaded.columns if column.role == "group" and column.name in table.columns]
    if not names:
        return None
    codes = table.select(pl.struct(names).rank("dense")).to_series().fill_null(0).to_numpy().astype(np.int64)
    return codes if len(np.unique(codes)) > 1 else None
