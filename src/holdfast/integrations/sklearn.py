"""scikit-learn: a meta-estimator that repairs the rows its estimator is fitted on, inside `fit` and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier, is_regressor
from sklearn.utils import _safe_indexing, check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

ROWS = ("drop_rows", "reweight_rows", "balance_classes")  # the remedies of rows that invent no label
LEAST_ROWS = 20  # with fewer, no check can tell a fault from chance


_FINITE = {
    name: "allow-nan" for name in ("ensure_all_finite", "force_all_finite") if name in signature(check_array).parameters
}


def _fitted_has(method: str) -> Callable[[Any], bool]:
    """A method is there where the wrapped estimator has it."""

    def has(repairer: Any) -> bool:
        getattr(getattr(repairer, "estimator_", repairer.estimator), method)
        return True

    return has


class Repairer(MetaEstimatorMixin, BaseEstimator):
    """Audits the rows that `fit` is given, repairs a copy of them, and fits the wrapped estimator on it.

    Inside cross-validation every fold is audited alone: no row that judges is ever looked at, changed or left out, so
    that scores with and without repair can be compared. It clones, and works in `Pipeline` and `GridSearchCV`.

    Parameters
    ----------
    estimator
        What is fitted on the repaired rows.
    checks
        Codes of the audit's checks whose row remedies are applied: LAB001 (doubtful labels), DUP001 (copies), SLI001
        (weak slices), IMB001 (rare classes): whatever proposes to drop or reweight training rows. Labels are never
        changed.
    only_if_pays
        Apply a remedy only where refits inside the training fold show that it surely gains (the whole interval of its
        price above zero). Slower: models are fitted again.
    also_unsure
        Apply the remedies of findings that are unsure too: with few rows, where every row counts and a check can rarely
        be sure, let cross-validation decide.
    roles
        Roles of columns where the guess is wrong, as for `holdfast.audit`.
    metric
        What remedies are priced in, as for `holdfast.audit`.
    seed
        Seed of every random choice of the audit.

    Attributes
    ----------
    estimator_
        The fitted estimator.
    kept_
        (n,) bool, false for the rows of `fit` that were dropped.
    weight_
        (n,) float weights that the repair gives the rows, or None where it gives none.
    applied_
        The remedies that were applied, as `holdfast.audit.records.Remedy`.
    left_
        Why other remedies, or all, were not applied, in words.

    Fails when rows that look wrong are the rare ones the model must learn: compare scores with and without it, which
    is one `GridSearchCV` over `checks`. Sparse matrices are refused.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> wrong = np.random.default_rng(0).choice(len(y), 60, replace=False)
    >>> y[wrong] = 1 - y[wrong]
    >>> model = Repairer(DecisionTreeClassifier(random_state=0), checks=("LAB001",)).fit(X, y)
    >>> dropped = np.flatnonzero(~model.kept_)
    >>> bool(np.isin(dropped, wrong).mean() > 0.9), bool(np.isin(wrong, dropped).mean() > 0.5)
    (True, True)
    """

    def __init__(
        self,
        estimator: Any,
        checks: Sequence[str] = ("LAB001", "DUP001"),
        only_if_pays: bool = False,
        also_unsure: bool = False,
        roles: Mapping[str, str] | None = None,
        metric: str | None = None,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.checks = checks
        self.only_if_pays = only_if_pays
        self.also_unsure = also_unsure
        self.roles = roles
        self.metric = metric
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> Repairer:
        """Audit and repair the rows, fit a clone of the estimator. `ValueError` where X or y cannot be used."""
        X, labels = self._checked(X, y)
        if sample_weight is not None:
            sample_weight = check_array(sample_weight, ensure_2d=False, dtype=float, input_name="sample_weight")
            if sample_weight.shape != labels.shape:
                raise ValueError(f"Sample weights must be 1D, one a row: {sample_weight.shape} for {len(labels)} rows.")
        self.kept_ = np.ones(len(labels), bool)
        self.weight_: np.ndarray | None = None
        self.applied_: list[Any] = []
        self.left_: list[str] = []
        for remedy in self._remedies(X, labels):
            self._apply(remedy, labels)
        weight = _product(sample_weight, self.weight_)
        rows = np.flatnonzero(self.kept_)
        if weight is not None:
            fit_params = {**fit_params, "sample_weight": weight[rows]}
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(_safe_indexing(X, rows), labels[rows], **fit_params)
        return self

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None: repairs are judged by labels.")
        if not hasattr(X, "columns"):
            X = check_array(X, dtype=None, **_FINITE)
        check_consistent_length(X, y)
        if is_classifier(self.estimator):
            check_classification_targets(y)
        return X, column_or_1d(y, warn=True)

    def _remedies(self, X: Any, labels: np.ndarray) -> list[Any]:
        """What the audit proposes for the rows; nothing, with the reason, where there is nothing to judge by."""
        import holdfast
        from holdfast.audit.load import InputError

        if not self.checks:
            return []
        if len(labels) < LEAST_ROWS:
            self.left_.append(f"{len(labels)} rows are too few to audit")
            return []
        frame, target = _frame(X, labels, is_classifier(self.estimator))
        given = {} if hasattr(X, "columns") else {name: "feature" for name in frame if name != target}
        task = "regression" if is_regressor(self.estimator) else "classification"
        try:
            report = holdfast.audit(
                frame, target=target, only=tuple(self.checks), roles={**given, **(self.roles or {})}, seed=self.seed,
                quick=not self.only_if_pays, metric=self.metric, task=task,
            )  # fmt: skip
        except InputError as problem:
            if "no check" in str(problem) or "metric" in str(problem):
                raise
            self.left_.append(str(problem))
            return []
        return [remedy for finding in report.findings if (remedy := self._chosen(finding)) is not None]

    def _chosen(self, finding: Any) -> Any:
        """The remedy of a finding that may be applied: the priced one, else the first safe one."""
        if finding.outcome not in (("found", "unsure") if self.also_unsure else ("found",)):
            if finding.outcome != "clear":
                self.left_.append(f"{finding.code}: {finding.outcome}: {finding.reason or finding.summary}")
            return None
        fitting = [r for r in finding.remedies if r.set == "train" and r.action in ROWS and r.safe]
        if self.only_if_pays:
            gain = finding.price.gain if finding.price else None
            if gain is None or gain.low <= 0:
                self.left_.append(f"{finding.code}: its remedy does not surely pay")
                return None
            fitting = [remedy for remedy in fitting if remedy.title == finding.price.remedy]
        if not fitting:
            self.left_.append(f"{finding.code}: it proposes nothing to drop or reweight")
            return None
        return fitting[0]

    def _apply(self, remedy: Any, labels: np.ndarray) -> None:
        rows = np.asarray(remedy.rows, dtype=np.int64)
        if remedy.action == "drop_rows":
            kept = self.kept_.copy()
            kept[rows] = False
            if is_classifier(self.estimator) and len(np.unique(labels[kept])) < len(np.unique(labels[self.kept_])):
                self.left_.append(f"{remedy.title}: a class would be left without rows")
                return
            self.kept_ = kept
        else:
            self.weight_ = _product(self.weight_, _weights(remedy, rows, labels))
        self.applied_.append(remedy)

    @property
    def classes_(self) -> np.ndarray:
        """The classes of the fitted estimator."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """How many columns `fit` saw."""
        return int(self.estimator_.n_features_in_)

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The names of the columns that `fit` saw, where they had any."""
        return self.estimator_.feature_names_in_

    @available_if(_fitted_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """The fitted estimator's predictions."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    @available_if(_fitted_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """The fitted estimator's (n, k) class probabilities."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @available_if(_fitted_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of the fitted estimator's class probabilities."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_log_proba(X)

    @available_if(_fitted_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """The fitted estimator's decision values."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    @available_if(_fitted_has("score"))
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The fitted estimator's score on rows as they are: nothing is repaired that judges."""
        check_is_fitted(self, "estimator_")
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(self.estimator_.score(X, y, **weights))

    @property
    def _estimator_type(self) -> Any:  # scikit-learn before 1.6
        return getattr(self.estimator, "_estimator_type", None)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type, tags.classifier_tags = inner.estimator_type, inner.classifier_tags
        tags.regressor_tags, tags.target_tags.required = inner.regressor_tags, True
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        return tags


def _frame(X: Any, labels: np.ndarray, is_class: bool) -> tuple[dict[str, Any], str]:
    """The rows as columns by name, with the labels beside them, and the name of the labels."""
    named = hasattr(X, "columns")
    columns = {str(name): X[name] for name in X.columns} if named else {f"x{i}": x for i, x in enumerate(X.T)}
    target = "target"
    while target in columns:
        target += "_"
    codes = np.char.add("class ", np.unique(labels, return_inverse=True)[1].astype(str)) if is_class else labels
    return {**columns, target: codes}, target


def _weights(remedy: Any, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    if remedy.action == "balance_classes":
        _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return (len(labels) / (len(counts) * counts))[codes]
    weight = np.ones(len(labels))
    weight[rows] = np.asarray(remedy.values, dtype=float)
    return weight


def _product(first: Any, second: Any) -> np.ndarray | None:
    given = [np.asarray(weight, dtype=float) for weight in (first, second) if weight is not None]
    return None if not given else np.prod(given, axis=0)
