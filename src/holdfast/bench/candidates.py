"""The methods of a family in every setting that is a choice of names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Literal, get_args, get_origin, get_type_hints

from holdfast.core import Method

MOST_VARIANTS = 8  # of one method


def variants(cls: type[Method], fixed: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    """Every combination of the settings that are a choice: a Literal of names, or yes and no. Defaults come first.

    Settings that the method declares `silent` (they change no answer) and those in `fixed` stay at their defaults.

    >>> from holdfast.labels import EnsembleVotes
    >>> list(variants(EnsembleVotes))
    [{}, {'by': 'vote'}]
    """
    hints, silent = get_type_hints(cls), getattr(cls, "silent", ())
    choices = {}
    for name, default in cls.settings().items():
        options = _options(hints.get(name))
        if name not in fixed and name not in silent and default in options:
            choices[name] = (default, *(option for option in options if option != default))
    for count, values in enumerate(product(*choices.values())):
        if count == MOST_VARIANTS:
            return
        yield {k: value for (k, options), value in zip(choices.items(), values, strict=True) if value != options[0]}


def _options(hint: Any) -> tuple[Any, ...]:
    if hint is bool:
        return (False, True)
    return get_args(hint) if get_origin(hint) is Literal else ()
