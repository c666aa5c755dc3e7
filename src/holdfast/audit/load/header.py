"""Whether the first line names the columns, and names that are unique and never empty."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from holdfast.audit.load.errors import listed

MISSING = {"", "?", "na", "n/a", "null", "nan", "none", "-"}


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """False where the first line reads like one more row of data.

    A header names at least one numeric column with something that is not a number. Where no column is numeric, the
    line is data if half of its cells occur again below. Names that count up (years, 0, 1, 2, ...) make a header.

    >>> is_header(["age", "sex"], [["39", "Male"]]), is_header(["41", "Male"], [["39", "Male"]])
    (True, False)
    >>> is_header(["country", "1990", "1991", "1992"], [["Mali", "1", "2", "4"]])
    True
    """
    if not rows:
        return True
    below = [[row[j].strip() for row in rows if j < len(row)] for j in range(len(first))]
    numeric = [j for j, cells in enumerate(below) if _all_numbers(cells)]
    if not numeric:
        again = sum(name.strip() != "" and name.strip() in cells for name, cells in zip(first, below, strict=True))
        return again < max(1, len(first) / 2)
    names = [first[j].strip() for j in numeric]
    numbers = [name for name in names if _is_number(name)]
    if not numbers or any(name.casefold() not in MISSING for name in names if name not in numbers):
        return True
    return len(numbers) > 2 and all(name.isdigit() for name in numbers) and _counts_up([int(name) for name in numbers])


def clean_names(names: Sequence[object], what: str = "the header") -> tuple[list[str], list[str]]:
    """Text names without repeats or gaps, and notes on what was changed.

    >>> clean_names(["a", "", "a"])[0]
    ['a', 'column_1', 'a_2']
    """
    texts = ["" if name is None or name != name else str(name) for name in names]  # NaN: pandas' gap
    taken, result, empty, repeated = set(texts), [], [], []
    seen: set[str] = set()
    for position, text in enumerate(texts):
        name = text
        if not text.strip():
            name = _free(f"column_{position}", taken)
            empty.append(name)
        elif text in seen:
            name = _free_number(text, taken)
            repeated.append(name)
        seen.add(text)
        taken.add(name)
        result.append(name)
    notes = []
    if empty:
        notes.append(f"{what} leaves {len(empty):,} column(s) without a name: they are called {listed(empty)}")
    if repeated:
        notes.append(f"{what} repeats column names: the repeats are called {listed(repeated)}")
    return result, notes


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free_number(name, taken)


def _free_number(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _all_numbers(cells: list[str]) -> bool:
    known = [cell for cell in cells if cell.casefold() not in MISSING]
    return bool(known) and all(map(_is_number, known))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _counts_up(numbers: list[int]) -> bool:
    return all(after == before + 1 for before, after in pairwise(numbers))
