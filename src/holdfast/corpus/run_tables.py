"""Tables of runs: the share of every group in every run, and the losses that it ended with."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from holdfast.corpus.sources import wrong

LOSS = re.compile(r"loss|perplexity|\bppl\b|nll|cross.?entropy|bits", re.IGNORECASE)
DROP = re.compile(r"drop|fall|fell|gain", re.IGNORECASE)
NUMBERS = ("index", "run", "id", "seed", "step", "name", "")  # columns that are neither shares nor losses


class Runs(NamedTuple):
    """Names of the groups and losses, shares (r, m), losses (r, v), and what was assumed."""

    groups: list[str]
    names: list[str]
    proportions: np.ndarray
    losses: np.ndarray
    notes: list[str]


def read_runs(
    runs: Any, losses: Any, groups: Sequence[str], loss: Sequence[str], named: re.Pattern[str] = LOSS
) -> Runs:
    """One table or two joined; columns as named or as found; rows with a missing number are an error."""
    frame, notes = read_table(runs, "runs"), []
    if losses is not None:
        frame = _joined(frame, read_table(losses, "losses"))
    names = _columns(frame, loss, "loss") or [name for name in frame.columns if named.search(name)]
    if not names:
        what = "losses" if named is LOSS else "drops of losses"
        raise wrong(f"no column of {what} was found; name it with --loss. There are: {_listed(frame.columns)}.")
    if not loss:
        notes.append(f"{'Losses, their mean' if named is LOSS else 'Drops of losses'}: {_listed(names)}.")
    shares = _columns(frame, groups, "group") or _share_columns(frame, names)
    if len(shares) < 2:
        raise wrong(
            f"{len(shares)} columns of shares were found, expected at least 2; name them with --group. There are: "
            f"{_listed(frame.columns)}."
        )
    table, values = _numbers(frame, shares), _numbers(frame, names)
    if table.min() < 0:
        row, column = np.argwhere(table < 0)[0]
        raise wrong(f"run {row + 1}: the share of {shares[column]} is {table[row, column]:g}; expected 0 or more.")
    return Runs(shares, names, _to_one(table, shares), values, notes)


def natural_of(table: Runs, sizes: Mapping[str, float] | None) -> np.ndarray:
    """Shares of the amounts that were given of every group, else the mean share over the runs."""
    if sizes is None:
        return table.proportions.mean(axis=0)
    unknown = [name for name in sizes if name not in table.groups]
    missing = [name for name in table.groups if name not in sizes]
    if unknown or missing:
        named = ", ".join(unknown) if unknown else ", ".join(missing)
        raise wrong(
            f"sizes: {'no group is called' if unknown else 'nothing for'} {named}. Groups: {', '.join(table.groups)}."
        )
    given = np.array([float(sizes[name]) for name in table.groups])
    if not np.isfinite(given).all() or given.min() < 0 or given.sum() <= 0:
        raise wrong("sizes: expected amounts of at least 0, and something above 0.")
    return given / given.sum()


def read_table(given: Any, what: str) -> pl.DataFrame:
    """A frame, a mapping of columns, or a CSV or Parquet file, packed or not."""
    if isinstance(given, pl.DataFrame):
        return given
    if isinstance(given, Mapping):
        return pl.DataFrame(dict(given))
    if not isinstance(given, (str, Path)):
        return pl.DataFrame({str(name): np.asarray(given[name]) for name in given})  # pandas and its like
    path = Path(given)
    if not path.exists():
        near = get_close_matches(path.name, [one.name for one in path.parent.glob("*")], n=1)
        raise wrong(f"{path} does not exist.{f' Did you mean {path.parent / near[0]}?' if near else ''}")
    try:
        if path.suffix in (".parquet", ".pq"):
            return pl.read_parquet(path)
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        return pl.read_csv(data, separator="\t" if ".tsv" in path.name else ",", infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise wrong(f"{path} ({what}) cannot be read as a table: {str(problem).splitlines()[0]}") from None


def _joined(runs: pl.DataFrame, losses: pl.DataFrame) -> pl.DataFrame:
    if "index" in runs.columns and "index" in losses.columns:
        both = runs.join(losses, on="index", how="inner", suffix="_loss", maintain_order="left")
        if len(both) < len(runs) or len(both) != runs["index"].n_unique():
            raise wrong(f"of {len(runs)} runs {len(both)} have losses by `index`; expected exactly one row for each.")
        return both
    if len(runs) != len(losses):
        raise wrong(f"{len(runs)} runs, but {len(losses)} rows of losses: they must agree, or both have `index`.")
    return pl.concat([runs, losses.rename({name: f"{name}_loss" for name in losses.columns if name in runs.columns})],
                     how="horizontal")  # fmt: skip


def _columns(frame: pl.DataFrame, named: Sequence[str], what: str) -> list[str]:
    for name in named:
        if name not in frame.columns:
            close = get_close_matches(name, frame.columns, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" There are: {_listed(frame.columns)}."
            raise wrong(f"--{what} {name}: no such column.{hint}")
    return list(named)


def _share_columns(frame: pl.DataFrame, losses: list[str]) -> list[str]:
    """Columns of numbers that are not called otherwise; whether they sum to 1 is seen when they are scaled."""
    numeric = [name for name in frame.columns if frame[name].dtype.is_numeric() and name not in losses]
    return [name for name in numeric if name.lower() not in NUMBERS and not LOSS.search(name)]


def _numbers(frame: pl.DataFrame, names: list[str]) -> np.ndarray:
    columns = []
    for name in names:
        if not (frame[name].dtype.is_numeric() or frame[name].dtype == pl.Boolean):
            raise wrong(f"column {name!r} holds {frame[name].dtype}; expected numbers.")
        column = frame[name].cast(pl.Float64).to_numpy()
        if not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise wrong(
                f"run {row + 1}: {name} is {column[row]}; expected a finite number. Leave out runs that failed."
            )
        columns.append(column)
    return np.column_stack(columns)


def _to_one(table: np.ndarray, names: list[str]) -> np.ndarray:
    total = table.sum(axis=1)
    if np.abs(total - 100).max() <= 2:
        table, total = table / 100, total / 100
    if np.abs(total - 1).max() > 0.02:
        row = int(np.abs(total - 1).argmax())
        raise wrong(
            f"run {row + 1}: the shares of {_listed(names)} sum to {total[row]:.4g}; expected 1 (or 100). Name the "
            "columns of shares with --group, all of them and nothing else."
        )
    return table / total[:, None]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
