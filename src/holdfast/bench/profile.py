"""Writing a profile: the choices of one bench, beside those of other families on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import holdfast
from holdfast.audit.load import InputError
from holdfast.audit.profile import SCHEMA, read_profile

KEPT = ("method", "name", "settings", "view", "found", "gain", "why")


def profile_of(record: dict[str, Any]) -> dict[str, Any]:
    """The profile of one bench."""
    evidence = {"measure": record["found"], "faults": sorted({fault["fault"] for fault in record["faults"]})}
    return {
        "schema": SCHEMA,
        "version": holdfast.__version__,
        "data": record["data"],
        "choices": {
            slot: {**{key: choice[key] for key in KEPT}, **evidence} for slot, choice in record["choices"].items()
        },
    }


def merged(path: Path, profile: dict[str, Any]) -> dict[str, Any]:
    """The profile with the choices that the file has for other purposes. `InputError` where it is of other data."""
    if not path.exists():
        return profile
    import json

    read_profile(path)
    known = json.loads(path.read_text(encoding="utf-8"))
    if known["data"].get("fingerprint") != profile["data"]["fingerprint"] or known["version"] != profile["version"]:
        raise InputError(
            f"{path} was made from other data or by another version: {known['data'].get('path')}, Holdfast "
            f"{known['version']}. Give another folder, or delete that file."
        )
    return {**profile, "choices": {**known["choices"], **profile["choices"]}}
