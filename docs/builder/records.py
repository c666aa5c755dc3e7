"""Figures in texts come from the committed records, `benchmarks/records/*.json`, and from nowhere else.

A figure is marked as `<!-- record NAME PATH FORMAT -->0.913<!-- /record -->`: the file, the keys into its newest run
separated by ` > `, and a Python format. A path may be a function of several, `share(alarms; draws)`, see `FUNCTIONS`.
`refreshed` writes the figure anew; a test holds the README to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median
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
        known = range(-len(value), len(value)) if isinstance(value, list) else value
        place: Any = int(key) if isinstance(value, list) else key
        if place not in known:
            raise KeyError(f"no {key!r} on the way {path!r}; there are: {', '.join(map(str, known))}")
        value = value[place]
    return value


def figure(run: dict[str, Any], path: str) -> Any:
    """The value at a path, or a function of the values at several.

    >>> figure({"alarms": 7, "draws": 200}, "share(alarms; draws)")
    '3.5 % (1.9 to 6.3)'
    """
    called = re.fullmatch(r"(\w+)\((.*)\)", path)
    if called is None or called[1] not in FUNCTIONS:
        return lookup(run, path)
    return FUNCTIONS[called[1]](*(lookup(run, part.strip()) for part in called[2].split(";")))


def _share(counted: float, draws: int) -> str:
    """A count (int) or share (float) of draws in per cent, with Wilson's 90 % interval."""
    from holdfast.ops.resampling import wilson

    share = counted / draws if isinstance(counted, int) else counted
    low, high = wilson(share, 0.0 if share in (0, 1) else (share * (1 - share) / draws) ** 0.5, draws, 1.645)
    return f"{share * 100:.1f} % ({low * 100:.1f} to {high * 100:.1f})"


def _mean(mean: float, deviation: float, seeds: int) -> str:
    """A mean over seeds with Student's 90 % interval.

    >>> _mean(0.92, 0.01, 5)
    '0.920 (0.910 to 0.930)'
    """
    from scipy.special import stdtrit

    reach = float(stdtrit(seeds - 1, 0.95)) * deviation / seeds**0.5
    return f"{mean:.3f} ({mean - reach:.3f} to {mean + reach:.3f})"


def _ratio(theirs: list[float], ours: list[float]) -> str:
    """The ratio of medians; in brackets the least and the most that any two runs give.

    >>> _ratio([8, 10, 12], [2, 2, 4])
    '5.0 (2.0 to 6.0)'
    """
    return f"{median(theirs) / median(ours):.1f} ({min(theirs) / max(ours):.1f} to {max(theirs) / min(ours):.1f})"


FUNCTIONS: dict[str, Callable[..., Any]] = {"share": _share, "mean": _mean, "median": median, "ratio": _ratio}


def refreshed(text: str, runs: dict[str, dict[str, Any]] | None = None) -> str:
    """The text with every marked figure as the records have it now."""
    runs = records() if runs is None else runs

    def fill(found: re.Match[str]) -> str:
        name, path, form = found[1], found[2], found[3]
        if name not in runs:
            raise KeyError(f"a figure is quoted from benchmarks/records/{name}.json, which does not exist")
        return f"<!-- record {name} {path} {form} -->{form.format(figure(runs[name], path))}<!-- /record -->"

    return MARK.sub(fill, text)


def without_marks(text: str) -> str:
    """The text with its figures but without the marks.

    >>> without_marks("a <!-- record x y {:.1f} -->0.5<!-- /record --> b")
    'a 0.5 b'
    """
    return MARK.sub(r"\4", text)
