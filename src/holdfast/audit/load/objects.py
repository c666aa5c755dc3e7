"""Python objects (pandas, polars, pyarrow, DuckDB, numpy, dicts, ...) -> tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.audit.load.errors import InputError, foreign_errors, safe_text
from holdfast.audit.load.header import clean_names
from holdfast.audit.load.python_cells import from_values

if TYPE_CHECKING:
    import polars

ACCEPTED = (
    "a file name, a polars, pandas or pyarrow table, a DuckDB relation, a 2-D numpy array, a dict of lists or a list "
    "of dicts"
)


def read_object(source: Any, name: str) -> tuple[polars.DataFrame, list[str], str]:
    """The table, notes, and a name for messages such as "<pandas DataFrame>"."""
    shown = f"<{type(source).__module__.partition('.')[0]} {type(source).__name__}>"
    try:
        frame, notes = _convert(source, shown, name)
    except InputError:
        raise
    except foreign_errors() as error:  # whatever the user's library raises
        raise InputError(
            f"{name} {shown} cannot be read ({safe_text(error, 200)}). Save it as Parquet and give the file."
        ) from None
    return frame, notes, shown


def from_columns(columns: Mapping[Any, Iterable[Any]], what: str) -> tuple[polars.DataFrame, list[str]]:
    """A dict of columns, whatever their cells."""
    import polars as pl

    names, notes = clean_names(list(columns), what)
    series = [from_values(name, cells) for name, cells in zip(names, columns.values(), strict=True)]
    lengths = {len(each) for each in series}
    if len(lengths) > 1:
        found = safe_text({each.name: len(each) for each in series}, 200)
        raise InputError(f"{what} has columns of different lengths ({found}); expected equal lengths.")
    return pl.DataFrame(series), notes


def _convert(source: Any, shown: str, name: str) -> tuple[polars.DataFrame, list[str]]:
    import polars as pl

    library = type(source).__module__.partition(".")[0]
    if isinstance(source, pl.LazyFrame):
        return source.collect(), []
    if isinstance(source, pl.DataFrame):
        return source, []
    if isinstance(source, pl.Series):
        return source.to_frame(), []
    if library == "pandas":
        return _from_pandas(source, shown)
    if isinstance(source, np.ndarray):
        return _from_numpy(source, name)
    if isinstance(source, Mapping):
        return from_columns(source, shown)
    if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
        names = list(dict.fromkeys(key for row in source for key in row))
        return from_columns({key: [row.get(key) for row in source] for key in names}, shown)
    return _from_dataframe_library(source, shown, name)


def _from_dataframe_library(source: Any, shown: str, name: str) -> tuple[polars.DataFrame, list[str]]:
    import narwhals as nw
    import polars as pl

    if hasattr(source, "column_names") and hasattr(source, "columns") and hasattr(source, "schema"):  # pyarrow
        names, notes = clean_names(source.column_names, shown)
        arrays = zip(names, source.columns, strict=True)
        return pl.DataFrame([pl.Series(each, pl.from_arrow(array)) for each, array in arrays]), notes
    if hasattr(source, "__arrow_c_stream__"):  # DuckDB, and whoever speaks Arrow
        return pl.DataFrame(source), []
    if hasattr(source, "fetchnumpy") and hasattr(source, "pl"):  # DuckDB before it did
        return source.pl(), []
    if hasattr(source, "to_polars"):
        return source.to_polars(), []
    native = nw.from_native(source, pass_through=True)
    if native is source:
        raise InputError(f"{name} is {shown}; expected {ACCEPTED}.")
    eager = native.collect() if isinstance(native, nw.LazyFrame) else native
    return eager.to_polars(), []


def _from_numpy(array: np.ndarray, name: str) -> tuple[polars.DataFrame, list[str]]:
    if array.dtype.names:
        return from_columns({field: array[field] for field in array.dtype.names}, "<numpy ndarray>")
    if array.ndim != 2:
        raise InputError(
            f"{name} is a numpy array of shape {array.shape}; expected two dimensions, one row per example. "
            "Reshape it, for instance with array.reshape(len(array), -1)."
        )
    return from_columns({f"x{j}": array[:, j] for j in range(array.shape[1])}, "<numpy ndarray>")


def _from_pandas(source: Any, shown: str) -> tuple[polars.DataFrame, list[str]]:
    """Column by column, so that neither pyarrow nor unique names are needed."""
    import polars as pl

    table = source.to_frame() if source.ndim == 1 else source
    flat = ["_".join(map(str, label)) if isinstance(label, tuple) else label for label in table.columns]
    names, notes = clean_names(flat, shown)
    index = table.index
    is_plain = index.nlevels == 1 and index.name is None and (not len(index) or index.dtype.kind in "iu")
    if not is_plain:
        notes.append("the index was left out: reset_index() keeps it as a column")
    return pl.DataFrame([_from_pandas_column(each, table.iloc[:, j]) for j, each in enumerate(names)]), notes


def _from_pandas_column(name: str, column: Any) -> polars.Series:
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufMm":
        return from_values(name, column.to_numpy())
    missing = column.isna().to_numpy()
    cells = column.astype(object).to_numpy(dtype=object, copy=True)
    cells[missing] = None
    return from_values(name, cells)
