"""The powers of all-clears, kept between audits of the same data: a journal named by all that a power depends on."""

from __future__ import annotations

import pickle
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import holdfast
from holdfast.audit.journal import Journal
from holdfast.audit.load import InputError, safe_text
from holdfast.audit.probes import Probes
from holdfast.audit.records import Power, to_plain

LIBRARIES = ("numpy", "scipy", "scikit-learn", "polars")
SHOWN_ONLY = ("ignore", "only", "repeats", "rows_shown", "quick")  # settings that no power depends on


def open_kept(folder: Path | str | None, facts: Probes) -> Journal:
    """What is known of these data, settings, model and code. Without a folder nothing is kept.

    Anything else has another name, so that nothing old can be taken for it. A model that cannot be turned into bytes
    is recognised by nothing: then nothing is kept either.
    """
    belongs = None if folder is None else _belongs(facts)
    if folder is None or belongs is None:
        return Journal(None, {})
    return Journal(Path(folder) / f"{blake2b(repr(belongs).encode(), digest_size=12).hexdigest()}.power", belongs)


def check_folder(folder: Path | str | None) -> None:
    """What cannot keep anything is told before the work, not after it."""
    if folder is not None and Path(folder).exists() and not Path(folder).is_dir():
        raise InputError(f"cache {safe_text(folder, 200)} is a file; expected a folder.")


def power_of_entry(entry: dict[str, Any]) -> Power | None:
    """The power of an entry; None where it could not be measured."""
    plain = entry["power"]
    return None if plain is None else Power(**{**plain, "curve": tuple(map(tuple, plain["curve"]))})


def _belongs(facts: Probes) -> dict[str, Any] | None:
    loaded, settings = facts["loaded"], facts["settings"].to_dict()
    model, proba = facts["given_model"], facts["given_proba"]
    try:
        given = None if model is None else _digest(pickle.dumps(model, protocol=5))  # compared, never read back
    except Exception:  # whatever the user's class raises: it cannot be recognised again
        return None
    return {
        "data": [data.fingerprint for data in (loaded.train, loaded.test) if data is not None],
        "columns": [[column.name, column.role, column.kind] for column in loaded.columns],
        "target": loaded.task.target, "task": loaded.task.kind,
        "settings": to_plain({name: value for name, value in settings.items() if name not in SHOWN_ONLY}),
        "model": given, "proba": None if proba is None else _digest(np.ascontiguousarray(proba).tobytes()),
        "versions": {name: version(name) for name in LIBRARIES}, "code": _code(),
    }  # fmt: skip


def _code() -> str:
    """The digest of Holdfast's own source: another version, or a changed check, measures anew."""
    root = Path(holdfast.__file__).parent
    found = blake2b(digest_size=12)
    for path in sorted(root.rglob("*.py")):
        found.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size} ".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()
