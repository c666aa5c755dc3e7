"""The shape of a report: what a record read from a file must look like before a page is made of it.

The shape is read from the dataclasses of `holdfast.audit.records`, so that the two cannot drift apart.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from holdfast.audit import records
from holdfast.core import Estimate

_FAMILY, _MAJOR = records.SCHEMA.rsplit("/", 1)
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_DETAILS = {kind.kind: kind for kind in get_args(records.Detail)}
_TYPES = ("text", "number", "percent", "row", "pvalue")


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
    try:
        checked: dict[str, Any] = _dataclass(record, records.AuditRecord, "")
    except RecursionError:
        raise ValueError("not a report: its values are nested too deeply.") from None
    for number, finding in enumerate(checked["findings"]):
        for index, detail in enumerate(finding["details"]):
            _check_detail(detail, f"findings[{number}].details[{index}]")
    return checked


def _check_version(schema: Any) -> None:
    family, _, major = str(schema).rpartition("/")
    if family != _FAMILY or not major.isdigit():
        raise ValueError(f"not a report: 'schema' should be {records.SCHEMA!r}, not {_describe(schema)}.")
    if int(major) > int(_MAJOR):
        raise ValueError(
            f"this report was written by a newer Holdfast (schema {schema!r}; this one reads {records.SCHEMA!r}). "
            "Update with: pip install -U holdfast"
        )


def _dataclass(value: Any, kind: type, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    hints, out = _hints(kind), {}
    for name, default in _defaults(kind).items():
        inner = f"{path}.{name}" if path else name
        if name in value:
            out[name] = _any_of(value[name], hints[name], inner)
        elif default is MISSING:
            raise ValueError(f"not a report: {inner!r} is missing.")
        else:
            out[name] = records.to_plain(default)
    return out


def _any_of(value: Any, hint: Any, path: str) -> Any:
    """Check one value against a type hint and return its checked copy."""
    origin, options = get_origin(hint), get_args(hint)
    if hint is Any:
        return _plain(value, path)
    if origin is Literal:
        if value not in options:
            raise _wrong(path, "one of " + ", ".join(map(repr, options)), value)
        return value
    if origin in (Union, UnionType):
        return _union(value, options, path)
    if origin is tuple:
        return _list(value, options, path)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        return {str(key): _any_of(item, options[1], f"{path}.{key}") for key, item in value.items()}
    if isinstance(hint, type) and (hint is Estimate or is_dataclass(hint)):
        return _dataclass(value, hint, path)
    return _scalar(value, hint, path)


def _union(value: Any, options: tuple[Any, ...], path: str) -> Any:
    if value is None and NoneType in options:
        return None
    if set(options) == set(_DETAILS.values()):
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in _DETAILS:
            raise _wrong(f"{path}.kind", "one of " + ", ".join(map(repr, _DETAILS)), kind)
        return _dataclass(value, _DETAILS[kind], path)
    return _any_of(value, next(option for option in options if option is not NoneType), path)


def _list(value: Any, options: tuple[Any, ...], path: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(path, "a list", value)
    if options[-1] is Ellipsis:
        return [_any_of(item, options[0], f"{path}[{index}]") for index, item in enumerate(value)]
    if len(value) != len(options):
        raise _wrong(path, f"a list of {len(options)}", value)
    pairs = enumerate(zip(value, options, strict=True))
    return [_any_of(item, hint, f"{path}[{index}]") for index, (item, hint) in pairs]


def _scalar(value: Any, hint: type, path: str) -> Any:
    # NaN and infinities are written as null: a number that is not known is a case of its own, not a damaged file.
    if hint is float and (value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))):
        return value if value is None or math.isfinite(value) else None
    if hint is not float and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise _wrong(path, _NAMES[hint], value)


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): _plain(item, f"{path}.{key}") for key, item in value.items()}
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
        if kind not in _TYPES:
            raise _wrong(f"{path}.types[{index}]", "one of " + ", ".join(map(repr, _TYPES)), kind)
    for index, row in enumerate(table["rows"]):
        _same_length(row, width, f"{path}.rows[{index}]")


def _same_length(values: list[Any], length: int, path: str) -> None:
    if len(values) != length:
        raise ValueError(f"not a report: {path!r} should have {length} entries, not {len(values)}.")


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


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _defaults(kind: type) -> dict[str, Any]:
    """The default of every field; MISSING where there is none."""
    if kind is Estimate:
        return {name: Estimate._field_defaults.get(name, MISSING) for name in Estimate._fields}
    return {
        field.name: field.default_factory() if field.default_factory is not MISSING else field.default
        for field in fields(kind)
    }
