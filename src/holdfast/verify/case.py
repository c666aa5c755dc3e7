"""An audit taken up again: its report, checked, and the same data that it was made from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from holdfast.audit.check import NotApplicable
from holdfast.audit.load import InputError, Loaded, load, safe_text
from holdfast.audit.probes import Probes
from holdfast.audit.records import Remedy, digest_of
from holdfast.audit.settings import Settings


@dataclass(frozen=True)
class Case:
    """A checked report with the data behind it. `facts` are those of the audit, computed again when asked for."""

    record: dict[str, Any]
    loaded: Loaded
    settings: Settings
    model: Any = None
    fresh: bool = False  # the test set is another than the audit's: none of its rows was ever looked at

    @cached_property
    def facts(self) -> Probes:
        """The facts that checks read, over the whole data."""
        return Probes(loaded=self.loaded, settings=self.settings, given_model=self.model, given_proba=None)

    @property
    def judged(self) -> str:
        """Which set holds the untouched rows that judge: "test" where it has labels, else "train" (out of fold)."""
        labelled = self.fresh or any(one["name"] == "test" and one["labelled"] for one in self.record["sets"])
        return "test" if labelled else "train"


def read_case(report: Any, train: Any = None, test: Any = None, model: Any = None, may_be_fresh: bool = False) -> Case:
    """The report (a `Report`, its dict, report.json or the folder that holds it) with its data, both checked.

    `train` and `test` say where the data are now; without them the paths in the report are read. `may_be_fresh` lets
    `test` be another labelled test set. Raises `InputError` where the report was changed by hand, was written by
    another version, or was made from other data.
    """
    record = read_report(report)
    if record["task"].get("kind", "none") == "none":
        raise InputError("the audit had no target column: without one, no repair can be judged. Audit with a target.")
    if "(given)" in str(record["model"].get("name", "")) and model is None:
        raise InputError(
            f"the audit judged your own model, {safe_text(record['model']['name'])}: give it again (model=, --model)."
        )
    sets = {one["name"]: one for one in record["sets"]}
    _refuse_sampled(sets)
    sources = {"train": train, "test": test}
    for name, one in sets.items():
        if sources[name] is None:
            sources[name] = _path_of(one)
    if sources["test"] is not None and "test" not in sets and not may_be_fresh:
        raise InputError("the audit had no test set, but one was given. Audit both sets together first.")
    loaded = _load(record, sources)
    known = {name: one["fingerprint"] for name, one in sets.items()}
    fresh = may_be_fresh and loaded.test is not None and loaded.test.fingerprint != known.get("test")
    for name, one in sets.items():
        if not (fresh and name == "test"):
            _same(one, getattr(loaded, name))
    case = Case(record, loaded, _settings(record), model, fresh)
    if fresh and not _has_labels(case):
        raise InputError("the test set given has no labels: nothing can be verified on it.")
    return case


def _refuse_sampled(sets: Mapping[str, Any]) -> None:
    for name, one in sets.items():
        if one["held_rows"] is not None and one["held_rows"] < one["rows"]:
            raise InputError(
                f"of the {one['rows']:,} {name} rows the audit held a random {one['held_rows']:,}, and its remedies "
                "name rows of those alone. Audit with --hold-rows above that, or repair a part of the table."
            )


def read_report(report: Any) -> dict[str, Any]:
    """A checked copy of a report; `InputError` says what is wrong with it."""
    from holdfast.report import validate

    where = "the report"
    if isinstance(report, (str, os.PathLike)):
        path = Path(report)
        path = path / "report.json" if path.is_dir() else path
        where = safe_text(path, 200)
        report = read_json(path, "a report.json that an audit wrote")
    elif hasattr(report, "to_dict"):
        report = report.to_dict()
    if not isinstance(report, Mapping):
        raise InputError(f"{where} is a {type(report).__name__}; expected a Report, its dict, or a report.json.")
    try:
        record = validate(dict(report))
    except ValueError as problem:
        raise InputError(f"{where}: {problem}") from None
    if not report.get("digest"):
        raise InputError(f"{where} has no digest: an older Holdfast wrote it. Run the audit again.")
    if digest_of(dict(report)) != report["digest"]:
        raise InputError(
            f"{where} was changed after it was written (its digest does not match). Nothing was repaired. Run the "
            "audit again, or restore the file."
        )
    return record


def read_json(path: Path, expected: str) -> Any:
    """The content of a JSON file; `InputError` says what is wrong."""
    shown = safe_text(path, 200)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no file {shown}; expected {expected}.") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{shown} cannot be read ({safe_text(problem, 120)}); expected {expected}.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{shown} is not JSON, or is cut off; expected {expected}.") from None


def remedy_of(plain: Mapping[str, Any]) -> Remedy:
    """A remedy as it stands in a report."""
    lists = {name: tuple(plain[name]) for name in ("rows", "columns", "values")}
    return Remedy(
        plain["action"], plain["title"], plain["safe"], plain["set"], settings=dict(plain["settings"]), **lists
    )


def _has_labels(case: Case) -> bool:
    try:
        return len(case.facts["test_y"]) > 0
    except NotApplicable:
        return False


def _path_of(one: Mapping[str, Any]) -> str:
    if one["path"].startswith("<") or not one["path"]:
        raise InputError(f"the audit's {one['name']} set was an object in memory: give it again ({one['name']}=).")
    return str(one["path"])


def _load(record: Mapping[str, Any], sources: Mapping[str, Any]) -> Loaded:
    """Read as the audit read: what was inferred then is given now, but nothing that would change how cells are read."""
    target = record["task"]["target"]
    columns = record["columns"]
    roles = {one["name"]: one["role"] for one in columns if one["role"] != "target"}
    given = any(one["given"] for one in columns if one["name"] == target)
    try:
        loaded = load(
            sources["train"],
            sources["test"],
            target=target if given else None,
            roles=roles,
            task=record["task"]["kind"],
        )
    except InputError as problem:
        raise InputError(
            f"{problem} (The report was made from this data; it can be given anew: train=, --train.)"
        ) from None
    return loaded


def _same(one: Mapping[str, Any], data: Any) -> None:
    if data.fingerprint == one["fingerprint"]:
        return
    height, width = data.frame.shape
    was, now = f"{one['rows']:,} rows x {one['columns']:,} columns", f"{height:,} rows x {width:,} columns"
    raise InputError(
        f"{safe_text(data.path, 200)} is not the {one['name']} set that the report was made from: {was} then, {now} now"
        f"{', with other content' if was == now else ''}. Nothing was repaired. Give the same data or audit again."
    )


def _settings(record: Mapping[str, Any]) -> Settings:
    from dataclasses import fields

    known = {field.name for field in fields(Settings)}
    given = {name: value for name, value in record["settings"].items() if name in known}
    return Settings(**{**given, "only": tuple(given.get("only", ())), "rows_shown": 0})
