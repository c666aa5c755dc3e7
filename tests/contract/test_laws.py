"""Every method obeys every law of its role."""

from __future__ import annotations

import os

import pytest

from holdfast.faults.worlds import worlds
from holdfast.lazy import methods
from holdfast.testing.laws import laws_of

TRAINED = ("language", "ood", "selection", "merging", "adaptation")  # families whose worlds train a model with torch
WANTED = os.environ.get("HOLDFAST_FAMILIES", "")  # set by `make check` to the families that changed
CASES = [
    pytest.param(name, law, id=f"{name}-{law}")
    for name, cls in methods().items()
    if not WANTED or name.split(".")[0] in WANTED.split(",")
    for law in laws_of(cls)
]


@pytest.mark.parametrize(("name", "law"), CASES)
def test_law(name: str, law: str) -> None:
    family = name.split(".")[0]
    if family in TRAINED:
        pytest.importorskip("torch", reason="the worlds of this family train a model with torch")
    cls = methods()[name]
    laws_of(cls)[law](cls, worlds(family))
