"""Production rows in chunks: by calendar period, by a number of rows in the order of time, or in file order."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl

from holdfast.audit.load import InputError

PERIODS = ("1h", "1d", "1w", "1mo", "1q", "1y")
MOST = 400  # chunks that are estimated one by one
WANTED = 24  # chunks that a period which nobody named makes at most
LEAST_ROWS = 20


class Chunk(NamedTuple):
    """Positions of its rows and what it is called; `start` and `end` are its first and last time, or row numbers.

    `size` says how many rows it has where not all are held in memory.
    """

    label: str
    start: str
    end: str
    rows: np.ndarray
    size: int | None = None


def make_chunks(frame: pl.DataFrame, time: str | None, chunk: str | int | None) -> list[Chunk]:
    """The chunks of a table in order; `InputError` for a chunk or a time column that cannot be used."""
    if time is None and chunk is None:
        return []
    size, period = read_chunk(chunk)
    if time is None:
        if period is not None:
            raise InputError(f"chunk {period!r} is a period; name the column of times with time (--time COLUMN).")
        return _bounded(_by_size(np.arange(frame.height), size or frame.height, None))
    times = _times(frame, time)
    known = np.flatnonzero(times.is_not_null().to_numpy())
    order = known[np.argsort(times.gather(known).to_numpy(), kind="stable")]
    if size is None and not times.dtype.is_temporal():
        if period is not None:
            raise InputError(f"chunk {period!r} needs dates, but column {time!r} holds numbers; give a number of rows.")
        size = max(LEAST_ROWS, -(-len(order) // WANTED))
    if size is not None:
        return _bounded(_by_size(order, size, times))
    return _bounded(_by_period(times, order, period or _fitting(times, order)))


def period_of(frame: pl.DataFrame, time: str, period: str | None) -> str | None:
    """The period asked for, or the shortest that makes few enough chunks; None where the column holds no dates."""
    times = _times(frame, time)
    if not times.dtype.is_temporal():
        return None
    return period or _fitting(times, np.flatnonzero(times.is_not_null().to_numpy()))


def read_chunk(chunk: str | int | None) -> tuple[int | None, str | None]:
    """A number of rows, or a period such as 1w."""
    if chunk is None:
        return None, None
    text = str(chunk)
    if re.fullmatch(r"-?\d+", text):
        if int(text) < LEAST_ROWS:
            raise InputError(f"chunk is {text}; expected at least {LEAST_ROWS} rows, or a period such as 1w.")
        return int(text), None
    if not re.fullmatch(r"[1-9]\d*(h|d|w|mo|q|y)", text):
        raise InputError(f"chunk is {text!r}; expected a number of rows or a period: 6h, 1d, 1w, 1mo, 1q, 1y.")
    return None, text


def _times(frame: pl.DataFrame, time: str) -> pl.Series:
    if time not in frame.columns:
        raise InputError(
            f"production has no column {time!r} to take times from. It has: {', '.join(frame.columns[:20])}."
        )
    times = frame[time]
    if not (times.dtype.is_temporal() or times.dtype.is_numeric()):
        example = next((str(value) for value in times.drop_nulls().head(1)), "nothing")
        raise InputError(
            f"column {time!r} cannot be read as times: it holds text such as {example[:40]!r}. Write dates as "
            "2024-05-31 or 2024-05-31 13:00, or give numbers."
        )
    if times.null_count() == len(times):
        raise InputError(f"column {time!r} is empty in production; name another column of times.")
    return times


def _by_size(order: np.ndarray, size: int, times: pl.Series | None) -> list[Chunk]:
    """Runs of `size` rows; a short rest joins the last one."""
    cuts = list(range(size, len(order) - size // 2, size)) if len(order) > size else []
    chunks = []
    for rows in np.split(order, cuts):
        ends = (int(rows[0]), int(rows[-1])) if times is None else (times[int(rows[0])], times[int(rows[-1])])
        start, end = (_shown(value) for value in ends)
        name = f"rows {start} to {end}" if times is None else f"{start} to {end}"
        chunks.append(Chunk(name, start, end, rows))
    return chunks


def _by_period(times: pl.Series, order: np.ndarray, period: str) -> list[Chunk]:
    began = times.gather(order).dt.truncate(period)
    values = began.to_numpy()
    cuts = np.flatnonzero(values[1:] != values[:-1]) + 1
    chunks = []
    for rows in np.split(order, cuts):
        start, end = _shown(times[int(rows[0])]), _shown(times[int(rows[-1])])
        first = times.gather([int(rows[0])]).dt.truncate(period)[0]
        chunks.append(Chunk(_shown(first), start, end, rows))
    return chunks


def _fitting(times: pl.Series, order: np.ndarray) -> str:
    """The shortest period that makes few enough chunks."""
    offered = [period for period in PERIODS if period != "1h" or times.dtype != pl.Date]
    for period in offered:
        if times.gather(order).dt.truncate(period).n_unique() <= WANTED:
            return period
    return offered[-1]


def _bounded(chunks: list[Chunk]) -> list[Chunk]:
    if len(chunks) > MOST:
        raise InputError(
            f"this makes {len(chunks):,} chunks; expected at most {MOST}. Take a longer period or more rows."
        )
    return chunks


def _shown(value: object) -> str:
    return str(value).removesuffix(" 00:00:00")
