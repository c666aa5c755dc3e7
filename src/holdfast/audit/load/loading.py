"""Two sources -> data sets, roles and task: the first stage of an audit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.audit.load.data import DataSet, Loaded
from holdfast.audit.load.errors import InputError, closest, listed, quoted, safe_text
from holdfast.audit.load.kinds import column_kind
from holdfast.audit.load.read import read_table
from holdfast.audit.load.reconcile import reconcile
from holdfast.audit.load.roles import check_roles, infer_role
from holdfast.audit.load.targets import encode_target, find_target, infer_task
from holdfast.audit.load.weights import row_weights
from holdfast.audit.records import ColumnRecord

if TYPE_CHECKING:
    import polars

    from holdfast.audit.large.place import Place


def load(
    train: Any,
    test: Any = None,
    *,
    target: str | None = None,
    roles: dict[str, str] | None = None,
    task: str | None = None,
    place: Place | None = None,
) -> Loaded:
    """Read one or two data sets (file names or Python objects) and infer what was not given.

    `roles` maps column names to roles (`{"hospital": "group"}`); `task` is binary, multiclass or regression. Without
    a `target`, a column called target, label or class is taken. Raises `InputError`, and nothing else, for bad input.
    """
    target = None if target is None else str(target)
    given = {str(name): role for name, role in (roles or {}).items()}
    wanted = target or next((name for name, role in given.items() if role == "target"), None)
    first = read_table(train, "train", wanted, place)
    second = None if test is None else read_table(test, "test", wanted, place)
    names = list(dict.fromkeys([*first.frame.columns, *(second.frame.columns if second else [])]))
    found = find_target(first.frame.columns, target, given)
    check_roles(given, names, found)
    if wanted is None and found is not None:
        first = replace(first, notes=(*first.notes, f"no target was given: column {quoted(found)} was taken"))
    _refuse_one_row(first)
    if second is not None:
        first, second = _together(first, second, found)
    loaded = Loaded(first, second, _columns(first, second, found, target, given), infer_task(first, found, task))
    for data in (loaded.train, loaded.test):
        if data is not None:
            row_weights(loaded, data.name)  # refuses what is no weight before anything is fitted
    return _with_label_notes(loaded)


def _refuse_one_row(train: DataSet) -> None:
    if train.frame.height < 2:
        raise InputError(f"{safe_text(train.path, 200)} has one row; expected at least two rows to learn from.")


def _together(train: DataSet, test: DataSet, target: str | None) -> tuple[DataSet, DataSet]:
    """Equal types in common columns; what the two sets say about each other goes to the notes of test."""
    if not set(train.frame.columns) & set(test.frame.columns):
        raise InputError(
            f"{safe_text(test.path, 200)} shares no column with {safe_text(train.path, 200)}: it has "
            f"{listed(test.frame.columns)}; train has {listed(train.frame.columns)}. Is it the right file?"
        )
    notes = list(test.notes)
    if test.fingerprint == train.fingerprint:
        notes.append("test holds exactly the same rows as train: nothing that is measured on it is a test")
    if target is not None and target not in test.frame.columns:
        close = closest(target, sorted(set(test.frame.columns) - set(train.frame.columns)))
        hint = f" (did you mean its column {quoted(close)}?)" if close else ""
        notes.append(f"test has no column {quoted(target)}: it is taken as unlabelled{hint}")
    elif target is not None:
        _check_vectors(target, "target", column_kind(test.frame[target]))
    train_frame, test_frame, more = reconcile(train.frame, test.frame, target)
    return _retyped(train, train_frame), replace(_retyped(test, test_frame), notes=(*notes, *more))


def _retyped(data: DataSet, frame: polars.DataFrame) -> DataSet:
    whole = None if data.whole is None else data.whole.typed(data.frame.schema, frame.schema)
    return replace(data, frame=frame, whole=whole)


def _columns(
    train: DataSet, test: DataSet | None, target: str | None, given_target: str | None, roles: dict[str, str]
) -> tuple[ColumnRecord, ...]:
    other = {} if test is None else {column.name: column for column in test.frame.iter_columns()}
    records = [_column(train, test, one, other.get(one.name), target, roles) for one in train.frame.iter_columns()]
    records = [replace(record, given=True) if record.name == given_target else record for record in records]
    known = set(train.frame.columns)
    extra = [column for name, column in other.items() if name not in known]
    return (*records, *(_only_in_test(test, column, roles) for column in extra if test is not None))


def _column(
    train: DataSet,
    test: DataSet | None,
    column: polars.Series,
    other: polars.Series | None,
    target: str | None,
    roles: dict[str, str],
) -> ColumnRecord:
    """What is known of a column of train; `other` is the column of this name in test."""
    name = column.name
    kind, distinct = column_kind(column), train.distinct(name)
    if kind == "empty" and other is not None:
        kind = column_kind(other)
    given = "target" if name == target else roles.get(name)
    role = given or infer_role(column, kind, distinct, other, train.rows - train.missing(name))
    _check_vectors(name, role, kind)
    kind = role if role in ("text", "image") else kind
    missing_test = None if test is None or other is None else test.missing(name) / test.rows
    return ColumnRecord(name, role, kind, train.missing(name) / train.rows, missing_test, distinct, name in roles)


def _check_vectors(name: str, role: str, kind: str) -> None:
    if role == "embedding" and kind != "embedding":
        raise InputError(
            f"column {quoted(name)} cannot be an embedding: it was read as {kind}. Expected a list of numbers in every "
            "row, all of one length: lists in Parquet, Arrow or JSON Lines, a 2-D array in a dict of columns, or "
            "'[0.1, 0.2]' in CSV."
        )
    if kind == "embedding" and role not in ("embedding", "feature", "ignored"):
        raise InputError(f"column {quoted(name)} holds vectors; it cannot be the {role}. Is it the right column?")


def _only_in_test(test: DataSet, column: polars.Series, roles: dict[str, str]) -> ColumnRecord:
    name, kind, distinct = column.name, column_kind(column), test.distinct(column.name)
    missing = test.missing(name)
    role = roles.get(name) or infer_role(column, kind, distinct, None, test.rows - missing)
    return ColumnRecord(name, role, kind, None, missing / test.rows, distinct, name in roles)


def _with_label_notes(loaded: Loaded) -> Loaded:
    """Labels that are missing, repaired or unseen in train are told in the notes of each set."""
    target = loaded.task.target
    if target is None:
        return loaded
    train = replace(loaded.train, notes=(*loaded.train.notes, *encode_target(loaded, "train")[1]))
    test = loaded.test
    if test is not None and target in test.frame.columns:
        test = replace(test, notes=(*test.notes, *encode_target(loaded, "test")[1]))
    return replace(loaded, train=train, test=test)
