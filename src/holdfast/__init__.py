"""Holdfast: will what was learnt on this data hold on that data, what is wrong, what does it cost, what pays?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.audit.run import audit as audit
    from holdfast.core import Estimate as Estimate

__version__ = "0.1.0"
_HOME = {"audit": "holdfast.audit", "Estimate": "holdfast.core"}
__all__ = ["Estimate", "__version__", "audit"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'holdfast' has no attribute {name!r}. It has: {', '.join(sorted(_HOME))}.")
    from importlib import import_module

    module = import_module(_HOME[name])
    return module if name == "audit" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
