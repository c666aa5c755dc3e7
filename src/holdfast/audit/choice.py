"""A method, its settings and what it reads: what a bench chooses among, and what a profile makes an audit use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from holdfast.audit.records import Finding
from holdfast.core import Method
from holdfast.lazy import methods

if TYPE_CHECKING:
    from holdfast.audit.supply import Supply

QUADRATIC_ROWS = 10_000  # up to which a choice may be a kernel machine or a permutation test


@dataclass(frozen=True)
class Choice:
    """One method in one setting, reading its probabilities from one place (`view`, empty where it reads none).

    Without a `method` it is what the audit does when nothing is chosen, which `view` then names.
    """

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    view: str = ""
    slot: str = ""

    @property
    def name(self) -> str:
        """`ConfidentLearning(score="normalized_margin"), votes`."""
        shown = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        short = self.method.rpartition(".")[2]
        if not short:
            return self.view
        return (f"{short}({shown})" if shown else short) + (f", {self.view}" if self.view else "")

    def make(self, **known: Any) -> Method:
        """The method itself; of the settings in `known` (seed, metric) it takes those that it has."""
        cls = methods(self.method.partition(".")[0])[self.method]
        offered = {key: value for key, value in known.items() if key in cls.settings()}
        return cls(**{**offered, **self.settings})

    def to_dict(self) -> dict[str, Any]:
        """As plain types: what a profile keeps."""
        return {"name": self.name, "method": self.method, "settings": dict(self.settings), "view": self.view}


def is_quadratic(choice: Choice) -> bool:
    """Whether the time of the method grows with the square of the rows: kernel machines, permuted kernels.

    >>> is_quadratic(Choice("labels.PlantedChoice")), is_quadratic(Choice("labels.NearestNeighbourLabels"))
    (True, False)
    """
    settings = choice.make().get_params() if choice.method else {}
    return "kernel" in (choice.view, *settings.get("models", ())) or (
        "permutations" in settings and "bandwidth" in settings
    )


def needs(cls: type[Method]) -> dict[str, tuple[str, ...]]:
    """The arguments without a default of `fit` (empty where there is none) and of the role's verb."""
    return {step: _required(getattr(cls, step, None)) for step in ("fit", cls.verbs[0])}


def _required(verb: Any) -> tuple[str, ...]:
    parts = signature(verb).parameters.items() if verb else ()
    return tuple(name for name, part in parts if name != "self" and part.default is Parameter.empty)


def ask(choice: Choice, supply: Supply, known: Mapping[str, Any], call: Callable[..., Any] | None = None) -> Any:
    """Fit the method on training rows, where it is fitted, then call its verb; `call(function, **arguments)` may watch.

    `known` holds the seed and the metric, for methods that have such a setting.
    """
    method: Any = choice.make(**known)
    wanted, call = needs(type(method)), call or plainly
    if hasattr(method, "fit"):
        call(method.fit, **supply.arguments(wanted["fit"], choice.view, "train"))
    verb = type(method).verbs[0]
    return call(getattr(method, verb), **supply.arguments(wanted[verb], choice.view))


def plainly(function: Callable[..., Any], **arguments: Any) -> Any:
    """Call the function: what watches nothing."""
    return function(**arguments)


def said_of(finding: Finding, choice: Choice | None) -> Finding:
    """The finding, which says which method was chosen by planting; as it is without a choice."""
    if choice is None or not choice.method:
        return finding
    return replace(
        finding,
        because=(*finding.because, f"Method chosen by planting known faults in this data: {choice.name}."),
        sources=tuple(dict.fromkeys((choice.method, *finding.sources))),
        settings={**finding.settings, "method chosen by planting": choice.name},
    )
