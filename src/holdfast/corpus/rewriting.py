"""Records without some passages of their text: all else of a record stays as it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from holdfast.corpus.records import Fields
from holdfast.corpus.sources import Source, open_source


def without(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    """A text without these ranges of characters.

    >>> without("one two three four", [(4, 8), (14, 18)])
    'one three '
    """
    parts, at = [], 0
    for begin, stop in cuts:
        parts.append(text[at:begin])
        at = stop
    return "".join([*parts, text[at:]])


def rewritten(
    record: bytes, cuts: Sequence[tuple[int, int]], source: Source, fields: Fields, header: list[str]
) -> bytes:
    """The bytes of a record of JSON Lines, CSV or text, written anew without the ranges of its text."""
    text = record.decode("utf-8", errors="replace")
    end = text[len(text.rstrip("\r\n")) :]
    if source.format == "text":
        return (without(text.rstrip("\r\n"), cuts) + end).encode()
    if source.format == "csv":
        return _csv(text, cuts, header.index(fields.text), delimiter_of(source), end)
    row = json.loads(text)
    row[fields.text] = without(row[fields.text], cuts)
    compact = '":"' in text and '": "' not in text
    data = json.dumps(row, ensure_ascii=record.isascii(), separators=(",", ":") if compact else (", ", ": "))
    return data.encode("utf-8", "surrogatepass") + end.encode()


def _csv(text: str, cuts: Sequence[tuple[int, int]], column: int, delimiter: str, end: str) -> bytes:
    row = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    row[column] = without(row[column], cuts)
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(row)
    return out.getvalue().encode("utf-8", "surrogatepass")


def header_of(source: Source) -> list[str]:
    """The names of a CSV file's columns; empty for other formats."""
    if source.format != "csv":
        return []
    with open_source(source) as file:
        lines = (line.decode("utf-8", errors="replace") for line in file)
        return [name.removeprefix("\ufeff") for name in next(csv.reader(lines, delimiter=delimiter_of(source)), [])]


def delimiter_of(source: Source) -> str:
    """What stands between the cells of a CSV file."""
    return "\t" if ".tsv" in source.name.lower() else ","
