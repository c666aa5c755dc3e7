"""Text corpora of any size: `holdfast.corpus.dedup(...)`, `decontaminate(...)`, `restore(...)`.

Every verb is a module of that name with a function of that name, found when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.corpus.dedup import dedup as dedup
    from holdfast.corpus.restore import restore as restore

VERBS = ("dedup", "restore", "decontaminate")


def __getattr__(name: str) -> Any:
    if name in VERBS:
        value = getattr(import_module(f"holdfast.corpus.{name}"), name)
        globals()[name] = value  # over the module of the same name
        return value
    raise AttributeError(f"module 'holdfast.corpus' has no attribute {name!r}. It has: {', '.join(VERBS)}.")


def __dir__() -> list[str]:
    return sorted(VERBS)
