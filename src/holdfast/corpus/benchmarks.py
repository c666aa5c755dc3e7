"""Items of benchmarks: JSON, JSON Lines, CSV and Parquet of any layout with a text, packed or in an archive."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from holdfast.corpus.sources import wrong

TEXTS = ("question", "prompt", "problem", "input", "instruction", "query", "goal", "ctx", "sentence", "text")
CHOICES = ("choices", "options")
SCORES = ("correct", "score", "is_correct", "acc", "exact_match", "pass")


class Item(NamedTuple):
    """One item: of which benchmark, its number there (from 0), its text, and a model's score on it if there is one."""

    benchmark: str
    number: int
    text: str
    score: float | None = None


def read_items(paths: Sequence[str | Path], field: str | None = None) -> list[Item]:
    """All items of all benchmarks; an item without a word is an error."""
    items: list[Item] = []
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        path = Path(path)
        if not path.exists():
            raise wrong(f"--against {path}: there is no such file.")
        before = len(items)
        for member, data in _files(path):
            for number, record in enumerate(_records(member, data)):
                items.append(_item(path.name if member == path.name else member, number, record, field, path))
        if len(items) == before:
            raise wrong(f"--against {path}: no items in it. Expected JSON, JSON Lines, CSV or Parquet.")
    return items


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every file in an archive, or the file itself, unpacked."""
    if re.search(r"\.(tar(\.\w+)?|tgz)$", path.name):
        with tarfile.open(path) as archive:
            for entry in archive:
                file = archive.extractfile(entry) if re.search(r"\.(csv|jsonl?|tsv)$", entry.name) else None
                if file is not None:
                    yield entry.name, file.read()
        return
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif data[:6] == b"\xfd7zXZ\x00":
        data = lzma.decompress(data)
    yield path.name, data


def _records(name: str, data: bytes) -> list[Any]:
    if ".parquet" in name:
        import polars as pl

        return pl.read_parquet(io.BytesIO(data)).to_dicts()
    text = data.decode("utf-8-sig", errors="replace")
    if re.search(r"\.[ct]sv", name):
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if ".tsv" in name else ","))
    if not re.search(r"\.(json|ndjson)", name):
        return [line for line in text.splitlines() if line.strip()]
    try:
        whole = json.loads(text)
    except ValueError:
        return [_line(name, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        return max(lists, key=len) if lists else [whole]
    return whole if isinstance(whole, list) else [whole]


def _line(name: str, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as problem:
        raise wrong(f"--against {name}, line {number}: broken JSON: {problem}") from None


def _item(name: str, number: int, record: Any, field: str | None, path: Path) -> Item:
    where = f"--against {path}, item {number + 1}" + (f" of {name}" if name != path.name else "")
    if isinstance(record, str):
        record = {"text": record}
    if not isinstance(record, dict):
        raise wrong(f"{where}: expected fields or a text, found {type(record).__name__}.")
    names = {str(key).lower(): key for key in record if key is not None}
    chosen = field if field in record else next((names[text] for text in TEXTS if text in names), None)
    if field is not None and field not in record:
        raise wrong(f"{where}: no field {field!r}. It has: {', '.join(map(str, record))}.")
    if chosen is None:
        raise wrong(f"{where}: which field is the text? It has: {', '.join(map(str, record))}. Name it: --item-field.")
    text = str(record[chosen] or "")
    options = next((record[names[one]] for one in CHOICES if one in names), None)
    if options is None:
        options = [record[key] for low, key in names.items() if re.fullmatch(r"(choice|option)_?\w|[a-d]", low)]
    if field is None and isinstance(options, list):
        text = " ".join([text, *map(str, options)])
    if not re.search(r"\w", text):
        raise wrong(f"{where}: its {chosen!r} holds no word, so that it cannot be looked for.")
    return Item(name, number, text, _score(record, names))


def _score(record: dict[Any, Any], names: dict[str, Any]) -> float | None:
    value = next((record[names[one]] for one in SCORES if one in names), None)
    if value is None or value == "":
        return None
    words = {"true": 1.0, "false": 0.0}
    try:
        return words.get(str(value).lower()) if str(value).lower() in words else float(value)
    except (TypeError, ValueError):
        return None
