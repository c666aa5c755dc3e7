"""Text -> dates, by trying the common ways to write them on a sample first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.audit.load.errors import quoted

if TYPE_CHECKING:
    import polars

SAMPLE = 200
STRAY = 0.01  # share of cells that may not be dates in a column of dates
_TIMES = ("%H:%M:%S%.f", "%H:%M:%S%.f%#z", "%H:%M")
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
_NAMED = ("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")


def to_dates(text: polars.Series) -> tuple[polars.Series | None, str]:
    """A Date or Datetime column, or None; and a note where the reading could be doubted.

    >>> import polars
    >>> to_dates(polars.Series("day", ["2024-02-29", None]))[0].to_list()
    [datetime.date(2024, 2, 29), None]
    """
    known = text.drop_nulls()
    sample = known.head(SAMPLE).str.strip_chars()
    if not sample.str.contains(r"(?i)^[a-z0-9].*[-/. ].*\d").all() or sample.str.len_chars().max() > 40:  # type: ignore[operator]
        return None, ""
    fitting = [form for form in _formats() if _parse(sample, form).null_count() == 0]
    for form in fitting:
        dates = _parse(text.str.strip_chars(), form)
        lost = dates.null_count() - text.null_count()
        if lost <= STRAY * len(known):
            return dates, _note(text, dates, lost, form, fitting)
    return None, ""


def _formats() -> list[str]:
    joined = [f"{day}{between}{time}" for day in _DAYS for time in _TIMES for between in ("T", " ")]
    return [*_DAYS, *_NAMED, *joined]


def _parse(text: polars.Series, form: str) -> polars.Series:
    import polars as pl

    if "%H" not in form:
        return text.str.to_date(form, strict=False, exact=True)
    dates = text.str.to_datetime(form, strict=False, exact=True, time_unit="us")
    if isinstance(dates.dtype, pl.Datetime) and dates.dtype.time_zone:
        dates = dates.dt.replace_time_zone(None)  # polars has moved them to UTC
    return dates


def _note(text: polars.Series, dates: polars.Series, lost: int, form: str, fitting: list[str]) -> str:
    parts = []
    if lost:
        first = text.filter(dates.is_null() & text.is_not_null())[0]
        parts.append(f"{lost:,} cell(s) are not dates ({quoted(first)}) and count as missing")
    if form.startswith("%m/%d") and any(other.startswith("%d/%m") for other in fitting):
        swapped = _parse(text.str.strip_chars(), form.replace("%m/%d", "%d/%m"))
        if swapped.null_count() == dates.null_count():
            parts.append("read as month/day/year, though day/month/year would fit too")
    return f"column {quoted(text.name)}: " + "; ".join(parts) if parts else ""
