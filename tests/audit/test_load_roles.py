"""Roles, kinds, the task and labels: inferred sensibly, shown, and overridden."""

import uuid

import numpy as np
import polars as pl
import pytest

from holdfast.audit.load import InputError, encode_target, load

N = 200
RNG = np.random.default_rng(0)
SENTENCES = ["the food was very good", "I would not come back here again", "quite a nice place to sit and read"]


def found(name, cells, other=None):
    loaded = load({name: cells, "filler": RNG.normal(size=len(cells))}, other)
    return loaded.columns[0]


@pytest.mark.parametrize(
    ("name", "cells", "role", "kind"),
    [
        ("PassengerId", RNG.permutation(N), "id", "number"),
        ("row", np.arange(N), "id", "number"),
        ("", np.arange(N), "id", "number"),
        ("t", np.arange(N), "time", "number"),
        ("whatever", [str(uuid.UUID(int=int(i) << 64)) for i in RNG.integers(1 << 40, size=N)], "id", "category"),
        ("COMMENT_ID", [f"z{i}" for i in range(N)], "id", "category"),
        ("customer_id", RNG.integers(40, size=N), "group", "number"),
        ("record_id", [i - (i % 20 == 0) for i in range(N)], "id", "number"),
        ("site_id", [i % 6 for i in range(N)], "feature", "number"),
        ("probability", RNG.uniform(0, 100, size=N), "feature", "number"),
        ("author", [f"person {i % 50}" for i in range(N)], "group", "category"),
        ("user", RNG.integers(3, size=N), "feature", "number"),
        ("age", RNG.integers(18, 90, size=N), "feature", "number"),
        ("grade", RNG.integers(1, 5, size=N), "feature", "number"),
        ("income", RNG.permutation(N) * 17 + 3, "feature", "number"),
        ("price", RNG.normal(size=N), "feature", "number"),
        ("zip", [f"{i % 90:05d}" for i in range(N)], "feature", "category"),
        ("city", [f"city {i % 150}" for i in range(N)], "feature", "category"),
        ("key", ["C major", "D minor"] * (N // 2), "feature", "category"),
        ("smoker", [True, False] * (N // 2), "feature", "boolean"),
        ("visited", [f"2024-01-{1 + i % 28:02d}" for i in range(N)], "time", "date"),
        ("review", [f"{SENTENCES[i % 3]} {i}" for i in range(N)], "text", "text"),
        ("status", [SENTENCES[i % 3] for i in range(N)], "feature", "category"),
        ("photo", [f"images/{i}.JPG" for i in range(N)], "image", "image"),
        ("sample_weight", RNG.uniform(size=N), "weight", "number"),
        ("weight", RNG.uniform(50, 90, size=N), "feature", "number"),
        ("y_pred_proba", RNG.uniform(size=N), "proba", "number"),
        ("problem", RNG.uniform(size=N), "feature", "number"),
        ("prediction", RNG.integers(2, size=N), "ignored", "number"),
        ("nothing", [None] * N, "ignored", "empty"),
    ],
)
def test_roles_and_kinds_are_inferred(name, cells, role, kind):
    column = found(name, list(cells))
    assert (column.role, column.kind, column.given) == (role, kind, False)


def test_what_names_the_source_is_a_group():
    other = {"site": ["b", "c"] * 10, "filler": [0.0] * 20}
    assert found("site", ["a"] * 20, other).role == "group"
    assert found("site", ["a", "b"] * 10, other).role == "feature"
    assert found("site", ["a"] * 20).role == "feature", "alone it is a constant column"


def test_every_role_can_be_given_and_shows_it():
    frame = {"a": [1.0, 2.0, 3.0, 4.0], "b": ["x", "y", "x", "y"], "c": [0, 1, 0, 1], "d": ["p q", "r", "s", "t"]}
    loaded = load(frame, roles={"a": "weight", "b": "group", "c": "target", "d": "text"})
    assert [(column.role, column.given) for column in loaded.columns] == [
        ("weight", True),
        ("group", True),
        ("target", True),
        ("text", True),
    ]
    assert loaded.columns[3].kind == "text"
    assert loaded.task.target == "c"
    assert loaded.features() == []
    assert [column.name for column in loaded.with_role("group")] == ["b"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "Y"}, r"No column 'Y' in train\. Did you mean 'y'\?"),
        ({"target": "zebra"}, r"No column 'zebra' in train\. It has: 'xx', 'y'\."),
        ({"roles": {"xy": "id"}}, r"No column 'xy' to be the id\. Did you mean 'y'\?"),
        ({"roles": {"xx": "features"}}, r"column 'xx' has the role 'features'; expected one of target, id"),
        ({"target": "y", "roles": {"xx": "target"}}, r"Two targets are given"),
        ({"target": "y", "roles": {"y": "id"}}, r"given as the target and as id"),
        ({"target": "y", "task": "clustering"}, r"task is 'clustering'; expected one of binary"),
        ({"task": "binary"}, r"no target is given"),
        ({"target": "y", "task": "regression"}, r"holds text such as 'a'; expected numbers"),
        ({"target": "xx", "task": "binary"}, r"has 4 classes; expected 2"),
    ],
)
def test_what_is_given_wrongly(options, message):
    with pytest.raises(InputError, match=message):
        load({"xx": [1, 2, 3, 4], "y": ["a", "b", "a", "b"]}, **options)


@pytest.mark.parametrize(
    ("labels", "kind", "classes"),
    [
        ([0, 1] * 20, "binary", ("0", "1")),
        ([0.0, 1.0, None, 1.0] * 10, "binary", ("0", "1")),
        ([True, False] * 20, "binary", ("false", "true")),
        (["no", "yes"] * 20, "binary", ("no", "yes")),
        (["10", "9", "1"] * 20, "multiclass", ("1", "9", "10")),
        ([3, 4, 5, 10] * 10, "multiclass", ("3", "4", "5", "10")),
        (list(range(40)), "regression", ()),
        (list(range(11)) * 4, "regression", ()),
        (list(range(10)) * 4, "multiclass", tuple("0123456789")),
        ([0.5, 1.5, 2.5] * 10, "regression", ()),
        ([1.5, 2.5] * 10, "binary", ("1.5", "2.5")),
    ],
)
def test_the_task_is_inferred(labels, kind, classes):
    loaded = load({"x": list(range(len(labels))), "y": labels}, target="y")
    assert (loaded.task.kind, loaded.task.classes) == (kind, classes)


def test_the_task_can_be_given():
    frame = {"x": RNG.normal(size=60), "y": [i % 15 for i in range(60)]}
    assert load(frame, target="y").task.kind == "regression"
    assert len(load(frame, target="y", task="multiclass").task.classes) == 15
    assert load(frame, target="y", task="classification").task.kind == "multiclass"
    assert load({"x": [1, 2, 3, 4], "y": [0, 1, 0, 1]}, target="y", task="regression").task.kind == "regression"


def test_a_target_is_taken_by_name_and_said():
    loaded = load({"x": [1, 2, 3, 4], "label": ["a", "b", "a", "none"]})
    assert loaded.task.target == "label"
    assert loaded.task.classes == ("a", "b", "none"), "labels are kept as those of a given target"
    assert not loaded.columns[1].given
    assert loaded.train.notes == ("no target was given: column 'label' was taken",)
    assert load({"x": [1, 2], "label": ["a", "b"]}, roles={"label": "feature"}).task.kind == "none"
    assert load({"class": [1, 2], "label": ["a", "b"]}).task.kind == "none", "two candidates are none"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 1, 1], r"target 'y' in <builtins dict> is always '1' \(3 rows\); expected at least two values"),
        (["a", None, "a"], r"is always 'a' \(2 rows\)"),
        ([None, None, None], r"has no label in any of 3 rows"),
        (["?", "", "NA"], r"has no label in any of 3 rows"),
        ([f"free text {i}" for i in range(3000)], r"3,000 different values in 3,000 rows.*Is it an id or free text"),
    ],
)
def test_targets_that_cannot_be_learnt(labels, message):
    with pytest.raises(InputError, match=message):
        load({"x": list(range(len(labels))), "y": labels}, target="y")


