"""Holdfast: will what was learnt on this data hold on that data, what is wrong, what does it cost, what pays?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.audit.run import audit as audit
    from holdfast.bench.run import bench as bench
    from holdfast.compare.run import compare as compare
    from holdfast.core import Estimate as Estimate
    from holdfast.drill.run import drill as drill
    from holdfast.estimate.run import estimate as estimate
    from holdfast.repair.run import repair as repair
    from holdfast.scaling.run import scaling as scaling
    from holdfast.verify.run import verify as verify

__version__ = "0.1.0"
VERBS = (  # each a package of that name that can be called
    "audit",
    "bench",
    "compare",
    "drill",
    "estimate",
    "explain",
    "merge",
    "repair",
    "scaling",
    "verify",
)
__all__ = [
    "Estimate",
    "__version__",
    "audit",
    "bench",
    "compare",
    "corpus",
    "drill",
    "estimate",
    "explain",
    "merge",
    "repair",
    "scaling",
    "verify",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in VERBS or name == "corpus":
        return import_module(f"holdfast.{name}")
    if name == "Estimate":
        return import_module("holdfast.core").Estimate
    raise AttributeError(f"module 'holdfast' has no attribute {name!r}. It has: {', '.join(__dir__())}.")


def __dir__() -> list[str]:
    return sorted([*VERBS, "corpus", "Estimate", "__version__"])
