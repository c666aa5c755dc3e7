"""The one error of reading, and text that is safe to print."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

# A terminal escape: a control sequence (CSI), an operating-system command (OSC), or ESC with one more character.
_ESCAPES = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b.?", re.DOTALL)


class InputError(ValueError):
    """Input that cannot be audited: says what, where, what was expected and what to do. The CLI exits with 2."""


def safe_text(value: object, limit: int = 80) -> str:
    r"""One printable line of at most `limit` characters: no terminal escapes, no controls, no hidden marks.

    >>> safe_text("in\x1b[31mcome\n\u202e" + "x" * 100, limit=12)
    'income xxxx…'
    """
    words = _ESCAPES.sub("", str(value)[: 20 * limit]).split()
    text = "".join(mark for mark in " ".join(words) if mark.isprintable())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(value: object, limit: int = 60) -> str:
    """A name or cell in quotes, safe to print."""
    return f"'{safe_text(value, limit)}'"


def listed(values: Iterable[object], limit: int = 5) -> str:
    """The first few names in quotes, and how many more there are."""
    items = list(values)
    more = f" and {len(items) - limit:,} more" if len(items) > limit else ""
    return ", ".join(quoted(item, 40) for item in items[:limit]) + more


def closest(name: str, known: Iterable[str]) -> str | None:
    """The most similar name, whatever its case."""
    folded = {other.casefold(): other for other in reversed(list(known))}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message: the closest name, or what there is, or nothing."""
    names = list(known)
    close = closest(name, names)
    if close is not None:
        return f" Did you mean {quoted(close)}?"
    return f" It has: {listed(names, 12)}." if names else ""


def foreign_errors() -> tuple[type[BaseException], ...]:
    """What other libraries raise on bad data; a panic in polars is no `Exception`."""
    import polars as pl

    return (Exception, pl.exceptions.PanicException)


def rows_text(count: int) -> str:
    """ "1 row", "3 rows"."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
