"""Columns that were read with different types in the two sets -> one type, and a note that says which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.audit.load.errors import InputError, listed, quoted
from holdfast.audit.load.series import as_text, first_true
from holdfast.audit.load.vectors import is_embedding, width

if TYPE_CHECKING:
    import polars

NUMBERS_WIN = 0.5  # share of text cells that must be numbers for the column to count as numbers in both sets


def reconcile(
    train: polars.DataFrame, test: polars.DataFrame, target: str | None
) -> tuple[polars.DataFrame, polars.DataFrame, list[str]]:
    """Both frames with equal types in their common columns (the target is left as it is), and notes."""
    train_types, test_types = train.schema, test.schema
    common = [name for name, kind in train_types.items() if test_types.get(name, kind) != kind and name != target]
    agreed = [_agree(train[name], test[name]) for name in common]
    train, test = train.with_columns(left for left, _, _ in agreed), test.with_columns(right for _, right, _ in agreed)
    notes = [note for _, _, note in agreed if note]
    _check_widths(train, test)
    only_train = [name for name in train_types if name not in test_types and name != target]
    only_test = [name for name in test_types if name not in train_types]
    if only_train:
        notes.append(f"{len(only_train):,} column(s) are only in train and not used as features: {listed(only_train)}")
    if only_test:
        notes.append(f"{len(only_test):,} column(s) are only in test and not used as features: {listed(only_test)}")
    return train, test, notes


def _check_widths(train: polars.DataFrame, test: polars.DataFrame) -> None:
    others = {column.name: column for column in test.iter_columns()}
    for column in filter(is_embedding, train.iter_columns()):
        other = others.get(column.name, column)
        if min(len(each.drop_nulls()) for each in (column, other)) == 0:
            continue
        if width(column) != width(other):
            raise InputError(
                f"column {quoted(column.name)} holds vectors of {width(column):,} numbers in train and "
                f"{width(other):,} in test; expected one length. Did the same model make both?"
            )


def _agree(train: polars.Series, test: polars.Series) -> tuple[polars.Series, polars.Series, str]:
    import polars as pl

    for empty, other in ((train, test), (test, train)):
        if empty.null_count() == len(empty):
            cast = pl.Series(empty.name, [None] * len(empty), other.dtype)
            return (cast, other, "") if empty is train else (other, cast, "")
    kinds = {train.dtype, test.dtype}
    if is_embedding(train) or is_embedding(test):
        raise InputError(
            f"column {quoted(train.name)} is {_word(train)} in train and {_word(test)} in test; expected vectors of "
            "one length in both. Did the same model make both, and is every cell a list of numbers?"
        )
    if pl.String not in kinds:
        common = _common(kinds)
        if common is not None:
            return train.cast(common), test.cast(common), _boolean_note(train, kinds)
    elif kinds - {pl.String} <= {pl.Int64, pl.Float32, pl.Float64}:
        return _numbers_and_text(train, test)
    note = f"column {quoted(train.name)} is {_word(train)} in train and {_word(test)} in test: both were read as text"
    return as_text(train), as_text(test), note


def _common(kinds: set[Any]) -> Any:
    import polars as pl

    if kinds <= {pl.Int64, pl.Float32, pl.Float64}:
        return pl.Float64
    if kinds == {pl.Boolean, pl.Int64}:
        return pl.Int64
    if kinds <= {pl.Boolean, pl.Float32, pl.Float64}:
        return pl.Float64
    return pl.Datetime("us") if pl.Date in kinds and len(kinds) == 2 and pl.Datetime("us") in kinds else None


def _boolean_note(train: polars.Series, kinds: set[Any]) -> str:
    import polars as pl

    note = f"column {quoted(train.name)} is true/false in one set and numbers in the other"
    return note if pl.Boolean in kinds else ""


def _numbers_and_text(train: polars.Series, test: polars.Series) -> tuple[polars.Series, polars.Series, str]:
    import polars as pl

    text, where = (train, "train") if train.dtype == pl.String else (test, "test")
    parsed = text.str.strip_chars().cast(pl.Float64, strict=False)
    parsed = parsed.set(~parsed.is_finite().fill_null(True), None)
    stray = parsed.is_null() & text.is_not_null()
    row = first_true(stray)
    example = f"{int(stray.sum()):,} cell(s) in {where}, such as {quoted(text[row])} in row {row:,}"
    if stray.sum() <= (1 - NUMBERS_WIN) * (len(text) - text.null_count()):
        both = [parsed if each is text else each.cast(pl.Float64) for each in (train, test)]
        return both[0], both[1], f"column {quoted(text.name)}: {example}, are not numbers and count as missing"
    note = f"column {quoted(text.name)} holds numbers in one set and text in the other ({example}): both are text now"
    return as_text(train), as_text(test), note


def _word(column: polars.Series) -> str:
    import polars as pl

    if column.dtype.is_numeric():
        return "numbers"
    if is_embedding(column):
        return "vectors"
    if column.dtype == pl.Boolean:
        return "true/false"
    return "text" if column.dtype == pl.String else "dates"
