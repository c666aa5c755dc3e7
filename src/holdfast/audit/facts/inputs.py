"""Rows as the audited model is given them."""

from __future__ import annotations

from typing import Any

import polars as pl

from holdfast.audit.encode import Encoder
from holdfast.audit.models import Model, ProbeModel, UserModel
from holdfast.audit.records import ColumnRecord


def model_inputs(model: Model, features: tuple[ColumnRecord, ...], encoder: Encoder, table: pl.DataFrame) -> Any:
    """Rows as the model is given them."""
    if isinstance(model, UserModel):
        return table
    if isinstance(model, ProbeModel) and model.linear and all(column.kind == "text" for column in features):
        from scipy.sparse import hstack

        return hstack([encoder.parts[column.name].sparse(table[column.name]) for column in features], format="csr")
    return encoder.encode(table)


def recoded_inputs(facts: Any, recoded: tuple[tuple[str, str, str], ...]) -> Any:
    """The test rows as the model is given them, with categories under other names: (column, old, new)."""
    cells = facts["test_cells"]
    for column in dict.fromkeys(name for name, _, _ in recoded):
        names = {old: new for name, old, new in recoded if name == column}
        cells = cells.with_columns(pl.col(column).cast(pl.String).replace(names).cast(cells.schema[column]))
    return model_inputs(facts["model"], facts["features"], facts["encoder"], cells)
