"""The checks of a report: what a record read from a file must look like before a page is made of it."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

from holdfast.report.shapes import AUDIT, CELLS, SCHEMA, Either, Shape

_FAMILY, _MAJOR = SCHEMA.rsplit("/", 1)
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def validate(record: Any) -> dict[str, Any]:
    """A checked copy of `record` in which every field is there; `ValueError` names the first thing that is wrong.

    Fields that an older Holdfast did not write get their defaults; fields that it does not know are kept out.

    >>> validate({"schema": "holdfast/report/1", "verdict": 3})
    Traceback (most recent call last):
    ValueError: not a report: 'verdict' should be text, not the number 3.
    """
    if not isinstance(record, dict):
        raise ValueError(f"not a report: expected an object at the top, not {_describe(record)}.")
    _check_version(record.get("schema"))
    checked = check_shape(record, AUDIT)
    for number, finding in enumerate(checked["findings"]):
        check_details(finding["details"], f"findings[{number}]")
    return checked


def check_shape(record: Any, shape: Shape) -> dict[str, Any]:
    """A checked copy of anything that has a shape; `ValueError` names the first thing that is wrong."""
    try:
        return _object(record, shape, "")
    except RecursionError:
        raise ValueError("not a report: its values are nested too deeply.") from None


def check_details(details: list[dict[str, Any]], path: str) -> None:
    """What the types of details cannot say: parts that belong together have the same length."""
    for index, detail in enumerate(details):
        _check_detail(detail, f"{path}.details[{index}]")


def _check_version(schema: Any) -> None:
    family, _, major = str(schema).rpartition("/")
    if family != _FAMILY or not major.isdigit():
        raise ValueError(f"not a report: 'schema' should be {SCHEMA!r}, not {_describe(schema)}.")
    if int(major) > int(_MAJOR):
        raise ValueError(
            f"this report was written by a newer Holdfast (schema {schema!r}; this one reads {SCHEMA!r}). "
            "Update with: pip install -U holdfast"
        )


def _object(value: Any, shape: Shape, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    out = {}
    for name, kind in shape.needs.items():
        if name not in value:
            raise ValueError(f"not a report: {_join(path, name)!r} is missing.")
        out[name] = _checked(value[name], kind, _join(path, name))
    for name, (kind, default) in shape.may.items():
        out[name] = _checked(value[name], kind, _join(path, name)) if name in value else deepcopy(default)
    return out


def _checked(value: Any, kind: Any, path: str) -> Any:
    """Check one value against a type of `shapes` and return its checked copy."""
    if isinstance(kind, Shape):
        return _object(value, kind, path)
    if isinstance(kind, Either):
        return _either(value, kind, path)
    if isinstance(kind, set):
        if not isinstance(value, str) or value not in kind:
            raise _wrong(path, "one of " + ", ".join(map(repr, sorted(kind))), value)
        return value
    if isinstance(kind, (list, tuple)):
        return _list(value, kind, path)
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        return {str(key): _checked(item, kind[str], _join(path, key)) for key, item in value.items()}
    return _plain(value, path) if kind is object else _scalar(value, kind, path)


def _either(value: Any, either: Either, path: str) -> Any:
    if not either.kinds:
        return None if value is None else _checked(value, either.type, path)
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in either.kinds:
        raise _wrong(_join(path, "kind"), "one of " + ", ".join(map(repr, either.kinds)), kind)
    return _object(value, either.kinds[kind], path)


def _list(value: Any, kind: list[Any] | tuple[Any, ...], path: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(path, "a list", value)
    if isinstance(kind, tuple) and len(value) != len(kind):
        raise _wrong(path, f"a list of {len(kind)}", value)
    kinds = kind if isinstance(kind, tuple) else kind * len(value)
    return [_checked(item, one, f"{path}[{index}]") for index, (item, one) in enumerate(zip(value, kinds, strict=True))]


def _scalar(value: Any, kind: type, path: str) -> Any:
    # NaN and infinities are written as null: a number that is not known is a case of its own, not a damaged file.
    if kind is float and (value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))):
        return value if value is None or math.isfinite(value) else None
    if kind is not float and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise _wrong(path, _NAMES[kind], value)


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): _plain(item, _join(path, key)) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise _wrong(path, "a plain JSON value", value)


def _check_detail(detail: dict[str, Any], path: str) -> None:
    """What the types cannot say: parts that belong together have the same length."""
    if detail["kind"] == "table":
        _check_table(detail, path)
    elif detail["kind"] == "histogram":
        for part in ("reference", "current"):
            _same_length(detail[part], len(detail["labels"]), f"{path}.{part}")
    elif detail["kind"] == "curve":
        for index, (_, x, *lines) in enumerate(detail["series"]):
            for part, line in zip(("y", "low", "high"), lines, strict=True):
                if line or part == "y":
                    _same_length(line, len(x), f"{path}.series[{index}].{part}")


def _check_table(table: dict[str, Any], path: str) -> None:
    width = len(table["columns"])
    _same_length(table["types"], width, f"{path}.types")
    for index, kind in enumerate(table["types"]):
        _checked(kind, CELLS, f"{path}.types[{index}]")
    for index, row in enumerate(table["rows"]):
        _same_length(row, width, f"{path}.rows[{index}]")


def _same_length(values: list[Any], length: int, path: str) -> None:
    if len(values) != length:
        raise ValueError(f"not a report: {path!r} should have {length} entries, not {len(values)}.")


def _join(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _wrong(path: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"not a report: {path!r} should be {expected}, not {_describe(value)}.")


def _describe(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}{'...' if len(value) > 40 else ''}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"
