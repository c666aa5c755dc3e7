"""What a check is: a code that is never reused, a title that names the bad state, and one `run`.

`run` names the facts it reads as arguments; `holdfast.audit.probes` supplies them. It ends in a `Finding` made by
`found`, `clear` or `unsure`, or raises `NotApplicable`, `Skipped` or `MissingExtra`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from holdfast.audit.records import Finding


class NotApplicable(Exception):
    """The question does not arise on this data; the message says why."""


class Skipped(Exception):
    """The question arises but was not answered; the message says why."""


class MissingExtra(Skipped):
    """An optional dependency is missing; the message holds the exact `pip install`."""


class Check:
    """Base of the checks. `methods` are what it stands on, by dotted name.

    `run(self, ...)` answers the check's question from the facts that it names as arguments. `faults` are the classes of
    `holdfast.faults` that it should find, the one that its all-clears are measured with first; where there is none,
    `unplantable` says why. `false_when_dealt`: dealing all rows to both sets at random makes the bad state untrue, so
    that whatever is then found is a false alarm. `fits`: `run` fits models of its own, and takes seconds on many rows.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ()
    faults: ClassVar[tuple[str, ...]] = ()
    unplantable: ClassVar[str] = ""
    false_when_dealt: ClassVar[bool] = False
    fits: ClassVar[bool] = False
    run: ClassVar[Callable[..., Finding]]

    def found(self, summary: str, **parts: Any) -> Finding:
        """The bad state that the title names is there."""
        return self._finding("found", summary, parts)

    def clear(self, summary: str, **parts: Any) -> Finding:
        """Looked, and nothing found."""
        return self._finding("clear", summary, parts)

    def unsure(self, summary: str, **parts: Any) -> Finding:
        """The interval straddles the threshold: more rows would tell."""
        return self._finding("unsure", summary, parts)

    def _finding(self, outcome: Any, summary: str, parts: dict[str, Any]) -> Finding:
        return Finding(
            code=self.code, title=self.title, outcome=outcome, summary=summary, sources=self.methods, **parts
        )


@cache
def checks() -> tuple[type[Check], ...]:
    """Every check of the folder `checks/`, in the order of their codes: there is nothing to register."""
    folder = Path(__file__).parent / "checks"
    for path in sorted(folder.glob("[!_]*.py")):
        import_module(f"holdfast.audit.checks.{path.stem}")
    return tuple(sorted(Check.__subclasses__(), key=lambda check: check.code))
