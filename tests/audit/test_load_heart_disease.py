"""The bundled data: what it must hold, and the first thread through reading."""

from importlib.resources import files

import numpy as np
import pytest

from holdfast.audit.load import InputError, encode_target, load
from holdfast.datasets import heart_disease, load_heart_disease

# Patients without and with heart disease, from the documentation of the source.
COUNTS = {"cleveland": (164, 139), "hungarian": (188, 106), "switzerland": (8, 115), "long_beach": (51, 149)}


def test_the_bundled_data_agrees_with_its_documentation():
    for frame in load_heart_disease():
        for hospital in frame["hospital"].unique():
            disease = frame.filter(frame["hospital"] == hospital)["disease"]
            assert ((disease == "no").sum(), (disease == "yes").sum()) == COUNTS[hospital], hospital


def test_the_bundled_data_carries_its_licence_and_citation():
    text = (files("holdfast.datasets") / "bundled/heart_disease/README.md").read_text()
    for part in ("CC BY 4.0", "Janosi", "Steinbrunn", "Pfisterer", "Detrano", "10.24432/C52P4X"):
        assert part in text


def test_two_files_are_read_with_roles_kinds_and_task():
    loaded = load(*heart_disease(), target="disease")
    assert (loaded.task.kind, loaded.task.classes) == ("binary", ("no", "yes"))
    assert loaded.train.frame.shape == (303, 15)
    assert loaded.test.frame.shape == (617, 15)
    roles = {column.name: (column.role, column.kind, column.given) for column in loaded.columns}
    assert roles["disease"] == ("target", "category", True)
    assert roles["age"] == ("feature", "number", False)
    assert roles["hospital"] == ("group", "category", False), "it names the source: one value in train, others in test"
    assert len(loaded.features()) == 13
    missing = {column.name: column.missing_test for column in loaded.columns}
    assert missing["ca"] == pytest.approx(607 / 617)
    codes, notes = encode_target(loaded, "test")
    assert codes.dtype == np.int64
    assert np.bincount(codes).tolist() == [247, 370]
    assert notes == ()


def test_a_role_can_be_given():
    loaded = load(*heart_disease(), target="disease", roles={"sex": "group", "age": "ignored"})
    given = {column.name: column.role for column in loaded.columns if column.given}
    assert given == {"sex": "group", "age": "ignored", "disease": "target"}


def test_a_misspelt_target_is_guessed():
    with pytest.raises(InputError, match=r"No column 'diseas' in train\. Did you mean 'disease'\?"):
        load(*heart_disease(), target="diseas")
