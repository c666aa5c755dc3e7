"""A profile: the methods that a bench chose by planting faults in one data set, for audits of the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import holdfast
from holdfast.audit.choice import Choice
from holdfast.audit.load import InputError, Loaded, safe_text
from holdfast.audit.load.errors import listed
from holdfast.audit.members import KINDS
from holdfast.lazy import FAMILIES, methods

SCHEMA = "holdfast/profile/1"
MOST_BYTES = 10_000_000
SLOTS = ("labels", "ood", "numbers", "categories", "rows", "classes", "estimation", "weighting")
VIEWS = ("", "model", "votes", *KINDS)


@dataclass(frozen=True)
class Profile:
    """Choices by purpose, and what they were chosen on: the training data's path, fingerprint, features and target."""

    choices: Mapping[str, Choice]
    data: Mapping[str, Any]
    version: str

    def remarks(self, loaded: Loaded, features: list[str]) -> tuple[str, ...]:
        """What a reader of the audit must know about the choice; `InputError` where the data have another shape.

        Other rows of the same columns and target are a remark; another target, task or other columns are refused.
        """
        told = {"target": loaded.task.target, "task": loaded.task.kind}
        for name, here in told.items():
            if self.data.get(name) != here:
                raise InputError(
                    f"the profile was made for {name} {self.data.get(name)!r}, these data have {here!r}. Make one for "
                    "them with `holdfast bench`."
                )
        strange = sorted(set(self.data.get("features", ())) ^ set(features))
        if strange:
            raise InputError(
                f"the profile was made for other columns: {listed(strange)} {'is' if len(strange) == 1 else 'are'} not "
                "in both. Make one for these data with `holdfast bench`."
            )
        said = []
        if self.data.get("fingerprint") != loaded.train.fingerprint:
            said.append(
                f"The methods were chosen by planting on other rows ({safe_text(str(self.data.get('path')), 200)}): "
                "they need not be the best for these."
            )
        if self.version != holdfast.__version__:
            said.append(f"The profile was made by Holdfast {safe_text(self.version, 40)}, not by this version.")
        return tuple(said)


def read_profile(source: Any) -> Profile:
    """A profile from a file, a dict, or a report of `holdfast.bench`. Raises `InputError` for what is none."""
    where = "the profile" if not isinstance(source, (str, Path)) else f"profile {safe_text(str(source), 200)}"
    record = _read(source, where)
    if not isinstance(record, Mapping) or not str(record.get("schema", "")).startswith("holdfast/profile/"):
        raise InputError(f"{where} is no profile: `holdfast bench` writes one (profile.json).")
    if record["schema"] != SCHEMA:
        raise InputError(
            f"{where} was written in the form {record['schema']!r}; this version reads {SCHEMA!r}. Make it anew with "
            "`holdfast bench`, or update with: pip install -U holdfast"
        )
    data, given = record.get("data"), record.get("choices")
    if not isinstance(data, Mapping) or not isinstance(given, Mapping) or not given:
        raise InputError(f"{where} is damaged: it has no data or no choices. Make it anew with `holdfast bench`.")
    choices = {slot: _choice(slot, entry, where) for slot, entry in given.items()}
    return Profile(choices, data, str(record.get("version", "")))


def _read(source: Any, where: str) -> Any:
    if hasattr(source, "profile"):
        return source.profile()
    if not isinstance(source, (str, Path)):
        return source
    path = Path(source)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{where} has {path.stat().st_size:,} bytes: no profile is as large.")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"cannot read {where}: {problem.strerror}.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{where} is not JSON: `holdfast bench` writes profiles (profile.json).") from None


def _choice(slot: str, entry: Any, where: str) -> Choice:
    """One choice, every part of it checked: a profile is input like any other."""
    if slot not in SLOTS or not isinstance(entry, Mapping):
        raise InputError(f"{where} is damaged: there is no choice of {safe_text(str(slot), 60)!r} to make.")
    name, settings, view = entry.get("method"), entry.get("settings", {}), entry.get("view", "")
    if name == "":
        return Choice("", {}, str(entry.get("name", "none")), slot)
    family = str(name).partition(".")[0]
    cls = methods(family).get(str(name)) if family in FAMILIES else None
    if cls is None or not isinstance(name, str) or name.startswith("faults."):
        raise InputError(f"{where} chooses {safe_text(str(name), 80)!r} for {slot}, which this version does not have.")
    if not isinstance(settings, Mapping) or view not in VIEWS:
        raise InputError(f"{where} is damaged: the settings of {name} for {slot} cannot be read.")
    unknown = sorted(set(settings) - set(cls.settings()))
    if unknown:
        raise InputError(f"{where}: {name} has no setting {safe_text(str(unknown[0]), 60)!r}.")
    return Choice(name, {str(key): value for key, value in settings.items()}, view, slot)
