"""The shape of report.json, version 1, as data: which fields there are, of what type, and what an absent one means.

A type is `str`, `int`, `float`, `bool`, `object` (any plain JSON), a set of allowed texts, `[type]` for a list,
`(type, ...)` for a list of fixed length, `{str: type}` for an object with free names, a `Shape`, or `Either`.
`float` admits null: a number that is not known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

SCHEMA = "holdfast/report/1"
OUTCOMES = {"found", "clear", "unsure", "not_applicable", "skipped", "error"}
CELLS = {"text", "number", "percent", "row", "pvalue"}


class Shape(NamedTuple):
    """An object: fields that must be there, and fields that may be absent, with what that means."""

    needs: dict[str, Any]
    may: dict[str, tuple[Any, Any]] = {}  # noqa: RUF012 - never changed


class Either(NamedTuple):
    """Null or something of a type; or, with `kinds`, the shape that the field `kind` names."""

    type: Any = None
    kinds: dict[str, Shape] = {}  # noqa: RUF012 - never changed


ESTIMATE = Shape({"value": float, "low": float, "high": float, "n": int}, {"pvalue": (float, None)})
REMEDY = Shape(
    {"action": str, "title": str, "safe": bool},
    {
        "set": ({"train", "test", "model"}, "train"),
        "rows": ([int], []),
        "columns": ([str], []),
        "values": ([object], []),
        "settings": ({str: object}, {}),
    },
)
PRICE = Shape(
    {"metric": str},
    {
        "remedy": (str, ""),
        "gain": (Either(ESTIMATE), None),
        "repeats": (int, 0),
        "before": (float, None),
        "after": (float, None),
        "reason": (str, ""),
    },
)
POWER = Shape(
    {"fault": str, "unit": str, "smallest": float},
    {"probability": (float, 0.8), "curve": ([(float, float, int)], [])},
)
ROW = Shape({"row": int}, {"score": (float, None), "note": (str, ""), "cells": ({str: str}, {})})
ROWS = Shape({"set": {"train", "test"}, "total": int}, {"shown": ([ROW], []), "columns": ([str], [])})
DETAILS = {
    "table": Shape(
        {"title": str, "columns": [str], "types": [str], "rows": [[object]]}, {"kind": ({"table"}, "table")}
    ),
    "bars": Shape({"title": str, "unit": str, "items": [(str, float, float, float)]}, {"kind": ({"bars"}, "bars")}),
    "histogram": Shape(
        {"title": str, "labels": [str], "reference": [float], "current": [float]},
        {
            "reference_name": (str, "train"),
            "current_name": (str, "test"),
            "kind": ({"histogram"}, "histogram"),
        },
    ),
    "curve": Shape(
        {"title": str, "x_label": str, "y_label": str, "series": [(str, [float], [float], [float], [float])]},
        {"diagonal": (bool, False), "kind": ({"curve"}, "curve")},
    ),
}
FINDING = Shape(
    {"code": str, "title": str, "outcome": OUTCOMES},
    {
        "summary": (str, ""),
        "reason": (str, ""),
        "because": ([str], []),
        "estimate": (Either(ESTIMATE), None),
        "unit": (str, ""),
        "rows": (Either(ROWS), None),
        "columns": ([str], []),
        "details": ([Either(kinds=DETAILS)], []),
        "remedies": ([REMEDY], []),
        "price": (Either(PRICE), None),
        "power": (Either(POWER), None),
        "what_to_do": (str, ""),
        "sources": ([str], []),
        "settings": ({str: object}, {}),
        "seconds": (float, 0.0),
    },
)
SET = Shape(
    {"name": str, "path": str, "rows": int, "columns": int, "fingerprint": str, "labelled": bool, "used_rows": int},
    {"notes": ([str], []), "held_rows": (Either(int), None)},
)
COLUMN = Shape(
    {"name": str, "role": str, "kind": str},
    {
        "missing_train": (float, None),
        "missing_test": (float, None),
        "distinct": (Either(int), None),
        "given": (bool, False),
    },
)
AUDIT = Shape(
    {
        "verdict": str,
        "tone": {"good", "warn", "bad", "unknown"},
        "task": {str: object},
        "sets": [SET],
        "columns": [COLUMN],
        "model": {str: object},
        "findings": [FINDING],
        "settings": {str: object},
    },
    {
        "left_out": ([str], []),
        "ignored": ({str: str}, {}),
        "sources": ({str: {str: object}}, {}),
        "timings": ({str: float}, {}),
        "created": (str, ""),
        "version": (str, ""),
        "digest": (str, ""),
        "schema": (str, SCHEMA),
    },
)
