"""Every method obeys every law of its role."""

from __future__ import annotations

import pytest

from holdfast.faults.worlds import worlds
from holdfast.lazy import methods
from holdfast.testing.laws import laws_of

CASES = [
    pytest.param(name, law, id=f"{name}-{law}")
    for name, cls in methods().items()
    if not name.startswith("faults.")
    for law in laws_of(cls)
]


@pytest.mark.parametrize(("name", "law"), CASES)
def test_law(name: str, law: str) -> None:
    cls = methods()[name]
    laws_of(cls)[law](cls, worlds(name.split(".")[0]))
