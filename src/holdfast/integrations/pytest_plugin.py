"""The pytest plugin: the fixture `holdfast`, whose `assert_holds` fails a test when an audit closes its gate.

Loaded by pytest wherever Holdfast is installed: nothing heavy is imported before the fixture is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from holdfast.audit.report import Report


class HoldfastAssertions:
    """What the fixture `holdfast` gives."""

    def assert_holds(
        self,
        train: Any,
        test: Any = None,
        model: Any = None,
        *,
        target: str | None = None,
        fail_on: str | float | Sequence[str | float] = (),
        report: str | Path | None = None,
        **settings: Any,
    ) -> Report:
        """Audit, and fail the test when the gate closes; returns the report.

        `fail_on` takes prices (0.01: a remedy surely gains more) and codes of checks. Without it the test fails when
        performance does not hold on the test set: measured (PER001) where it has labels, estimated (PER002) where it
        has none. With codes alone only those checks are run, unpriced: that takes seconds. `report` names a folder for
        report.html and report.json, written before the test fails. Other settings are those of `holdfast.audit`.

        Raises `AssertionError` with the reasons; a check that could not be judged fails the test too. Wrong input is
        an `InputError`.
        """
        __tracebackhide__ = True
        import holdfast
        from holdfast.report.gate import judge

        conditions = _listed(fail_on) or ("PER001", "PER002")
        price, codes = _conditions(conditions, settings)
        if price is None:
            settings = {"quick": True, "only": codes, **settings}
        made = holdfast.audit(train, test, model=model, target=target, **settings)
        if report is not None:
            made.save(report)
        reasons = judge(made.to_dict(), price, codes).reasons if fail_on else _performance(made)
        if reasons:
            lines = [f"{code}: {reason}" for code, reason in reasons.items()]
            raise AssertionError("\n".join(["the data do not hold:", *lines]))
        return made


@pytest.fixture(scope="session")
def holdfast() -> HoldfastAssertions:
    """Assertions about data: `holdfast.assert_holds(train, test, model, target="income")`."""
    return HoldfastAssertions()


def _listed(fail_on: str | float | Sequence[str | float]) -> tuple[str | float, ...]:
    return (fail_on,) if isinstance(fail_on, (str, float, int)) else tuple(fail_on)


def _conditions(given: tuple[str | float, ...], settings: dict[str, Any]) -> tuple[float | None, tuple[str, ...]]:
    from holdfast.audit.check import checks
    from holdfast.audit.load import InputError
    from holdfast.report.gate import read_conditions

    known = {check.code for check in checks()}
    ignored, only = settings.get("ignore") or {}, settings.get("only") or ()
    try:
        return read_conditions(given, known, ignored, only, bool(settings.get("quick")))
    except ValueError as problem:  # in the words of the command line
        raise InputError(str(problem).replace("--fail-on", "fail_on").replace("--", "")) from None


def _performance(made: Report) -> dict[str, str]:
    """Why performance does not hold, or cannot be judged: as measured with labels, else as estimated without."""
    measured, estimated = made["PER001"], made["PER002"]
    finding = measured if measured.outcome != "not_applicable" else estimated
    if finding.outcome == "found":
        return {finding.code: finding.summary}
    if finding.outcome in ("clear", "unsure"):
        return {}
    return {finding.code: f"could not be judged: {finding.reason}"}
