"""A verification repeated: later, elsewhere, or on rows that nobody had when the repair was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holdfast.audit.load import InputError, safe_text
from holdfast.audit.records import digest_of, to_plain
from holdfast.core import Estimate
from holdfast.report import text
from holdfast.report.verification import validate_verification
from holdfast.verify.case import read_case, read_json
from holdfast.verify.claims import Claim, alone, together
from holdfast.verify.holdout import Guard
from holdfast.verify.judge import judge
from holdfast.verify.plan import Candidate, choose
from holdfast.verify.trial import Trial


@dataclass(frozen=True)
class Verified:
    """Whether what a repair stated still holds: outcome "holds", "does_not_hold" or "cannot_tell"."""

    record: dict[str, Any]

    @property
    def outcome(self) -> str:
        """ "holds", "does_not_hold" or "cannot_tell"."""
        return str(self.record["outcome"])

    @property
    def verdict(self) -> str:
        """The outcome in one or two sentences."""
        return str(self.record["verdict"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: outcome, verdict, what was stated, what was found, changed files."""
        return dict(self.record)

    def __str__(self) -> str:
        return self.verdict


def verify(
    repair: str | Path,
    *,
    train: Any = None,
    test: Any = None,
    model: Any = None,
    seed: int | None = None,
    repeats: int | None = None,
) -> Verified:
    """Judge again what a repair chose, with new fits, and say whether its statement still holds.

    Parameters
    ----------
    repair
        The folder of a repair, or its verification.json; report.json must lie beside it.
    train, test
        Where the data are now. `test` may be another labelled test set: all of its rows then confirm, which is the
        stronger check. Without it the same confirming rows are looked at once more, and the look is counted.
    model
        The fitted model that the audit was given, where it was given one.
    seed, repeats
        Of the new fits; without, the next seed and the same number.

    Returns
    -------
    Verified
        "holds" where the gain was stated and is above zero again, or where none was stated and none is seen;
        "does_not_hold" where it is otherwise and the new interval excludes what was stated; else "cannot_tell".

    Raises
    ------
    InputError
        Where the folder is no repair, a file in it was changed, or the training data are others.
    """
    path = Path(repair) / "verification.json" if Path(repair).is_dir() else Path(repair)
    record, folder = _read(path), path.parent
    case = read_case(folder / "report.json", train, test, model, may_be_fresh=test is not None)
    if case.record["digest"] != record["report"]["digest"]:
        raise InputError(f"{safe_text(folder / 'report.json', 200)} is not the report that this repair was made from.")
    settings = record["settings"]
    case = replace(case, settings=replace(case.settings, seed=settings["seed"] + 1 if seed is None else seed))
    plan = choose(case.record, settings["only"], settings["safe_only"])
    chosen = _chosen(plan.candidates, record["judgement"]["chosen"])
    dropped = frozenset(row for one in plan.of_kind("measurement") for row in one.remedy.rows)
    own_test = case.judged == "test" and not case.fresh
    trial = Trial(case, repeats or settings["repeats"], case.settings.seed, dropped if own_test else frozenset())
    guard = Guard.open(getattr(case.loaded, case.judged).fingerprint, folder)
    stated = record["judgement"]
    at_once = 1.0 if case.fresh else stated["at_once"]  # the same rows: it was the best of several there
    _, found = judge(trial, _claims(trial, chosen, stated), guard, case.facts["metric"], at_once=at_once)
    outcome = _outcome(record["judgement"], found)
    return Verified(
        to_plain(
            {
                "schema": "holdfast/verified/1",
                "outcome": outcome,
                "verdict": _sentence(outcome, record["judgement"], found, case.fresh),
                "stated": record["judgement"],
                "found": found,
                "fresh": case.fresh,
                "looks": guard.looks,
            }
        )
    )


def _claims(trial: Trial, chosen: tuple[Candidate, ...], stated: Mapping[str, Any]) -> list[Claim]:
    """What was stated, on the rows that judged it; on all of them where they are new."""
    if not chosen:
        return []
    if stated["whole"] and not trial.case.fresh:
        return [alone(trial, chosen[0], trial.repeats)]
    return [replace(together(trial, chosen), is_adaptive=False)]


def _read(path: Path) -> dict[str, Any]:
    """The record of a repair, checked; and its files, by their digests."""
    from hashlib import blake2b

    given = read_json(path, "the verification.json of a repair")
    try:
        record = validate_verification(given)
    except ValueError as problem:
        raise InputError(f"{safe_text(path, 200)}: {problem}") from None
    if digest_of(given) != given.get("digest"):
        raise InputError(f"{safe_text(path, 200)} was changed after it was written: its digest does not match.")
    for name, digest in record["files"].items():
        file = path.parent / Path(name).parent.name / Path(name).name
        if not file.is_file():
            raise InputError(f"{safe_text(file, 200)} is missing; the repair wrote it. Repair again.")
        if blake2b(file.read_bytes(), digest_size=16).hexdigest() != digest:
            raise InputError(f"{safe_text(file, 200)} was changed after the repair wrote it. Repair again.")
    return record


def _chosen(candidates: tuple[Candidate, ...], names: list[str]) -> tuple[Candidate, ...]:
    known = {candidate.name: candidate for candidate in candidates}
    return tuple(known[name] for name in names if name in known)


def _outcome(stated: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """A statement is judged by what it claims: a gain above zero, or that none was to be had."""
    if found["gain"] is None:
        return "holds" if not stated["chosen"] else "cannot_tell"
    claimed = stated["outcome"] == "better"
    gain, then = Estimate(**found["gain"]), stated["gain"]
    if (gain.low > 0) == claimed:
        return "holds"
    if then is None:
        return "cannot_tell"
    apart = gain.high < then["value"] if claimed else gain.low > then["value"]
    return "does_not_hold" if apart else "cannot_tell"


def _sentence(outcome: str, stated: Mapping[str, Any], found: Mapping[str, Any], fresh: bool) -> str:
    start = {"holds": "Holds", "does_not_hold": "Does not hold", "cannot_tell": "Cannot be told"}[outcome]
    if found["gain"] is None:
        return f"{start}: the repair chose no remedy, so there is no gain to look for."
    metric = found["metric"]
    parts = [
        f"{text.gain(gain['value'], metric)} ({text.gain_span(gain, metric)})" if gain else "nothing"
        for gain in (stated["gain"], found["gain"])
    ]
    rows = "new rows" if fresh else "the confirming rows, with new fits"
    return f"{start}: {parts[0]} was stated, {parts[1]} is seen on {found['rows']:,} of {rows}."
