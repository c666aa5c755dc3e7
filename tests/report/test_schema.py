"""A record may come from an older or damaged file: the error names what is wrong."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from holdfast.audit import records
from holdfast.core import Estimate
from holdfast.report import validate
from holdfast.report.shapes import AUDIT, Either, Shape

Damage = Callable[[dict[str, Any]], Any]


def put(*path: Any, value: Any) -> Damage:
    def damage(record: dict[str, Any]) -> None:
        part: Any = record
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value

    return damage


def test_a_sound_record_comes_back_equal(record: dict[str, Any]) -> None:
    checked = validate(record)
    assert all(one.pop("held_rows") is None for one in checked["sets"])  # an old record has none, and no digest
    assert checked == {"digest": "", **record}


def test_records_as_the_audit_makes_them_are_sound() -> None:
    finding = records.Finding(
        code="LAB001",
        title="labels",
        outcome="found",
        estimate=Estimate(0.1, math.nan, math.inf, 3),
        details=(
            records.Table("t", ("a",), ("text",), ((1,),)),
            records.Bars("b", "share", (("x", 1.0, None, None),)),
            records.Histogram("h", ("a",), (1.0,), (1.0,)),
            records.Curve("c", "x", "y", (("s", (0.0,), (1.0,), (), ()),)),
        ),
        remedies=(records.Remedy("drop_rows", "Drop", True, rows=(1,)),),
        price=records.Price("accuracy", gain=Estimate(0.1, 0.0, 0.2, 5, 0.01)),
        power=records.Power("fault", "unit", None, curve=((0.1, 0.5, 10),)),
        rows=records.Rows("train", 1, (records.Row(0, cells={"a": "1"}),), ("a",)),
    )
    record = records.AuditRecord("v", "good", {}, (), (), {}, (finding,), {}).to_dict()
    assert validate(record) == record


def as_shape(hint: Any) -> Any:
    """The type of `shapes` that says the same as a type hint of the records."""
    origin, options = get_origin(hint), get_args(hint)
    if hint is Estimate:
        names = get_type_hints(hint)
        needs = {name: as_shape(names[name]) for name in hint._fields if name not in hint._field_defaults}
        return Shape(needs, {name: (as_shape(names[name]), None) for name in hint._field_defaults})
    if dataclasses.is_dataclass(hint):
        return shape_of(hint)
    if origin is Literal:
        return set(options)
    if origin in (Union, UnionType):
        inner = [option for option in options if option is not NoneType]
        if len(inner) > 1:
            return Either(kinds={option.kind: shape_of(option) for option in inner})
        return float if inner == [float] else Either(as_shape(inner[0]))
    if origin is tuple:
        return [as_shape(options[0])] if options[-1] is Ellipsis else tuple(map(as_shape, options))
    if origin is dict:
        return {str: as_shape(options[1])}
    return object if hint is Any else hint


def shape_of(kind: Any) -> Shape:
    hints, shape = get_type_hints(kind), Shape({}, {})
    for field in dataclasses.fields(kind):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if default is dataclasses.MISSING:
            shape.needs[field.name] = as_shape(hints[field.name])
        else:
            shape.may[field.name] = (as_shape(hints[field.name]), records.to_plain(default))
    return shape


def test_the_shape_says_what_the_records_say() -> None:
    assert shape_of(records.AuditRecord) == AUDIT


def test_fields_that_an_older_version_did_not_write_get_their_defaults(record: dict[str, Any]) -> None:
    for finding in record["findings"]:
        for field in dataclasses.fields(records.Finding):
            if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING:
                finding.pop(field.name)
    for name in ("left_out", "ignored", "sources", "timings", "created", "version"):
        record.pop(name)
    checked = validate(record)
    assert checked["findings"][0]["rows"] is None
    assert checked["findings"][0]["remedies"] == []
    assert checked["ignored"] == {}


def test_unknown_fields_are_ignored_and_numbers_that_json_does_not_know_are_null(record: dict[str, Any]) -> None:
    record["tomorrow"] = 1
    record["findings"][0]["seconds"] = math.inf
    checked = validate(record)
    assert "tomorrow" not in checked
    assert checked["findings"][0]["seconds"] is None


DAMAGES: list[tuple[Damage, str]] = [
    (put("schema", value="something/else"), "'schema' should be 'holdfast/report/1', not the text 'something/else'"),
    (put("schema", value=None), "'schema' should be"),
    (put("schema", value="holdfast/report/99"), "newer Holdfast"),
    (lambda record: record.pop("verdict"), "'verdict' is missing"),
    (put("tone", value="great"), "'tone' should be one of 'bad', 'good', 'unknown', 'warn', not the text 'great'"),
    (put("tone", value=["good"]), "'tone' should be one of"),
    (put("findings", value="none"), "'findings' should be a list, not the text 'none'"),
    (put("findings", 2, value=None), r"'findings\[2\]' should be an object, not nothing"),
    (put("findings", 2, "outcome", value="fine"), r"'findings\[2\].outcome' should be one of"),
    (put("findings", 0, "price", "gain", "value", value="much"), r"'findings\[0\].price.gain.value' should be a num"),
    (put("findings", 0, "estimate", "n", value=True), r"'findings\[0\].estimate.n' should be a whole number, not true"),
    (put("findings", 0, "details", 0, "kind", value="pie"), r"details\[0\].kind' should be one of 'table', 'bars'"),
    (put("findings", 0, "details", 0, "types", 0, value="money"), r"types\[0\]' should be one of 'number'"),
    (put("findings", 0, "details", 0, "rows", 3, value=[1]), r"details\[0\].rows\[3\]' should have 4 entries, not 1"),
    (put("findings", 1, "details", 0, "series", 0, 2, value=[0.5]), r"series\[0\].y' should have 10 entries, not 1"),
    (put("findings", 2, "details", 0, "current", value=[1.0]), r"details\[0\].current' should have 2 entries, not 1"),
    (put("findings", 7, "details", 0, "items", 0, value=["x", 1.0]), r"items\[0\]' should be a list of 4, not a list"),
    (put("ignored", "X", value=3), r"'ignored.X' should be text, not the number 3"),
    (put("settings", "x", value={1, 2}), r"'settings.x' should be a plain JSON value, not a set"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=range(len(DAMAGES)))
def test_damage_is_named(record: dict[str, Any], damage: Damage, message: str) -> None:
    damage(record)
    with pytest.raises(ValueError, match=message):
        validate(record)


@pytest.mark.parametrize("record", [None, [], "x", 3])
def test_not_an_object(record: Any) -> None:
    with pytest.raises(ValueError, match="expected an object at the top"):
        validate(record)


def test_bottomless_nesting_is_an_error_and_not_a_crash(record: dict[str, Any]) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    record["settings"]["deep"] = deep
    with pytest.raises(ValueError, match="nested too deeply"):
        validate(record)
