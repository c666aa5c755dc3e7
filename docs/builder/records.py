"""Figures in texts come from the committed records, `benchmarks/records/*.json`, and from nowhere else.

A figure is marked as `<!-- record NAME PATH FORMAT -->0.913<!-- /record -->`: the file, the keys into its newest run
separated by ` > `, and a Python format. `refreshed` writes the figure anew; a test holds the README to it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "records"
MARK = re.compile(r"<!-- record (\w+) (.+?) (\{[^}]*\}) -->(.*?)<!-- /record -->")


def records(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The newest run of every record, by name."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        runs = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = runs[-1] if isinstance(runs, list) else runs
    return found


def lookup(run: dict[str, Any], path: str) -> Any:
    """The value at `a > b > 0` in a run; the error says which key is missing and what there is.

    >>> lookup({"ratio": {"mean": [3, 4]}}, "ratio > mean > 1")
    4
    """
    value: Any = run
    for key in path.split(" > "):
        known = range(len(value)) if isinstance(value, list) else value
        place: Any = int(key) if isinstance(value, list) else key
        if place not in known:
            raise KeyError(f"no {key!r} on the way {path!r}; there are: {', '.join(map(str, known))}")
        value = value[place]
    return value


def refreshed(text: str, runs: dict[str, dict[str, Any]] | None = None) -> str:
    """The text with every marked figure as the records have it now."""
    runs = records() if runs is None else runs

    def fill(found: re.Match[str]) -> str:
        name, path, form = found[1], found[2], found[3]
        if name not in runs:
            raise KeyError(f"a figure is quoted from benchmarks/records/{name}.json, which does not exist")
        return f"<!-- record {name} {path} {form} -->{form.format(lookup(runs[name], path))}<!-- /record -->"

    return MARK.sub(fill, text)


def without_marks(text: str) -> str:
    """The text with its figures but without the marks.

    >>> without_marks("a <!-- record x y {:.1f} -->0.5<!-- /record --> b")
    'a 0.5 b'
    """
    return MARK.sub(r"\4", text)
