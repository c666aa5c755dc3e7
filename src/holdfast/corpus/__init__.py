"""Text corpora of any size: `holdfast.corpus.dedup(...)`, `decontaminate(...)`, `restore(...)`.

A verb is imported when it is asked for. To add one, name the module that holds it in `VERBS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.corpus.comparison import compare as compare
    from holdfast.corpus.decontamination import decontaminate as decontaminate
    from holdfast.corpus.deduplication import dedup as dedup
    from holdfast.corpus.mix_plan import plan_mix as plan_mix
    from holdfast.corpus.mixture import mix as mix
    from holdfast.corpus.proxies import proxy_runs as proxy_runs
    from holdfast.corpus.restoration import restore as restore
    from holdfast.corpus.rule_trials import mix_rules as mix_rules
    from holdfast.corpus.selection import select as select

VERBS = {
    "compare": "comparison",
    "decontaminate": "decontamination", "dedup": "deduplication", "mix": "mixture",
    "mix_rules": "rule_trials", "plan_mix": "mix_plan", "proxy_runs": "proxies",
    "restore": "restoration", "select": "selection",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in VERBS:
        return getattr(import_module(f"holdfast.corpus.{VERBS[name]}"), name)
    raise AttributeError(f"module 'holdfast.corpus' has no attribute {name!r}. It has: {', '.join(VERBS)}.")


def __dir__() -> list[str]:
    return sorted(VERBS)
