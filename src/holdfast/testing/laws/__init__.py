"""The laws that every method of a role obeys, a file a role. A law's name is its error message.

`check_method(cls)` runs them all on one method, also on a third party's: give it the worlds to live in. The laws of
interface run in any world; the laws of substance run in the worlds that the method claims and in those where it says
it is blind.
"""

from __future__ import annotations

from holdfast.core import Method
from holdfast.testing.laws import (
    adapter,
    common,
    editor,
    fault,
    grouper,
    mapper,
    measure,
    mixer,
    objective,
    scorer,
    selector,
    weigher,
)
from holdfast.testing.laws.running import Law, Worlds, call, run

__all__ = ["Law", "Worlds", "call", "check_method", "laws_of", "run"]

_BY_ROLE: dict[str, tuple[Law, ...]] = {
    "scorer": (*common.LAWS, *scorer.LAWS),
    "measure": (*common.LAWS, *measure.LAWS),
    "grouper": (*common.LAWS, *grouper.LAWS),
    "weigher": (*common.LAWS, *weigher.LAWS),
    "mixer": (*common.LAWS, *mixer.LAWS),
    "selector": (*common.LAWS, *selector.LAWS),
    "objective": objective.LAWS,
    "editor": editor.LAWS,
    "fault": (*common.DOCUMENTED, *fault.LAWS),
}


def laws_of(cls: type[Method]) -> dict[str, Law]:
    """The laws of a method's role, by name."""
    laws = _BY_ROLE.get(cls.role, common.LAWS)
    if getattr(cls, "adapts", False):
        laws = adapter.LAWS
    if cls.role == "mapper":
        laws = (*common.LAWS, *mapper.LAWS[cls.gives])  # type: ignore[attr-defined]
    return {law.__name__: law for law in laws}


def check_method(cls: type[Method], worlds: Worlds) -> None:
    """Run every law of the role; raises `AssertionError` with the name of the first law broken."""
    for name, law in laws_of(cls).items():
        try:
            law(cls, worlds)
        except AssertionError as broken:
            raise AssertionError(f"{cls.__name__} breaks the law {name!r}: {broken}") from None
