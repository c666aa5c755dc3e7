"""The nouns of the house: `Estimate`, `Method` and the roles. The one file everybody must read.

A *method* is one idea of one paper in one file. Its *role* is set by what it returns; its *family* is the folder it
lives in. Settings are annotated class fields; data comes in as keyword arguments whose names, shapes and checks are
defined once in `holdfast.vocabulary`; fitted state ends in an underscore; randomness comes in as the setting `seed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, ClassVar, NamedTuple, Self, dataclass_transform

from holdfast.vocabulary import fitted_first, guarded


class Estimate(NamedTuple):
    """A number with its uncertainty: `low` to `high` is the 90 % interval unless a method says otherwise.

    `n` is the number of rows (or pairs, runs) it rests on; `pvalue` is there where a hypothesis was tested.

    >>> print(Estimate(0.0312, 0.01, 0.05, 200))
    0.0312 [0.01, 0.05] (n = 200)
    """

    value: float
    low: float
    high: float
    n: int
    pvalue: float | None = None

    def __str__(self) -> str:
        pvalue = "" if self.pvalue is None else f", p = {self.pvalue:.3g}"
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}] (n = {self.n}{pvalue})"


@dataclass_transform(eq_default=False, kw_only_default=True)
class Method:
    """Base of all methods: a keyword-only dataclass whose verbs check their arguments against the vocabulary.

    Class variables: `source` is a key of the family's `sources.toml`; `claims` and `blind` name the worlds
    (`holdfast.faults.worlds`) in which the method finds the fault and does not, both tested; `transductive` says that
    rows are scored together (a row's score depends on the others); `memory` is the declared growth of peak memory in
    the number of rows, "linear" unless said.
    """

    source: ClassVar[str] = ""
    claims: ClassVar[tuple[str, ...]] = ()
    blind: ClassVar[tuple[str, ...]] = ()
    transductive: ClassVar[bool] = False
    memory: ClassVar[str] = "linear"
    checked: ClassVar[bool] = True  # whether arguments of the verbs pass the vocabulary; tensors of a loop do not
    needs: ClassVar[tuple[str, ...]] = ()
    role: ClassVar[str] = ""
    verbs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if abstract:
            cls.role = cls.role or cls.__name__.lower()  # what refines a role keeps it
            return
        parent = cls.__mro__[1]
        if "_final" in parent.__dict__:
            raise TypeError(f"{cls.__name__} extends {parent.__name__}, which is final: wrap it or share a function.")
        cls._final = True  # type: ignore[attr-defined]
        dataclass(eq=False, kw_only=True)(cls)
        for verb in ("fit", *cls.verbs):
            if verb in cls.__dict__:
                wrap = guarded if cls.checked or verb == "fit" else fitted_first
                setattr(cls, verb, wrap(cls.__dict__[verb]))

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """The settings by name; with `set_params`, what scikit-learn's `clone` needs."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def set_params(self, **params: Any) -> Self:
        """Change settings in place; an unknown name raises `ValueError`."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has no setting {name!r}. It has: {', '.join(known) or 'none'}."
                )
            setattr(self, name, value)
        return self

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The names and defaults of the settings."""
        return {field.name: field.default for field in fields(cls)}  # type: ignore[arg-type]


class Scorer(Method, abstract=True):
    """`score_rows(...) -> (n,)`: one number per row, larger = more of the family's fault. May be fitted first."""

    verbs: ClassVar[tuple[str, ...]] = ("score_rows",)


class Measure(Method, abstract=True):
    """`measure(...) -> Estimate`: one number about a data set or a pair, with its uncertainty. May be fitted first."""

    verbs: ClassVar[tuple[str, ...]] = ("measure",)


class Grouper(Method, abstract=True):
    """`group_rows(...) -> (n,) int`: the group of every row, -1 = in none."""

    verbs: ClassVar[tuple[str, ...]] = ("group_rows",)


class Weigher(Method, abstract=True):
    """`weigh_rows(...) -> (ref_n,)`: non-negative, mean 1, ready for `sample_weight`.

    After the call `effective_sample_size_` says on how many equally weighted rows the weights rest.
    """

    verbs: ClassVar[tuple[str, ...]] = ("weigh_rows",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "weigh_rows" in cls.__dict__:
            cls.weigh_rows = _counted(cls.__dict__["weigh_rows"])  # type: ignore[attr-defined]


def _counted(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the effective sample size of the weights that come out: (sum w)^2 / sum w^2."""

    @wraps(verb)
    def weigh(self: Any, *args: Any, **kwargs: Any) -> Any:
        weights = verb(self, *args, **kwargs)
        self.effective_sample_size_ = float(weights.sum()) ** 2 / max(float(weights @ weights), 1e-300)
        return weights

    return weigh


class Mixer(Method, abstract=True):
    """`mix_groups(...) -> (G,)`: proportions that sum to 1."""

    verbs: ClassVar[tuple[str, ...]] = ("mix_groups",)


class Selector(Method, abstract=True):
    """`select_rows(..., budget) -> row indices`, best first, at most `budget` of them."""

    verbs: ClassVar[tuple[str, ...]] = ("select_rows",)


class Mapper(Method, abstract=True):
    """`fit(...)`, `transform(...)`: the same names out, such as calibrated probabilities.

    `gives` says what comes out: "probs" (n, k); "adapted", the same of a classifier that it fitted; "sets" (n, k)
    bool, true where a class is in the row's set; "intervals" (n, 2), low and high; "rows", a pair (X, y) with synthetic
    rows after those given; "features", the pair (ref_X, cur_X) carried to where both look alike.
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform",)
    gives: ClassVar[str] = "probs"


class Objective(Method, abstract=True):
    """`loss(model, **batch) -> scalar`: what training minimises; the loop belongs to the house (`holdfast.nets.fit`).

    `neutral` names the settings at which it is plain cross-entropy, up to a constant, where there are any. An objective
    with parts of its own (`parameters()`) may have `assembled(model)`: the network to use after training.
    """

    verbs: ClassVar[tuple[str, ...]] = ("loss",)
    checked: ClassVar[bool] = False
    neutral: ClassVar[dict[str, Any] | None] = None
    quiet: ClassVar[str] = "none"  # the world without a fault in which it must do no harm


class Editor(Method, abstract=True):
    """`edit(model, ...)`: a new model; the one given in is left alone.

    `adapts` says that the new model goes on changing itself whenever it is called, until its `reset()`.
    """

    verbs: ClassVar[tuple[str, ...]] = ("edit",)
    checked: ClassVar[bool] = False
    adapts: ClassVar[bool] = False


class Fault(Method, abstract=True):
    """`plant(tables, strength, rng) -> (Tables, Truth)`: a known fault in a copy of real data, and what it is exactly.

    `unit` says what a strength is; `strengths` lists what to try, small to large; strength 0 plants nothing.
    Raises `CannotPlant` where the data has no place for the fault.
    """

    verbs: ClassVar[tuple[str, ...]] = ("plant",)
    unit: ClassVar[str] = ""
    strengths: ClassVar[tuple[float, ...]] = ()


ROLES = (Scorer, Measure, Grouper, Weigher, Mixer, Selector, Mapper, Objective, Editor, Fault)
