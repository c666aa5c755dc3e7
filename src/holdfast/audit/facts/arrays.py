"""The rows that models use as matrices: encoded, placed for distances, and compared."""

from __future__ import annotations

import numpy as np
import polars as pl

from holdfast.audit.check import NotApplicable
from holdfast.audit.encode import Encoder
from holdfast.audit.facts import Later
from holdfast.audit.records import ColumnRecord
from holdfast.audit.settings import Settings
from holdfast.ops.neighbours import NeighbourGraph, nearest_neighbours

NEIGHBOURS = 10


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


def ref_X(common_encoder: Encoder, encoder: Encoder, train_X: Later, train_cells: pl.DataFrame) -> np.ndarray:
    """(n, d) the training rows by the common encoder."""
    return train_X() if common_encoder is encoder else common_encoder.encode(train_cells)


def cur_X(common_encoder: Encoder, encoder: Encoder, test_X: Later, test_cells: pl.DataFrame) -> np.ndarray:
    """(m, d) the test rows by the common encoder."""
    return test_X() if common_encoder is encoder else common_encoder.encode(test_cells)


def ref_embedding(
    common_encoder: Encoder, encoder: Encoder, train_embedding: Later, train_cells: pl.DataFrame
) -> np.ndarray:
    """(n, e) float32 coordinates of the training rows by the common encoder."""
    return train_embedding() if common_encoder is encoder else common_encoder.embed(train_cells)


def cur_embedding(
    common_encoder: Encoder, encoder: Encoder, test_embedding: Later, test_cells: pl.DataFrame
) -> np.ndarray:
    """(m, e) float32 coordinates of the test rows by the common encoder."""
    return test_embedding() if common_encoder is encoder else common_encoder.embed(test_cells)


def train_neighbours(train_embedding: np.ndarray, settings: Settings) -> NeighbourGraph:
    """The nearest other training rows of every training row."""
    if len(train_embedding) < 3:
        raise NotApplicable("fewer than three training rows")
    return nearest_neighbours(train_embedding, min(NEIGHBOURS, len(train_embedding) - 1), seed=settings.seed)
