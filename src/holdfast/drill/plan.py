"""Which check is asked about which fault, where it is planted, and what cannot be asked, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature

import holdfast.faults
from holdfast.audit.check import Check, checks
from holdfast.audit.load import InputError
from holdfast.audit.load.errors import did_you_mean
from holdfast.audit.planting import tables_of
from holdfast.audit.power import fault_named, refits
from holdfast.audit.probes import derived_from
from holdfast.core import Fault
from holdfast.drill.ground import UNTOUCHED, Ground
from holdfast.faults._tables import CannotPlant

REFIT_ROWS = 2_000  # of each set, where models are fitted again for every copy


@dataclass(frozen=True)
class Pair:
    """A check and a fault it should find: on which ground, with how many rows a set, and what counts as found.

    `reason` says why the pair is not drilled; then the rest means nothing.
    """

    check: str
    fault: str
    deal: int = UNTOUCHED
    most: int = 0
    by_rows: bool = False
    reason: str = ""


def chosen_checks(codes: Sequence[str]) -> list[type[Check]]:
    """The checks asked for, all where none is named; `InputError` for one that does not exist."""
    known = {check.code: check for check in checks()}
    for code in codes:
        if code not in known:
            raise InputError(f"there is no check {code!r}.{did_you_mean(code, known)}")
    return [check for code, check in known.items() if not codes or code in codes]


def chosen_faults(names: Sequence[str]) -> list[str]:
    """The faults asked for, all where none is named; `InputError` for one that does not exist."""
    known = dir(holdfast.faults)
    for name in names:
        if name not in known:
            raise InputError(f"there is no fault {name!r}.{did_you_mean(name, known)}")
    return list(names) if names else known


def rows_to_ask(check: type[Check], most: int) -> int:
    """Rows a set when every fact is new: few for checks that stand on a fitted model."""
    fits = check.fits or "model" in derived_from(signature(check.run).parameters)
    return min(most, REFIT_ROWS) if fits else most


def sizes_of(check: type[Check], faults: Sequence[str], ground: Ground, most: int) -> list[int]:
    """Rows a set at which the check is asked about the untouched tables: everywhere it is later asked about faults."""
    sizes = {rows_to_ask(check, most)}
    for name in check.faults:
        with suppress(CannotPlant):
            sizes |= {_size(check, fault_named(name), ground, most)} if name in faults else set()
    return sorted(sizes)


def pairs_of(
    check: type[Check], faults: Sequence[str], ground: Ground, most: int, outcome: Mapping[int, dict], clear_deal: int
) -> list[Pair]:
    """The check with each of its faults that was asked for.

    `outcome` is what it says of the untouched tables, by rows a set. `clear_deal` is the first deal in which it finds
    nothing: where it finds something in the untouched tables, an alarm there would tell nothing.
    """
    return [_pair(check, name, ground, most, outcome, clear_deal) for name in check.faults if name in faults]


def _pair(
    check: type[Check], name: str, ground: Ground, most: int, outcome: Mapping[int, dict], clear_deal: int
) -> Pair:
    try:
        size = _size(check, fault_named(name), ground, most)
    except CannotPlant as problem:
        return Pair(check.code, name, reason=str(problem).rstrip("."))
    said = outcome[size]
    if said["outcome"] in ("not_applicable", "skipped", "error"):
        return Pair(check.code, name, reason=said["reason"].rstrip("."))
    if said["outcome"] != "found":
        return Pair(check.code, name, UNTOUCHED, size)
    if check.false_when_dealt and clear_deal != UNTOUCHED:
        return Pair(check.code, name, clear_deal, rows_to_ask(check, most))
    if said["names_rows"]:
        return Pair(check.code, name, UNTOUCHED, size, by_rows=True)
    reason = "it finds something in the untouched data already and names no rows: an alarm would tell nothing"
    return Pair(check.code, name, reason=reason)


def _size(check: type[Check], fault: Fault, ground: Ground, most: int) -> int:
    """Rows a set for this pair. Raises `CannotPlant` where even the largest fault has no place in this data."""
    few = min(most, REFIT_ROWS)
    tables = tables_of(ground.base(UNTOUCHED, few).facts["loaded"])
    return few if refits(check, fault, tables) else most