def test_labels_become_codes_and_oddities_are_told():
    train = {"x": [1.0, 2.0, 3.0, 4.0], "y": ["cat", "dog", None, "dog"]}
    test = {"x": [1.0, 2.0, 3.0, 4.0, 5.0], "y": ["Dog.", "cow", None, " cat", "cow"]}
    loaded = load(train, test, target="y")
    codes, notes = encode_target(loaded, "train")
    assert codes.tolist() == [0, 1, -1, 1]
    assert notes == ("no label in 1 row",)
    codes, notes = encode_target(loaded, "test")
    assert codes.tolist() == [1, -1, -1, 0, -1]
    assert notes == (
        "label 'cat' was read as 'cat'",
        "label 'Dog.' was read as 'dog'",
        "labels that train does not have, in 2 rows: 'cow'",
        "no label in 1 row",
    )
    assert loaded.test.notes == notes


def test_labels_that_only_look_alike_to_one_of_two_stay_apart():
    loaded = load({"x": [1, 2, 3], "y": ["a", "A", "b"]}, {"x": [1, 2], "y": ["A.", "a"]}, target="y")
    assert encode_target(loaded, "test")[0].tolist() == [-1, 1], "'A.' could be either"


def test_numeric_labels_match_however_they_are_written(tmp_path):
    (tmp_path / "test.csv").write_text("x,y\n1,1.0\n2,0.0\n3,\n")
    loaded = load({"x": [1, 2, 3, 4], "y": [0, 1, 0, 1]}, tmp_path / "test.csv", target="y")
    assert encode_target(loaded, "test")[0].tolist() == [1, 0, -1]


