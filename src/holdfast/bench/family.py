"""What a family of methods is to the bench: what is planted, how a method is asked, what an answer is worth."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from holdfast.audit.check import NotApplicable
from holdfast.audit.choice import Choice, ask, needs
from holdfast.audit.probes import Probes
from holdfast.audit.supply import VIEWED, Supply, Unavailable, refusal
from holdfast.bench.candidates import variants
from holdfast.core import Method
from holdfast.faults._tables import Truth
from holdfast.lazy import methods
from holdfast.ops.metrics import Metric

NONE = "none"  # the fault of an untouched draw


@dataclass(frozen=True)
class Planting:
    """One planted copy: which fault, how strong, and which draw of the rows and of the fault it is."""

    fault: str
    strength: float
    draw: int

    @property
    def key(self) -> str:
        """What names it in a journal."""
        return f"{self.fault} {self.strength:g} {self.draw}"

    @property
    def cell(self) -> str:
        """What its draws have in common."""
        return f"{self.fault} {self.strength:g}"


@dataclass
class Clock:
    """Counts what a method takes: CPU seconds, and where `trace` is set the peak of the memory it allocates."""

    trace: bool = False
    seconds: float = 0.0
    peak: int = 0

    def call(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """The function's answer."""
        if self.trace:
            tracemalloc.start()
        started = time.process_time()
        try:
            return function(**arguments)
        finally:
            self.seconds += time.process_time() - started
            if self.trace:
                self.peak = max(self.peak, tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()


@dataclass
class Scene:
    """A planted copy with its facts, the facts before planting, and the exact truth."""

    planting: Planting
    facts: Probes
    before: Probes
    truth: Truth
    supply: Supply
    seed: int
    clock: Clock = field(default_factory=Clock)
    memo: dict[Any, float] = field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        """What the fault costs is told in this metric."""
        metric: Metric = self.facts["metric"]
        return metric

    def score(self, prediction: np.ndarray, rows: np.ndarray | None = None) -> float:
        """The metric of predictions for the rows met (all, or these positions); larger is better."""
        y = self.facts["test_y"]
        if rows is not None:
            y, prediction = y[rows], prediction[rows]
        return better(self.metric, float(self.metric(y, prediction)))

    @cached_property
    def untouched(self) -> float:
        """The metric of the model on the rows met before anything was planted; larger is better."""
        return better(self.metric, float(self.metric(self.before["test_y"], self.before["test_predicted"])))

    def refitted(self, kept: np.ndarray | None = None, weight: np.ndarray | None = None) -> float:
        """The metric on the rows met of the model fitted on some positions, or with other weights."""
        facts = self.facts
        given = facts["train_weight"]
        rows = np.arange(len(facts["train_y"])) if kept is None else kept
        if weight is not None:
            given = weight if given is None else weight * given
        key = (rows.tobytes(), None if weight is None else weight.tobytes())
        if key not in self.memo:
            chosen = None if given is None else given[rows]
            fitted = facts["model"].fit(facts["train_inputs"][rows], facts["train_y"][rows], chosen, self.seed)
            self.memo[key] = self.score(fitted.predict(facts["test_inputs"]))
        return self.memo[key]


def better(metric: Metric, value: float) -> float:
    """The metric's value with the sign that makes larger better."""
    return value if metric.higher_is_better else -value


@dataclass(frozen=True)
class Outcome:
    """What one answer was worth: `found` in the family's own measure, `cost` in the metric (None where unknown)."""

    found: float
    cost: float | None = None
    extras: dict[str, float] = field(default_factory=dict)


class Family:
    """Base of the families. `found` says what ranks the methods, `larger` whether more of it is better."""

    name: ClassVar[str]
    role: ClassVar[type[Method]]
    question: ClassVar[str]
    found: ClassVar[str]
    larger: ClassVar[bool] = True
    cost: ClassVar[str]
    faults: ClassVar[tuple[str, ...]]
    views: ClassVar[tuple[str, ...]] = ("model",)
    plain: ClassVar[str] = "train"
    fixed: ClassVar[frozenset[str]] = frozenset()  # settings that are the data's, not a choice
    draws: ClassVar[int] = 3
    untouched_draws: ClassVar[int] = 0
    learn: ClassVar[float] = 2 / 3  # of the rows are learnt from, the others are met
    needs_target: ClassVar[bool] = True
    limits: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[dict[str, str]] = {}  # slot -> name of the candidate that the audit takes without a profile

    def slot(self, cls: type[Method]) -> str:  # noqa: ARG002 - one choice a family unless it says otherwise
        """Which of the family's choices a method stands for."""
        return self.name

    def refuses(self, cls: type[Method]) -> str:  # noqa: ARG002
        """Why a method of the family's role is none that this bench can judge; empty where it is."""
        return ""

    def metric(self, kind: str, given: str | None) -> str | None:  # noqa: ARG002
        """The metric that costs are told in, for a kind of task; None is the audit's default."""
        return given

    def judge(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Outcome:
        """Ask a candidate, made with the `known` seed and metric, and say what its answer is worth."""
        raise NotImplementedError

    def judgeable(self, truth: Truth) -> bool:  # noqa: ARG002
        """Whether what a fault says it planted is something that this family finds."""
        return True

    def candidates(self, facts: Probes, only: frozenset[str] = frozenset()) -> tuple[list[Choice], dict[str, str]]:
        """Every method (or `only` some) in every setting that these data can supply; the others with the reason."""
        found, refused = [], {}
        for name, cls in methods(self.name).items():
            if not name.startswith(f"{self.name}.") or (only and name not in only):
                continue
            reason = self._reason(cls, facts)
            if reason:
                refused[name] = reason
            else:
                found += list(self._variants(name, cls))
        return found, refused

    def _reason(self, cls: type[Method], facts: Probes) -> str:
        if not issubclass(cls, self.role):
            return f"it is a {cls.role}; the bench of {self.name} ranks methods that are a {self.role.role}"
        wanted = [name for names in needs(cls).values() for name in names]
        reason = self.refuses(cls) or next(filter(None, map(self.refusal, wanted)), "")
        if reason:
            return reason
        try:
            self.check(cls, facts)
        except (NotApplicable, Unavailable) as problem:
            return str(problem)
        return ""

    def refusal(self, name: str) -> str:
        """Why an argument can never be supplied."""
        return refusal(name)

    def check(self, cls: type[Method], facts: Probes) -> None:
        """Raise where the data cannot supply an argument: a numeric target has no class probabilities."""
        task = facts["task"].kind
        for name in (name for names in needs(cls).values() for name in names):
            base = name.removeprefix("ref_").removeprefix("cur_")
            if base in ("y", "probs", "predicted", "ensemble_probs") and task not in ("binary", "multiclass"):
                raise Unavailable(f"{name} needs a target that is a class")
            if base in ("target", "prediction", "uncertainty", "residual_scale") and task != "regression":
                raise Unavailable(f"{name} needs a numeric target")

    def _variants(self, name: str, cls: type[Method]) -> Iterator[Choice]:
        reads = {n.removeprefix("ref_").removeprefix("cur_") for names in needs(cls).values() for n in names}
        views = self.views if reads & set(VIEWED) else ("",)
        for view in views:
            for settings in variants(cls, self.fixed):
                yield Choice(name, settings, view if len(views) > 1 else "", self.slot(cls))

    def ask(self, scene: Scene, candidate: Choice, known: dict[str, Any]) -> Any:
        """The method's answer on a planted copy, its work timed."""
        return ask(candidate, scene.supply, known, scene.clock.call)
