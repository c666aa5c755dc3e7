"""The model of a repair: the user's own, or the probe model as a scikit-learn pipeline, fitted on the repaired rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.models import ProbeModel, UserModel
from holdfast.audit.records import ColumnRecord
from holdfast.audit.repair import Lesson
from holdfast.ops.relevance import WIDE
from holdfast.verify.plan import Candidate
from holdfast.verify.trial import Trial

PLAIN = ("number", "boolean", "category")


def refitted(trial: Trial, applied: Sequence[Candidate]) -> tuple[Any, str]:
    """The fitted model, or None and in words why there is none.

    Nothing is fitted where no remedy changed what a model learns. Steps after the model (a recalibration, an average of
    several) are not part of it: they stand in the ledger.
    """
    changes = [one for one in applied if one.kind == "model"]
    if not changes:
        return None, "no remedy changed what a model learns"
    trial, others = trial.without_renames(changes)
    remedies = [one.remedy for one in others]
    lesson, model = trial.room.lesson(*remedies), trial.room.model
    if isinstance(model, UserModel):
        fitted = model.fit(trial.room.inputs[lesson.positions], lesson.y, lesson.weight, trial.seed)
        return getattr(fitted, "estimator", None), ""
    assert isinstance(model, ProbeModel)
    facts = trial.case.facts
    if reason := _not_portable(facts["features"]):
        return None, reason
    return _as_pipeline(facts["features"], facts["train_cells"], lesson, model, _labels(trial, lesson), trial.seed), ""


def _not_portable(features: Sequence[ColumnRecord]) -> str:
    """Why the probe model cannot be written; empty where it can."""
    others = sorted({column.kind for column in features} - set(PLAIN))
    if others:
        return f"the probe model reads columns of kind {', '.join(others)} in a way of its own; fit your own model"
    if len(features) > WIDE:
        return f"the probe model chooses among {len(features):,} columns anew in each fit; fit your own model"
    return ""


def _labels(trial: Trial, lesson: Lesson) -> np.ndarray:
    """Labels as the file has them: what `predict` of the pipeline will say."""
    classes = trial.case.loaded.task.classes
    if not classes:
        return lesson.y
    column = trial.case.facts["train_table"][str(trial.case.loaded.task.target)]
    given = {str(value): value for value in column.drop_nulls().unique().to_list()}
    return np.array([given.get(name, name) for name in classes])[lesson.y]


def _as_pipeline(
    features: Sequence[ColumnRecord],
    cells: pl.DataFrame,
    lesson: Lesson,
    model: ProbeModel,
    labels: np.ndarray,
    seed: int,
) -> Any:
    """Columns by name, categories as codes, the probe's booster: nothing but scikit-learn's own types."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    kept = [column for place, column in enumerate(features) if place not in lesson.dropped]
    numbers = [column.name for column in kept if column.kind != "category"]
    categories = [column.name for column in kept if column.kind == "category"]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    parts = [("numbers", "passthrough", numbers), ("categories", codes, categories)]
    columns = ColumnTransformer([part for part in parts if part[2]])
    flags = np.array([False] * len(numbers) + [True] * len(categories))
    booster = ProbeModel(model.n_classes, tuple(flags)).booster(len(labels), np.arange(len(flags)), seed)
    rows = _learnt(cells[lesson.positions], [column.name for column in features], lesson, seed)
    table = rows.select(numbers + categories).to_pandas()
    return Pipeline([("columns", columns), ("model", booster)]).fit(table, labels, model__sample_weight=lesson.weight)


def _learnt(cells: pl.DataFrame, names: Sequence[str], lesson: Lesson, seed: int) -> pl.DataFrame:
    """The cells with values hidden and filled as the remedies say."""
    rng = np.random.default_rng([seed, 3])
    for place, share in lesson.hidden:
        gone = pl.Series(rng.random(cells.height) < share)
        cells = cells.with_columns(pl.when(gone).then(None).otherwise(pl.col(names[place])).alias(names[place]))
    for place, value in lesson.filled:
        column = cells[names[place]]
        usual = column.drop_nulls().mode().sort()[0] if column.dtype == pl.String else value
        cells = cells.with_columns(column.fill_null(usual))
    return cells
