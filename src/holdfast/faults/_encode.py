"""Feature columns as one standardised matrix, for faults that follow the shape of the data.

On purpose not the encoder of the audit: a fault that saw rows as the detectors do would flatter them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.faults._columns import numbers
from holdfast.faults._rows import column_of
from holdfast.faults._tables import CannotPlant, Tables

LEVELS = 12  # of a category get a column each; the rest share none
WORDS = 64  # buckets that the words of a text are counted in
SAMPLE = 20_000  # rows that the cheap model is fitted on


def encode(tables: Tables, frame: pl.DataFrame) -> np.ndarray:
    """(n, d) float64 of a frame: columns scaled by the training table, missing cells at its mean."""
    parts = []
    for name, kind in tables.kinds.items():
        if name != tables.target:
            train = column_of(tables.train, name)
            parts.append(_scaled(_part(train, kind, train), _part(column_of(frame, name), kind, train)))
    if not parts:
        raise CannotPlant("There is no feature column, and this fault follows the features.")
    return np.hstack(parts)


def _part(values: pl.Series, kind: str, train: pl.Series) -> np.ndarray:
    """(n, columns) raw numbers of one column, NaN where missing."""
    if values.dtype == pl.Array:
        return values.to_numpy().reshape(len(values), -1).astype(float)
    if values.dtype.is_numeric() and kind != "category":
        return numbers(values)[:, None]
    if values.dtype.is_temporal():
        return numbers(values.to_physical())[:, None]
    words = values.cast(pl.String, strict=False)
    if kind == "text":
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(n_features=WORDS).transform(words.fill_null("").to_list()).toarray()
    common = train.cast(pl.String, strict=False).drop_nulls().alias("cell").value_counts(sort=True)[:LEVELS]
    levels = common["cell"].sort().to_list()
    found = words.replace_strict(levels, list(range(len(levels))), default=-1, return_dtype=pl.Int64).to_numpy()
    return (found[:, None] == np.arange(len(levels))).astype(float)


def _scaled(train: np.ndarray, values: np.ndarray) -> np.ndarray:
    train, values = (np.where(np.isfinite(part), part, np.nan) for part in (train, values))
    known = np.isfinite(train)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, train, 0).sum(axis=0) / count
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = np.sqrt((np.where(known, train - mean, 0) ** 2).sum(axis=0) / count)
        scaled = (values - mean) / np.where((deviation > 0) & np.isfinite(deviation), deviation, 1.0)
    return np.nan_to_num(scaled, posinf=0.0, neginf=0.0)


def class_probabilities(X: np.ndarray, y: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """(n, k) in-sample probabilities of a logistic regression fitted on at most 20,000 labelled rows."""
    from sklearn.linear_model import LogisticRegression

    rows = rng.permutation(np.flatnonzero(y >= 0))[:SAMPLE]
    model = LogisticRegression(C=0.1, max_iter=200, tol=1e-3).fit(X[rows], y[rows])
    probs = np.full((len(X), k), 1e-12)
    probs[:, model.classes_] = model.predict_proba(X)
    return probs
