"""The model whose performance an audit prices: a probe model of the house, or the user's own.

Both answer to two calls: `fit(rows, y, weight, seed)` gives a fitted copy, and `predict(rows)` of that copy gives
(n, k) class probabilities in the order of the task's classes, or (n,) numbers for a numeric target.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl

from holdfast.audit.check import NotApplicable
from holdfast.audit.load import InputError
from holdfast.audit.load.vectors import is_embedding, to_matrix
from holdfast.ops.relevance import KEPT, WIDE, most_relevant
from holdfast.ops.weighted_bins import SAMPLED, WeightedBins, weighted_bins

MANY_ROWS = 20_000  # from here on a second thread pays


class Fitted(Protocol):
    """A fitted model."""

    def predict(self, rows: Any) -> np.ndarray:
        """(n, k) probabilities or (n,) numbers."""
        ...


class Model(Protocol):
    """A model that can be fitted again: pricing does little else."""

    @property
    def name(self) -> str:
        """What the report calls it."""
        ...

    def fit(self, rows: Any, y: np.ndarray, weight: np.ndarray | None, seed: int) -> Fitted:
        """A fitted copy."""
        ...


@dataclass(frozen=True)
class ProbeModel:
    """Histogram boosting for tables, a linear model for text or images alone.

    Small tables get a slower, more regularised booster: on a few hundred rows the library's default overfits. Of more
    than `WIDE` columns, each fit chooses `KEPT` on the rows that it learns from, never on those that judge it.
    """

    n_classes: int  # 0 = numeric target
    is_categorical: tuple[bool, ...]
    linear: bool = False

    @property
    def name(self) -> str:
        """What the report calls it."""
        kind = "linear model" if self.linear else "histogram gradient boosting"
        width = len(self.is_categorical)
        chosen = f" on the {KEPT} of {width:,} columns that tell most about the target, chosen in each fit,"
        return f"{kind}{chosen if not self.linear and width > WIDE else ''} fitted by Holdfast (scikit-learn)"

    def fit(self, rows: Any, y: np.ndarray, weight: np.ndarray | None, seed: int) -> Fitted:
        """A fitted copy; rows are what `Probes.train_rows` holds."""
        if self.n_classes and len(np.unique(y)) == 1:
            return _Constant(int(y[0]), self.n_classes)
        if self.linear:
            return _Fitted(self._linear(seed).fit(rows, y, sample_weight=weight), self.n_classes)
        seen = np.flatnonzero(~np.isnan(rows).all(axis=0))  # histogram boosting refuses a column without any value
        if not len(seen):
            seen, rows = np.zeros(1, dtype=int), np.zeros((len(y), 1))
        if len(seen) > WIDE:
            seen = seen[most_relevant(rows[:, seen], y, np.array(self.is_categorical)[seen], self.n_classes, weight)]
        estimator = self.booster(len(y), seen, seed)  # made first: only a library that is loaded can be limited
        bins, rows = None, rows[:, seen]
        if weight is not None and len(y) <= SAMPLED:
            bins = weighted_bins(rows, weight, np.array(self.is_categorical, dtype=bool)[seen])
            rows = bins.codes(rows)
        with _threads(len(y)):
            estimator.fit(rows, y, sample_weight=weight)
        return _Fitted(estimator, self.n_classes, seen, bins)

    def booster(self, n: int, seen: np.ndarray, seed: int) -> Any:
        """The estimator for n rows and the columns at `seen`, not yet fitted."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        settings: dict[str, Any] = {
            "categorical_features": np.array(self.is_categorical, dtype=bool)[seen],
            "early_stopping": False,
            "random_state": seed,
            "max_iter": 100 if self.n_classes <= 10 else 30,
        }
        if n < 2_000:
            settings |= {"learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 10, "l2_regularization": 1.0}
        if self.n_classes:
            return HistGradientBoostingClassifier(**settings)
        return HistGradientBoostingRegressor(**settings)

    def _linear(self, seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge

        if self.n_classes:
            return LogisticRegression(C=10.0, max_iter=200, random_state=seed)
        return Ridge(alpha=1.0, random_state=seed)


def _threads(n: int) -> AbstractContextManager[Any]:
    """One thread for few rows: on a busy machine, threads that wait for each other took 300 times as long."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "openmp") if n < MANY_ROWS else nullcontext()


@dataclass(frozen=True)
class _Constant:
    """Only one class was left to learn from."""

    label: int
    n_classes: int

    def predict(self, rows: Any) -> np.ndarray:
        probs = np.zeros((rows.shape[0], self.n_classes))
        probs[:, self.label] = 1.0
        return probs


@dataclass(frozen=True)
class _Fitted:
    """Aligns an estimator's classes with the task's."""

    estimator: Any
    n_classes: int
    columns: np.ndarray | None = None  # None = all
    bins: WeightedBins | None = None

    def predict(self, rows: Any) -> np.ndarray:
        rows = rows if self.columns is None else rows[:, self.columns]
        rows = rows if self.bins is None else self.bins.codes(rows)
        if not self.n_classes:
            with _threads(rows.shape[0]):
                return np.asarray(self.estimator.predict(rows), dtype=np.float64)
        seen = np.asarray(self.estimator.classes_).astype(int)
        probs = np.zeros((rows.shape[0], self.n_classes))
        with _threads(rows.shape[0]):
            probs[:, seen] = self.estimator.predict_proba(rows)
        return probs


@dataclass(frozen=True)
class UserModel:
    """A fitted scikit-learn compatible model of the user's; `fit` refits a clone on the user's columns.

    `rows` are polars frames here: the model is handed pandas where it was fitted with column names, else numpy.
    """

    estimator: Any
    columns: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"{type(self.estimator).__name__} (given)"

    def fit(self, rows: pl.DataFrame, y: np.ndarray, weight: np.ndarray | None, seed: int) -> Fitted:
        """Refit a clone; a model that takes no row weights is refitted on rows drawn by weight."""
        from sklearn.base import clone

        if not hasattr(self.estimator, "get_params"):
            raise NotApplicable(f"a {type(self.estimator).__name__} can predict but not be fitted again")
        estimator = clone(self.estimator)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        labels = np.array(self._labels())[y] if self.classes else y
        weigh = _weight_argument(estimator)
        if weight is not None and weigh is None:
            drawn = np.random.default_rng(seed).choice(len(y), len(y), p=weight / weight.sum())
            rows, labels, weight = rows[drawn], labels[drawn], None
        settings = {} if weight is None or weigh is None else {weigh: weight}
        estimator.fit(self._hand_over(rows), labels, **settings)
        return _User(estimator, self)

    def as_given(self) -> Fitted:
        """The user's own fitted model."""
        return _User(self.estimator, self)

    def _labels(self) -> list[Any]:
        given = getattr(self.estimator, "classes_", None)
        if given is None:
            return list(self.classes)
        by_text = {_plain_text(value): value for value in np.asarray(given).tolist()}
        unknown = [name for name in self.classes if name not in by_text]
        if unknown:
            raise InputError(
                f"the model knows the classes {sorted(by_text)}, but the data also hold {unknown}. "
                "Give a model that was fitted on these labels."
            )
        return [by_text[name] for name in self.classes]

    def _hand_over(self, rows: pl.DataFrame) -> Any:
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is not None:
            absent = [str(name) for name in names if name not in rows.columns]
            if absent:
                raise InputError(f"the model was fitted with columns {absent} that the data do not have.")
            return rows.select([str(name) for name in names]).to_pandas()
        if any(is_embedding(rows[name]) for name in self.columns):  # vectors beside numbers: one wide matrix
            return np.column_stack([_plain_block(rows[name]) for name in self.columns])
        return rows.select(self.columns).to_numpy()


@dataclass(frozen=True)
class _User:
    estimator: Any
    spec: UserModel

    def predict(self, rows: pl.DataFrame) -> np.ndarray:
        X = self.spec._hand_over(rows)
        try:
            return self._predict(X)
        except InputError:
            raise
        except Exception as problem:
            raise InputError(
                f"the given model {type(self.estimator).__name__} cannot predict these rows: {problem}. "
                "Give a model that was fitted on the same columns, a Pipeline where columns need encoding."
            ) from problem

    def _predict(self, X: Any) -> np.ndarray:
        if not self.spec.classes:
            return np.asarray(self.estimator.predict(X), dtype=np.float64)
        known = [_plain_text(value) for value in np.asarray(self.estimator.classes_).tolist()]
        places = [self.spec.classes.index(name) if name in self.spec.classes else -1 for name in known]
        probs = np.zeros((len(X), len(self.spec.classes)))
        if hasattr(self.estimator, "predict_proba"):
            given = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        else:
            answers = [_plain_text(value) for value in np.asarray(self.estimator.predict(X)).tolist()]
            given = np.array([[float(name == answer) for name in known] for answer in answers])
        kept = [i for i, place in enumerate(places) if place >= 0]
        probs[:, [places[i] for i in kept]] = given[:, kept]
        return probs / np.maximum(probs.sum(axis=1, keepdims=True), 1e-12)


def _plain_block(column: pl.Series) -> np.ndarray:
    return to_matrix(column) if is_embedding(column) else column.to_numpy()[:, None]


def _plain_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _weight_argument(estimator: Any) -> str | None:
    """What `fit` calls row weights; a Pipeline hands them to its last step. None where it takes none."""
    from sklearn.utils.validation import has_fit_parameter

    steps = getattr(estimator, "steps", None)
    if steps and has_fit_parameter(steps[-1][1], "sample_weight"):
        return f"{steps[-1][0]}__sample_weight"
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None