def test_a_regression_target_is_numbers_with_gaps():
    loaded = load({"x": range(12), "y": [*range(11), None]}, {"x": [1, 2, 3], "y": ["1.5", "dear", None]}, target="y")
    assert loaded.task.kind == "regression"
    values, _ = encode_target(loaded, "train")
    assert values.dtype == np.float64
    assert np.isnan(values[-1])
    values, notes = encode_target(loaded, "test")
    assert values[0] == 1.5
    assert np.isnan(values[1:]).all()
    assert notes == ("a target that is not a number in 1 row: it counts as missing", "no target in 1 row")


def test_a_test_set_without_labels_or_with_other_columns():
    train = {"a": [1, 2, 3], "b": [1, 2, 3], "y": [0, 1, 0]}
    loaded = load(train, {"a": [1, 2], "c": [1, 2], "Y": [0, 1]}, target="y")
    assert [column.name for column in loaded.columns] == ["a", "b", "y", "c", "Y"]
    assert [column.name for column in loaded.features()] == ["a"]
    missing = {column.name: (column.missing_train, column.missing_test) for column in loaded.columns}
    assert missing["b"] == (0.0, None)
    assert missing["c"] == (None, 0.0)
    assert loaded.test.notes[0] == "test has no column 'y': it is taken as unlabelled (did you mean its column 'Y'?)"
    assert loaded.test.notes[1].startswith("1 column(s) are only in train and not used as features: 'b'")
    assert loaded.test.notes[2].startswith("2 column(s) are only in test and not used as features: 'c', 'Y'")
    with pytest.raises(InputError, match="test has no target to encode"):
        encode_target(loaded, "test")
    with pytest.raises(InputError, match=r"shares no column with .*it has 'q'; train has 'a', 'b', 'y'"):
        load(train, {"q": [1]}, target="y")


def test_a_test_set_that_is_the_training_set():
    train = {"a": [1.5, 2.0, 3.0], "y": ["u", "v", "u"]}
    assert "exactly the same rows as train" in load(train, pl.DataFrame(train), target="y").test.notes[0]
    assert load(train, {"a": [1.5, 2.0, 3.5], "y": ["u", "v", "u"]}, target="y").test.notes == ()


def test_a_column_missing_throughout_one_set():
    loaded = load({"a": [None, None], "b": [1, 2]}, {"a": ["u", "v"], "b": [1, 2]})
    column = loaded.columns[0]
    assert (column.kind, column.role, column.missing_train, column.missing_test) == ("category", "feature", 1.0, 0.0)
    loaded = load({"a": [None, None], "b": [1, 2]}, {"a": [None, None], "b": [1, 2]})
    assert (loaded.columns[0].kind, loaded.columns[0].role) == ("empty", "ignored")


def test_one_row():
    with pytest.raises(InputError, match="has one row; expected at least two"):
        load({"a": [1]})
    assert load({"a": [1, 2]}, {"a": [1]}).test.frame.height == 1
