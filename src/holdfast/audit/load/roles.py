"""The role of every column: as given, or inferred from its name and cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.audit.load.data import ROLES
from holdfast.audit.load.errors import InputError, did_you_mean, quoted
from holdfast.audit.load.series import mean

if TYPE_CHECKING:
    import polars

UNIQUE = 0.98  # share of distinct cells from which a column of codes names its rows
NEARLY_UNIQUE = 0.9  # the same where the column's name says so: ids repeat where rows do
ID_WORDS = {"id", "ids", "uuid", "guid", "key", "index", "idx", "rowid", "identifier", "number", "email", "name"}
ENTITY_WORDS = {
    *("patient", "subject", "user", "customer", "client", "person", "speaker", "author", "account", "household"),
    *("family", "participant", "donor", "member", "worker", "employee", "respondent", "writer", "device"),
}
TIME_WORDS = {"time", "timestamp", "datetime", "date", "epoch", "step", "t"}
WEIGHTS = {"sampleweight", "sampleweights", "instanceweight", "caseweight", "rowweight", "fnlwgt"}
PROBABILITY = re.compile(r"^(?:y_?)?(?:pred(?:icted)?_)?prob(?:a|ability|abilities)?(?:_.*)?$|_pred_proba", re.I)
PREDICTION = re.compile(r"^(?:y_?(?:pred|hat)|pred(?:iction|icted)?|predicted_label|model_prediction)$", re.I)
_CODE = r"^[A-Za-z0-9_\-:.]{4,}$"


def check_roles(roles: dict[str, str], columns: list[str], target: str | None) -> None:
    """Refuse unknown roles and columns, and two targets."""
    for name, role in roles.items():
        if role not in ROLES:
            raise InputError(f"column {quoted(name)} has the role {quoted(role)}; expected one of {', '.join(ROLES)}.")
        if name not in columns:
            raise InputError(f"No column {quoted(name)} to be the {role}.{did_you_mean(name, columns)}")
        if role == "target" and name != target:
            raise InputError(f"Two targets are given, {quoted(target)} and {quoted(name)}; expected one.")
        if role != "target" and name == target:
            raise InputError(f"column {quoted(name)} is given as the target and as {role}; expected one role.")


def infer_role(column: polars.Series, kind: str, distinct: int, other: polars.Series | None, known: int) -> str:
    """The role of a column that was given none. `other` is the same column of the test set.

    `column` may be a sample of the rows; `known` cells with `distinct` values are those of all rows.
    """
    simple = re.sub(r"[\W_]", "", column.name).lower()
    if kind == "empty":
        return "ignored"
    if kind in ("text", "image", "embedding"):
        return kind
    if kind == "date":
        return "time"
    if simple in WEIGHTS and kind == "number" and (column.drop_nulls() >= 0).all():
        return "weight"
    if PREDICTION.match(column.name):
        return "ignored"
    if PROBABILITY.search(column.name) and kind == "number" and column.drop_nulls().is_between(0, 1).all():
        return "proba"
    if kind == "boolean" or column.dtype.is_float():
        return "feature"
    return _naming_role(column, kind, distinct, other, known)


def words_of(name: str) -> list[str]:
    """The lower-case words of a column name.

    >>> words_of("customerId"), words_of("COMMENT_ID"), words_of("patient no. 2")
    (['customer', 'id'], ['comment', 'id'], ['patient', 'no', '2'])
    """
    return re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _naming_role(column: polars.Series, kind: str, distinct: int, other: polars.Series | None, known: int) -> str:
    """Whether the column names rows (id), moments (time), entities or sources (group), or is a feature."""
    words = words_of(column.name)
    has_id_name = bool(words) and (words[-1] in ID_WORDS or words[0] in ("id", "uuid"))
    is_named_id = has_id_name and distinct > NEARLY_UNIQUE * known
    is_code = distinct >= UNIQUE * known and _looks_like_codes(column, kind)
    if kind == "number" and _counts_rows(column, distinct == known, bool(re.fullmatch(r"column_\d+", column.name))):
        return "time" if TIME_WORDS & set(words) else "id"
    if known >= 10 and (is_named_id or is_code):
        return "id"
    if ENTITY_WORDS & set(words[-1:]) or (ENTITY_WORDS & set(words) and has_id_name):
        return "group" if has_id_name or (kind == "category" and distinct >= 10) else "feature"
    if has_id_name and words[-1] == "id" and 10 <= distinct >= 0.01 * known:
        return "group"
    return "group" if kind == "category" and _names_the_source(column, distinct, other) else "feature"


def _counts_rows(column: polars.Series, never_repeats: bool, is_nameless: bool) -> bool:
    """Unique integers that only go up (or down), as row numbers and clocks do."""
    if column.null_count() or not never_repeats or len(column) < (3 if is_nameless else 30):
        return False
    steps = column.diff().drop_nulls()
    return bool((steps > 0).all() or (steps < 0).all())


def _looks_like_codes(column: polars.Series, kind: str) -> bool:
    if kind != "category":
        return False
    cells = column.drop_nulls().head(1000)
    return bool(cells.str.contains(_CODE).all()) and mean(cells.str.contains(r"\d")) > 0.9


def _names_the_source(column: polars.Series, distinct: int, other: polars.Series | None) -> bool:
    """One value throughout train and only others in test, such as the hospital."""
    if other is None or distinct != 1 or column.dtype != other.dtype:
        return False
    others = other.drop_nulls().unique()
    return 0 < len(others) <= 50 and not others.is_in([column.drop_nulls()[0]]).any()
