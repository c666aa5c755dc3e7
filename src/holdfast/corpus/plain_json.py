"""JSON of plain values as bytes, by the fast library where it is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _pair() -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    try:
        from orjson import dumps, loads
    except ModuleNotFoundError:
        return lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), json.loads
    return dumps, loads


dumps, loads = _pair()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    """A row a line.

    >>> as_lines([{"a": 1}, {"a": None}])
    b'{"a":1}\\n{"a":null}\\n'
    """
    return b"".join(dumps(row) + b"\n" for row in rows)
